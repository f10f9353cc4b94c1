// The program of a page. `reportEvent` is what the one who opened the page has put there.
import { newResult, runCases } from './run-cases.mjs'

function startThread(job) {
  const worker = new Worker(new URL('./page-worker.mjs', import.meta.url), { type: 'module' })
  const { result, answer, fail } = newResult()
  worker.addEventListener('message', ({ data }) => answer(data))
  worker.addEventListener('error', ({ message }) => fail(message ?? 'it cannot be loaded'))
  worker.addEventListener('messageerror', () => fail('its answer cannot be read'))
  worker.postMessage(job)
  return { result, terminate: () => worker.terminate() }
}

const job = JSON.parse(new URLSearchParams(location.search).get('job'))
try {
  if (!crossOriginIsolated) throw new Error('the page is not cross-origin isolated')
  await runCases(job, startThread, (event) => void globalThis.reportEvent(event))
} catch (error) {
  await globalThis.reportEvent({ type: 'broken', message: String(error) })
}

// Threads as Node, Deno and Bun have them.
import { Worker } from 'node:worker_threads'
import { newResult } from './run-cases.mjs'

export { runCase, runCases } from './run-cases.mjs'

export function startThread(job) {
  const worker = new Worker(new URL('./thread.mjs', import.meta.url), { workerData: job })
  const { result, answer, fail } = newResult()
  worker.once('message', answer)
  worker.once('error', (error) => fail(String(error)))
  worker.once('exit', (code) => fail(`it ended with ${code} before it answered`))
  return { result, terminate: () => worker.terminate() }
}

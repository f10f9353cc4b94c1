import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const program = new URL('../fixtures/list-worker.mjs', import.meta.url)

export function startOnList(job, list, data, gate) {
  const worker = new Worker(program, { workerData: { job, gate, handle: list.toHandle(), ...data } })
  const result = Promise.all([once(worker, 'message'), once(worker, 'exit')]).then(([[message]]) => message)
  return { worker, result }
}

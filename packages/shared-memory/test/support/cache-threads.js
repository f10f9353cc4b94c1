import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const program = new URL('../fixtures/cache-worker.mjs', import.meta.url)

export function startOnCache(job, cache, data, gate) {
  const worker = new Worker(program, { workerData: { job, gate, handle: cache?.toHandle(), ...data } })
  const result = Promise.all([once(worker, 'message'), once(worker, 'exit')]).then(([[{ returned, error }]]) => {
    if (error) throw Object.assign(new Error(error.message), error)
    return returned
  })
  return { worker, result }
}

export const newDoor = () => new Int32Array(new SharedArrayBuffer(8))

export async function untilInside(door) {
  while (Atomics.load(door, 0) === 0) await Atomics.waitAsync(door, 0, 0).value
}

export function letOut(door) {
  Atomics.store(door, 1, 1)
  Atomics.notify(door, 1)
}

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const program = new URL('../fixtures/dict-worker.mjs', import.meta.url)

export function startOnDict(job, dict, data, gate) {
  const worker = new Worker(program, { workerData: { job, gate, handle: dict.toHandle(), ...data } })
  const result = Promise.all([once(worker, 'message'), once(worker, 'exit')]).then(([[message]]) => message)
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

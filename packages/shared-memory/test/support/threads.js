import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const program = new URL('../fixtures/worker.mjs', import.meta.url)

export async function inThread(job, data, gate) {
  const worker = new Worker(program, { workerData: { job, gate, ...data } })
  const [[result]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  return result
}

// Word 0 counts the threads that came, word 1 says that the gate is open.
export function closedGate() {
  return new Int32Array(new SharedArrayBuffer(8))
}

export async function openGate(gate, count) {
  for (;;) {
    const came = Atomics.load(gate, 0)
    if (came === count) break
    await Atomics.waitAsync(gate, 0, came).value
  }
  Atomics.store(gate, 1, 1)
  Atomics.notify(gate, 1)
}

// Takes all permits of a semaphore, disowns them and gives them back, until it is told to stop. See ../histories.test.ts.
import { workerData } from 'node:worker_threads'
import { Semaphore } from '@heddle/sync-primitives'

const { handle, permits, words } = workerData
const semaphore = Semaphore.fromHandle(handle)
while (Atomics.load(words, 0) === 0) {
  semaphore.acquireSync(permits).detach()
  semaphore.release(permits)
  Atomics.add(words, 1, 1)
}

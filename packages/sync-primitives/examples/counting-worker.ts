import { workerData } from 'node:worker_threads'
import { Mutex, type SharedObjectHandle, ThreadSafeCounter } from '@heddle/sync-primitives'

interface Work {
  readonly mutex: SharedObjectHandle
  readonly additions: SharedObjectHandle
  readonly sum: Float64Array
}

const work = workerData as Work
const mutex = Mutex.fromHandle(work.mutex)
const additions = ThreadSafeCounter.fromHandle(work.additions)

for (let i = 0; i < 1_000; i++) {
  using _guard = mutex.acquireSync() // released at the end of the block
  work.sum[0] = (work.sum[0] ?? 0) + 0.25
  additions.increment()
}

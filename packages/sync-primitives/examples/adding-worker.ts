import { workerData } from 'node:worker_threads'
import { Latch, Mutex, type SharedObjectHandle } from '@heddle/sync-primitives'

interface Work {
  readonly sums: Float64Array
  readonly mutex: SharedObjectHandle
  readonly halfWay: SharedObjectHandle
}

const { sums, ...handles } = workerData as Work
const mutex = Mutex.fromHandle(handles.mutex)
const halfWay = Latch.fromHandle(handles.halfWay)

for (let n = 0; n < 1_000; n++) {
  using _guard = mutex.acquireSync() // released at the end of the block
  sums[0] = (sums[0] ?? 0) + 1
  sums[1] = (sums[1] ?? 0) + 1
}

mutex.acquireSync()
sums[0] = (sums[0] ?? 0) + 1
halfWay.countDown()
new Latch(1).waitSync() // for ever

import { Worker } from 'node:worker_threads'
import { Latch, Mutex } from '@heddle/sync-primitives'

// Two sums that belong together: whoever holds the mutex finds them equal.
const sums = new Float64Array(new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT))
const mutex = new Mutex()
const halfWay = new Latch(1)

const worker = new Worker(new URL('./adding-worker.js', import.meta.url), {
  workerData: { sums, mutex: mutex.toHandle(), halfWay: halfWay.toHandle() },
})

// This thread awaits the mutex while the worker blocks for it.
for (let n = 0; n < 1_000; n++) {
  await mutex.runExclusive(() => {
    sums[0] = (sums[0] ?? 0) + 1
    sums[1] = (sums[1] ?? 0) + 1
  })
}

// In the end the worker holds the mutex and stands between the two sums. That is where it is ended.
await halfWay.wait()
await worker.terminate()

using guard = await mutex.acquire()
console.log(`the owner before died: ${guard.ownerDied}`)
console.log(`it has left the sums ${sums.join(' and ')}`)
sums[1] = sums[0] ?? 0
guard.markConsistent()
console.log(`repaired, they are ${sums.join(' and ')}`)

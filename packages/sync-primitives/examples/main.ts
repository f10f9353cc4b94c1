import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'

const mutex = new Mutex()
const additions = new ThreadSafeCounter()
const sum = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)) // Atomics cannot add fractions

const worker = new Worker(new URL('./counting-worker.js', import.meta.url), {
  workerData: { mutex: mutex.toHandle(), additions: additions.toHandle(), sum },
})

// This thread awaits the mutex while the worker blocks for it.
for (let i = 0; i < 1_000; i++) {
  await mutex.runExclusive(() => {
    sum[0] = (sum[0] ?? 0) + 0.5
  })
  additions.increment()
}

await once(worker, 'exit')
console.log(`${additions.getValue()} additions make ${sum[0]}`)
console.log(mutex.tryAcquire() ? 'the mutex is free' : 'the mutex is held')

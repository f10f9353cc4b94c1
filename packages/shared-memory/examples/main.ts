import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { SharedArray, SharedValue } from '@heddle/shared-memory'

const array = new SharedArray('i', 10)
const counter = new SharedValue('i', 0)

const workers = [0, 1, 2].map((workerId) => {
  const workerData = { workerId, array: array.toHandle(), counter: counter.toHandle() }
  return new Worker(new URL('./worker.js', import.meta.url), { workerData })
})
await Promise.all(workers.map((worker) => once(worker, 'exit')))

console.log(`Final counter value: ${counter.value}`)
console.log(`Shared array: ${[...array].join(', ')}`)

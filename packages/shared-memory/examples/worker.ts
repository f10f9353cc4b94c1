import { workerData } from 'node:worker_threads'
import { SharedArray, type SharedArrayHandle, SharedValue, type SharedValueHandle } from '@heddle/shared-memory'

interface Work {
  workerId: number
  array: SharedArrayHandle<'int32'>
  counter: SharedValueHandle<'int32'>
}

const work = workerData as Work
const array = SharedArray.fromHandle(work.array)
const counter = SharedValue.fromHandle(work.counter)

for (let i = 0; i < 10; i++) {
  counter.getLock().runExclusiveSync(() => {
    counter.value += 1
  })
  array.set(work.workerId, work.workerId * 10 + i)
}

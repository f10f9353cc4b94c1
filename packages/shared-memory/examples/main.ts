import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SharedMemoryManager } from '@heddle/shared-memory'

const manager = new SharedMemoryManager()
const counter = manager.createSharedValue('counter', 0)
const array = manager.createSharedArray('array', 10, 'i')
const visits = manager.getSharedDict<number>()

const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const workers = [0, 1, 2].map((workerId) => fork(program, [manager.name, `${workerId}`]))
await Promise.all(workers.map((worker) => once(worker, 'exit')))

console.log(`Final counter value: ${counter.value}`)
console.log(`Shared array: ${[...array].join(', ')}`)
console.log(`Visits: ${visits.get('all')}, by ${visits.size - 1} processes`)
manager.dispose()

import { ProcessPoolManager } from '@heddle/process-pool'
import { SharedMemoryManager } from '@heddle/shared-memory'
import { countUp } from './shared-memory-tasks.js'

using memory = new SharedMemoryManager()
const counter = memory.createSharedValue('counter', 0)
const names = memory.getSharedDict<number>()

await using pool = new ProcessPoolManager({ maxWorkers: 2 })
await Promise.all([1, 2].map((worker) => pool.run(countUp, [memory.name, worker])))
console.log(counter.value, names.get('visits'))

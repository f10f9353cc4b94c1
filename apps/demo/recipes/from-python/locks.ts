import { Barrier, Semaphore, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { visit } from './locks-tasks.js'

const semaphore = new Semaphore(2)
const barrier = new Barrier(3)
const counter = new ThreadSafeCounter()

await using pool = new ThreadPoolManager({ maxWorkers: 3 })
const last = await Promise.all([1, 2, 3].map(() => pool.run(visit, [semaphore, barrier, counter])))
console.log('visits:', counter.getValue())
console.log('came last:', last.filter(Boolean).length)

import { type Executor, PoolManager } from '@heddle/pool-core'
import { initials, parse } from './tasks.js'
import { thisThread } from './this-thread.js'

// A task is the function that it was made of.
console.log('called:', initials('Ada Lovelace'))

// A manager brings the queue, the results, the retries and the end; its kind says where the tasks run.
const pool: Executor = new PoolManager(thisThread, { maxWorkers: 1 })
console.log('run:', await pool.run(initials, ['Grace Hopper']))

const names = ['Barbara Liskov', 'Frances Allen', 'Radia Perlman']
for await (const letters of pool.map(initials, names)) console.log('mapped:', letters)

const good = await pool.submitTask(parse, ['{"warp":12}'])
const bad = await pool.submitTask(parse, ['{'])
const rows = await pool.waitForAllTasks()
console.log('rows:', rows.get(good), rows.get(bad)?.status)
console.log('succeeded:', pool.stats().succeeded)
await pool.drain()

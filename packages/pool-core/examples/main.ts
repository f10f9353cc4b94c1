import { type Executor, PoolManager } from '@heddle/pool-core'
import { HereSlot } from './here-slot.js'
import { initials, parse } from './tasks.js'

// A task is the function that it was made of.
console.log('called:', initials('Ada Lovelace'))

// A manager brings the queue, the results and the end; the slots say where the calls run.
const pool: Executor = new PoolManager(() => new HereSlot(), 'thread', { maxWorkers: 1 })
console.log('run:', await pool.run(initials, ['Grace Hopper']))

const names = ['Barbara Liskov', 'Frances Allen', 'Radia Perlman']
for await (const letters of pool.map(initials, names)) console.log('mapped:', letters)

const good = await pool.submitTask(parse, ['{"warp":12}'])
const bad = await pool.submitTask(parse, ['{'])
const rows = await pool.waitForAllTasks()
console.log('rows:', rows.get(good), rows.get(bad)?.status)
await pool.drain()

import { once } from 'node:events'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { report } from './graceful-shutdown-tasks.js'

const pool = new ThreadPoolManager({ maxWorkers: 2 })
const stopping = once(process, 'SIGTERM')

// Reports are accepted until the signal comes. Each takes a while.
const ids: string[] = []
for (let n = 1; n <= 6; n++) ids.push(await pool.submitTask(report, [n]))
console.log(`accepted: ${ids.length}`)

process.kill(process.pid, 'SIGTERM') // as the system would do
const [signal] = await stopping
console.log(`${signal}: no new work, what was accepted is finished`)

// What is not done in time is ended by force. Both can be called together.
const patience = setTimeout(() => void pool.terminate(new Error('too slow')), 10_000)
const draining = pool.drain()
await pool.submitTask(report, [7]).catch((error: { code: string }) => console.log(`report 7 is refused: ${error.code}`))
await draining
clearTimeout(patience)

// Results stay to be taken afterwards.
for (const id of ids) console.log(await pool.getTaskResult(id))

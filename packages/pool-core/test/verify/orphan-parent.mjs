// A program whose workers compute for ever: orphan-parent.mjs <address of a pool package>. Prints the pids, then waits for its end.
import { identity, spin } from './pool-tasks.mjs'

const { ProcessPoolManager } = await import(process.argv[2])
const pool = new ProcessPoolManager({ maxWorkers: 2 })
const pids = await pool.broadcast(identity, [])
for (let worker = 0; worker < 2; worker++) pool.run(spin, []).catch(() => undefined)
// By then both loops have begun: a message to a worker goes at once.
setTimeout(() => console.log(JSON.stringify(pids)), 100)

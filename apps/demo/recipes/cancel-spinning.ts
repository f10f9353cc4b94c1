import { ManualResetEvent } from '@heddle/sync-primitives'
import { ThreadPoolManager, TimeoutError } from '@heddle/worker-pool'
import { countPatiently, spin } from './cancel-spinning-tasks.js'

await using pool = new ThreadPoolManager({ maxWorkers: 1 })

// A time limit counts from the moment the task begins. No task can hold out against it, not even one that never yields.
const tooLong = await pool.run(spin, [new ManualResetEvent()], { timeout: 50 }).catch((error: unknown) => error)
console.log('timeout:', tooLong instanceof TimeoutError && tooLong.code)

// A signal does the same; the promise rejects with its reason.
const spins = new ManualResetEvent()
const controller = new AbortController()
const spinning = pool.run(spin, [spins], { signal: controller.signal })
await spins.wait()
controller.abort(new Error('nobody needs it any more'))
await spinning.catch((error: Error) => console.log('abort:', error.message))

// A task that has asked for its signal is not ended with its worker: it may clean up, and the worker stays.
const counts = new ManualResetEvent()
const cleanedUp = new ManualResetEvent()
const id = await pool.submitTask(countPatiently, [counts, cleanedUp])
await counts.wait()
console.log('cancelled:', pool.cancelTask(id, new Error('that will do')))
await pool.getTaskResult(id).catch((error: Error) => console.log('its result:', error.message))
console.log('it has cleaned up:', await cleanedUp.wait({ timeout: 10_000 }))

console.log('the pool goes on:', await pool.run((n: number) => n + 1, [41]))

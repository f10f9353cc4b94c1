import { BrokenError, ThreadPoolManager, TimeoutError } from '@heddle/worker-pool'
import { countUp, crashOnce, search, spin, sumOfSquares } from './tasks.js'

await using pool = new ThreadPoolManager({ maxWorkers: 2 })

console.log('called here:', sumOfSquares([1, 2, 3]))
console.log('in a worker:', await pool.run(sumOfSquares, [[1, 2, 3]]))

// A million short tasks: they travel in chunks, and each has a result of its own.
const cubes = await pool
  .map(
    (n: number) => n ** 3,
    Array.from({ length: 1_000_000 }, (_, n) => n),
  )
  .toArray()
console.log('mapped:', cubes.length, cubes[99])

const id = await pool.submitTask(sumOfSquares, [[3, 4]], { priority: 1 })
console.log('asked for later:', await pool.getTaskResult(id))

// What tells how far it is, and can be told to stop.
const controller = new AbortController()
const searching = pool.run(search, [1_000], {
  signal: controller.signal,
  onProgress: (tried) => controller.abort(new Error(`enough after ${String(tried)}`)),
})
console.log('stopped:', await searching.catch((error: Error) => error.message))

for await (const n of pool.stream(countUp, [3])) console.log('streamed:', n)

// Nothing hangs: not an endless loop, nor a worker that ends.
const endless = await pool.run(spin, [], { timeout: 50 }).catch((error: unknown) => error)
console.log('endless:', endless instanceof TimeoutError && endless.code)
const crashed = await pool.run(spin, ['exit']).catch((error: unknown) => error)
console.log('crashed:', crashed instanceof BrokenError && [crashed.code, crashed.exitCode, crashed.began])
console.log('tried again:', await pool.run(crashOnce, []))

const { succeeded, failed, timedOut, cancelled, crashes } = pool.stats()
console.log({ succeeded, failed, timedOut, cancelled, crashes })

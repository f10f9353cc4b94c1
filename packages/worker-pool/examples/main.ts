import { ThreadPoolManager, TimeoutError } from '@heddle/worker-pool'
import { spin, sumOfSquares } from './tasks.js'

/** The numbers from 1 to `last`, in chunks. */
function* chunksUpTo(last: number, size: number): Generator<number[]> {
  for (let first = 1; first <= last; first += size)
    yield Array.from({ length: Math.min(size, last - first + 1) }, (_, index) => first + index)
}

await using pool = new ThreadPoolManager({ maxWorkers: 2 })

console.log('called here:', sumOfSquares([1, 2, 3]))
console.log('in a worker:', await pool.run(sumOfSquares, [[1, 2, 3]]))

let total = 0
for await (const sum of pool.map(sumOfSquares, chunksUpTo(100_000, 10_000))) total += sum
console.log('in chunks:', total)

const id = await pool.submitTask(sumOfSquares, [[3, 4]])
console.log('asked for later:', await pool.getTaskResult(id))

try {
  await pool.run(spin, [], { timeout: 50 })
} catch (error) {
  if (error instanceof TimeoutError) console.log('endless:', error.code)
}
console.log('and on it goes:', await pool.run(sumOfSquares, [[6, 8]]))

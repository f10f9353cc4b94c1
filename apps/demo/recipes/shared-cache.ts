import { ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { largestPrimes } from './shared-cache-tasks.js'

// One cache for all threads, with room for 100 entries of at most 64 KB together.
const cache = new ThreadSafeCache<number>({ maxSize: 100, maxBytes: 65_536 })
const computed = new ThreadSafeCounter()

await using pool = new ThreadPoolManager({ maxWorkers: 2 })
const limits = [100, 1_000, 10_000, 50_000]
const [one, other] = await Promise.all([
  pool.run(largestPrimes, [cache, computed, limits]),
  pool.run(largestPrimes, [cache, computed, limits.toReversed()]),
])

console.log(one.join(' '))
console.log(other.join(' '))
// Whoever asks for what another thread is computing waits for it.
console.log(`asked ${one.length + other.length} times, computed ${computed.getValue()}`)
console.log(`this thread finds ${cache.get(10_000)} below 10,000`)
console.log(`${cache.size()} entries`)

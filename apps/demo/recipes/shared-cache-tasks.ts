// Not for their types alone: a task gets a shared object as itself only where its package was imported.
import '@heddle/shared-memory'
import '@heddle/sync-primitives'
import type { ThreadSafeCache } from '@heddle/shared-memory'
import type { ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

export const largestPrimes = defineTask(
  import.meta.url,
  'largestPrimes',
  (cache: ThreadSafeCache<number>, computed: ThreadSafeCounter, limits: readonly number[]) =>
    limits.map((limit) =>
      cache.getOrComputeSync(limit, () => {
        computed.increment()
        let candidate = limit - 1
        while (!isPrime(candidate)) candidate--
        return candidate
      }),
    ),
)

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return n > 1
}

// Not for their types alone: see tasks.ts.
import '@heddle/shared-memory'
import '@heddle/sync-primitives'
import type { ThreadSafeCache } from '@heddle/shared-memory'
import type { ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

/** Looks up the squares of 1 to `last`, computes those that nobody has computed, and returns their sum. */
export const sumOfCached = defineTask(
  import.meta.url,
  'sumOfCached',
  (cache: ThreadSafeCache<number>, last: number, computed: ThreadSafeCounter) => {
    let sum = 0
    for (let n = 1; n <= last; n++)
      sum += cache.getOrComputeSync(n, () => {
        computed.increment()
        return n * n
      })
    return sum
  },
)

import { ThreadSafeCache } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { charged } from '../../batches.js'
import type { Batches } from '../../duels/batched.js'

const count = 1000
const keys = Array.from({ length: count }, (_, n) => `key-${n}`)

/** Our cache, full, where each key is in it: each `get` makes its entry the latest. */
export function cacheHits(): Batches {
  const cache = new ThreadSafeCache<number>({ maxSize: count })
  for (const [n, key] of keys.entries()) cache.put(key, n)
  let n = 0
  return {
    batch: charged((calls) => {
      for (let call = 0; call < calls; call++) {
        if (cache.get(keys[n] as string) !== n) throw new Error(`another value of ${keys[n]}`)
        n = n + 1 === count ? 0 : n + 1
      }
    }),
  }
}

/** The same values in a Map of this thread, behind a lock that threads share. */
export async function lockedMap(): Promise<Batches & { version: string }> {
  const mutex = new Mutex()
  const map = new Map(keys.map((key, n) => [key, n]))
  let n = 0
  return {
    version: process.version,
    batch: charged((calls) => {
      for (let call = 0; call < calls; call++) {
        const guard = mutex.acquireSync()
        const value = map.get(keys[n] as string)
        guard.release()
        if (value !== n) throw new Error(`another value of ${keys[n]}`)
        n = n + 1 === count ? 0 : n + 1
      }
    }),
  }
}

import { encode } from '../store/values.js'
import { ABSENT, type Cache } from './cache.js'
import type { Seeker } from './seeker.js'

/** Ends a computation with its value. @throws as `ThreadSafeCache.put`: it cannot be stored, and the computation has ended too */
export function keep(cache: Cache, key: string | number, { ticket }: Seeker, value: unknown, ttl: number): void {
  let byteLength = ABSENT
  try {
    byteLength = encode(value)
  } finally {
    cache.settle(key, ticket, byteLength, ttl)
  }
}

/** Ends a computation that has failed. */
export function giveUp(cache: Cache, key: string | number, { ticket }: Seeker): void {
  try {
    cache.settle(key, ticket, ABSENT, Number.POSITIVE_INFINITY)
  } catch {
    // What it has failed with says more than that the memory was closed meanwhile.
  }
}

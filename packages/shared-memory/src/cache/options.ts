import type { Memory } from '@heddle/sync-primitives'
import {
  describe,
  invalidArgument,
  objectOption,
  outOfRange,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { chosenMemory, type MemoryChoice } from '../store/memory-choice.js'
import { noLimit } from './layout.js'

export interface CacheOptions extends MemoryChoice {
  /** How many entries there may be, 1 to 134,217,728. Default: 1000. */
  readonly maxSize?: number | undefined
  /**
   * How many bytes the keys and encoded values of all entries may take up together, each of them filled up to 4 bytes; 4 or
   * more, rounded down to a multiple of 4. What the cache needs for itself, some 100 bytes an entry, comes on top. Default: no
   * other limit than the memory.
   */
  readonly maxBytes?: number | undefined
  /** For how many milliseconds an entry lives that does not say; more than 0. Default: for ever. */
  readonly ttl?: number | undefined
}

export interface PutOptions {
  /** For how many milliseconds the entry lives, from now on; more than 0, Infinity: for ever. Default: as the cache says. */
  readonly ttl?: number | undefined
}

export interface ComputeSyncOptions extends PutOptions {
  /** Milliseconds that others may still compute the same value; default: for ever; 0 tries once. */
  readonly timeout?: number | undefined
}

export interface ComputeOptions extends ComputeSyncOptions {
  /** Gives up to wait for others when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** What a cache has done since it was made, by all threads together, and how full it is. A snapshot: it may be stale. */
export interface CacheStats {
  /** Calls of `get`, `getOrCompute` and `getOrComputeSync` that have found a value when they came. */
  readonly hits: number
  /** Those that have not. */
  readonly misses: number
  /** Entries that went because there was no room for others. */
  readonly evictions: number
  /** Entries that went because their time was over. */
  readonly expirations: number
  readonly size: number
  /** What the keys and encoded values of all entries take up, each of them filled up to 4 bytes. */
  readonly bytes: number
  readonly maxSize: number
  /** Infinity: there is no limit but the memory. */
  readonly maxBytes: number
  /** Infinity: for ever. */
  readonly ttl: number
}

const defaultSize = 1000
const mostSize = 2 ** 27

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function cacheOptions(options: CacheOptions | undefined): {
  maxSize: number
  maxWords: number
  ttl: number
  memory: Memory
} {
  const checked = objectOption(options)
  const { maxSize = defaultSize, maxBytes, ttl } = checked
  wholeNumber('maxSize', maxSize, 1, mostSize)
  return {
    maxSize,
    maxWords: maxBytes === undefined ? noLimit : mostWords(maxBytes),
    ttl: ttlOf(ttl),
    memory: chosenMemory(checked),
  }
}

function mostWords(maxBytes: number): number {
  if (maxBytes === Number.POSITIVE_INFINITY) return noLimit
  return Math.min(Math.floor(wholeNumber('maxBytes', maxBytes, 4, Number.MAX_SAFE_INTEGER) / 4), noLimit)
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: not a number above 0 */
export function ttlOf(ttl: unknown, usual = Number.POSITIVE_INFINITY): number {
  if (ttl === undefined) return usual
  if (typeof ttl !== 'number') throw invalidArgument(`ttl must be a number of milliseconds, not ${describe(ttl)}`)
  if (!(ttl > 0)) throw outOfRange(`ttl must be more than 0 milliseconds, not ${ttl}`)
  return ttl
}

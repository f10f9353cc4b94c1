import type { ThreadSafeCache } from '@heddle/shared-memory'
import type { Memory, SharedObjectHandle } from '@heddle/sync-primitives'

/** A store: where, and what. */
export type Stored = readonly [index: number, value: number]

/** Words that pretended participants use one after the other. All but the last one are dead. */
export declare class CacheCrash {
  constructor(words: number | Int32Array)
  readonly raw: Int32Array
  /** For `new ThreadSafeCache({ memory })`. */
  readonly memory: Memory
  copy(stores?: readonly Stored[]): CacheCrash
  /** The cache as the next participant sees it. */
  heirOf<Value>(handle: SharedObjectHandle): ThreadSafeCache<Value>
  /** What the next participant stores in `operation`, one after the other. */
  record<Value>(handle: SharedObjectHandle, operation: (cache: ThreadSafeCache<Value>) => void): Stored[]
}

/** Checks every block, bin, link and sum of a cache; throws what is wrong. Returns how many blocks there are by state. */
export declare function auditCache(raw: Int32Array, index: number): Record<string, number>

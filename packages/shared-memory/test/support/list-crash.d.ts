import type { SharedList } from '@heddle/shared-memory'
import type { Memory, SharedObjectHandle } from '@heddle/sync-primitives'

/** A store: where, and what. */
export type Stored = readonly [index: number, value: number]

/** Words that pretended participants use one after the other. All but the last one are dead. */
export declare class Deathbed {
  constructor(words: number | Int32Array)
  readonly raw: Int32Array
  /** For `new SharedList({ memory })`. */
  readonly memory: Memory
  copy(stores?: readonly Stored[]): Deathbed
  /** The list as the next participant sees it. */
  heirOf<Value>(handle: SharedObjectHandle): SharedList<Value>
  /** What the next participant stores in `operation`, one after the other. */
  record<Value>(handle: SharedObjectHandle, operation: (list: SharedList<Value>) => void): Stored[]
}

/** Checks every block and bin of a list; throws what is wrong. Returns how many words its chunks have. */
export declare function auditList(raw: Int32Array, index: number): number

import type { Memory, SharedObjectHandle } from '@heddle/sync-primitives'

/** A store: where, and what. */
export type Stored = readonly [index: number, value: number]

/** Words that pretended participants use one after the other. All but the last one are dead. */
export declare class Deathbed<Shared> {
  constructor(Class: { fromHandle(handle: SharedObjectHandle): Shared }, words: number | Int32Array)
  readonly raw: Int32Array
  /** For a new object. */
  readonly memory: Memory
  copy(stores?: readonly Stored[]): Deathbed<Shared>
  /** The object as the next participant sees it. */
  heirOf(handle: SharedObjectHandle): Shared
  /** What the next participant stores in `operation`, one after the other. */
  record(handle: SharedObjectHandle, operation: (object: Shared) => void): Stored[]
}

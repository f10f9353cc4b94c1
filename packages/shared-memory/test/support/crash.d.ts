import type { SharedDict } from '@heddle/shared-memory'

/** Words of shared memory that several pretended participants use, each of which can be cut off after any of its stores. */
export declare class CrashMemory {
  constructor(words: number, copyOf?: CrashMemory)
  readonly raw: Int32Array
  /** The dict at `index` as the next participant sees it; all before it are dead. */
  heirOf<Value>(index: number): SharedDict<Value>
  /** What `new SharedDict({ memory })` takes: participant number 1. */
  readonly memory: object
  copy(): CrashMemory
  /**
   * Calls `operation` with a dict of the next participant, and lets all words become those of `after` in the midst of it: before
   * its plain load number `loads`. `isThrough`: there were not so many.
   */
  interrupted<Value, Result>(
    index: number,
    loads: number,
    after: CrashMemory,
    operation: (dict: SharedDict<Value>) => Result,
  ): { readonly result: Result; readonly isThrough: boolean }
  /**
   * Calls `operation` with a dict of the next participant, and ends it at its store number `stores`, as a kill would.
   *
   * @returns whether it came to its end before
   */
  cutOff<Value>(index: number, stores: number, operation: (dict: SharedDict<Value>) => void): boolean
}

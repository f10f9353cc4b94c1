import type { ThreadSafePriorityQueue } from '@heddle/ipc-channels'
import type { Memory } from '@heddle/sync-primitives'

/** Words that pretended participants use one after the other. All but the last one are dead. */
export declare class PriorityDeathbed {
  constructor(words: number)
  readonly raw: Int32Array
  /** For a new object. */
  readonly memory: Memory
  copy(): PriorityDeathbed
  /** The queue as the next participant sees it. */
  heirOf(index: number): ThreadSafePriorityQueue<string>
  /** The next participant dies in front of a store: it does so many of them. @returns whether it was through before */
  cutOff(index: number, stores: number, operation: (queue: ThreadSafePriorityQueue<string>) => void): boolean
}

import type { Memory } from '@heddle/sync-primitives'

/** A memory that can be closed in each way that there is. Its handles open what is behind it, which stays open. */
export declare class Closable {
  constructor(target: Memory)
  readonly memory: Memory
  /** Closes it, and leaves the words to others. */
  leave(): void
  /** Closes it, and its words read as zeros from now on. */
  takeAway(): void
  /** The same as soon as somebody has found, `looks` times from now on, that it was not closed. */
  takeAwayAfterLooks(looks: number): void
}

import type { Memory } from '@heddle/sync-primitives'

/** How a queue is made. */
export interface ThreadSafeQueueOptions {
  /** The most items inside at a time; a whole number from 1 to 16,777,216. Default: 1,000. */
  readonly capacity?: number | undefined
  /**
   * The most bytes that the items inside take together, and so the largest item; a whole number from 1 to 1,073,741,824. Each
   * item is rounded up to 4 bytes, and lies in one piece: at the end of the memory some may stay unused. Default: 262,144.
   */
  readonly capacityBytes?: number | undefined
  /** Where its words are: a segment that processes share, say. Default: memory that the threads of this process share. */
  readonly memory?: Memory | undefined
}

/** What a queue has counted, in all threads and processes together, since it was made; and what it is now. */
export interface ThreadSafeQueueStats {
  /** Items that were put. */
  readonly putCount: number
  /** Items that were taken, or dropped by `shutdown({ immediate: true })`. */
  readonly getCount: number
  /** Calls that ended without success because the queue was full or empty: timeouts, and `try` forms in vain. */
  readonly errors: number
  /** The items inside. */
  readonly size: number
  /** The items inside, and those that were taken by somebody who lives and has not said that they are done. */
  readonly unfinished: number
  /** Whether it was closed. */
  readonly closed: boolean
}

/** How a queue is shut down. */
export interface ShutdownOptions {
  /** Whether what is inside is given back to the caller at once. Default: it can still be taken. */
  readonly immediate?: boolean | undefined
}

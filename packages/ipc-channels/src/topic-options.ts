import type { Memory } from '@heddle/sync-primitives'

/** How a topic is made. */
export interface TopicOptions {
  /** The most messages that are kept for those who have not read them; a whole number from 1 to 16,777,216. Default: 1,000. */
  readonly capacity?: number | undefined
  /**
   * The most bytes that these messages take together, and so the largest message; a whole number from 1 to 1,073,741,824. Each
   * message is rounded up to 4 bytes, and lies in one piece: at the end of the memory some may stay unused. Default: 262,144.
   */
  readonly capacityBytes?: number | undefined
  /** The most subscriptions at a time, in all threads and processes; a whole number from 1 to 4,096. Default: 16. */
  readonly maxSubscribers?: number | undefined
  /** Where its words are: a segment that processes share, say. Default: memory that the threads of this process share. */
  readonly memory?: Memory | undefined
}

/**
 * What happens to a subscription that has not read the oldest message when room is needed for a new one. `wait`: publishers
 * wait for it. `skip`: it misses that message and goes on, see `lost`. `disconnect`: it is cut off.
 */
export type WhenSlow = 'wait' | 'skip' | 'disconnect'

export interface SubscribeOptions {
  /** Default: `wait`. Nothing is lost that nobody has said may be lost, as with a queue. */
  readonly whenSlow?: WhenSlow | undefined
}

/** What a topic has counted, in all threads and processes together, since it was made; and what it is now. */
export interface TopicStats {
  /** Messages that were published. */
  readonly publishCount: number
  /** Messages that were overwritten before a subscription had read them, once for each such subscription that has noticed. */
  readonly lost: number
  /** Calls that ended without success because there was no room or no message: timeouts, and `try` forms in vain. */
  readonly errors: number
  /** Subscriptions that are open, of threads that live. */
  readonly subscribers: number
  /** The messages that the slowest of them has still to read. */
  readonly pending: number
  /** Whether it was closed. */
  readonly closed: boolean
}

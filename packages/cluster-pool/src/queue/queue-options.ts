import { describe, milliseconds, objectOf, outOfRange, wholeNumberOrInfinity } from '@heddle/pool-core/building-blocks'

/** How an object uses a queue. All who use one queue should say the same: each object goes by what it was told itself. */
export interface ClusterQueueOptions {
  /**
   * The most items inside, those that are claimed and not acknowledged included: who puts waits while there are so many. Whole
   * number, 1 or more. Default: Infinity.
   */
  readonly capacity?: number | undefined
  /**
   * Milliseconds that a claimed item stays with its holder when nothing is heard of that one, 100 or more; default: 10,000. It
   * is renewed after a third of that, as long as the holder lives. After so long the item of a dead one is delivered again.
   */
  readonly lease?: number | undefined
  /**
   * How often an item is delivered at most; whole number, 1 or more. One that comes back after that is not delivered by this
   * object any more, but becomes a dead letter. Default: Infinity, so that nothing is set aside that nobody looks at.
   */
  readonly maxDeliveries?: number | undefined
}

/** How long a call waits. */
export interface QueueWaitOptions {
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 asks the server once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** What is in a queue, on the server, at one moment. */
export interface ClusterQueueStats {
  /** Items that can be taken. */
  readonly waiting: number
  /** Items that were received, and neither acknowledged nor put back yet. */
  readonly claimed: number
  /** Items that were delivered too often. */
  readonly deadLetters: number
  /** The most that are waiting or claimed, as this object was told. */
  readonly capacity: number
  /** Whether it was closed. Items may still be inside. */
  readonly closed: boolean
}

/** An item that was delivered `maxDeliveries` times, and came back each time. */
export interface ClusterDeadLetter<T> {
  readonly item: T
  /** How often it was delivered. */
  readonly attempts: number
}

/** The same, checked. */
export interface QueueLimits {
  readonly capacity: number
  readonly lease: number
  readonly maxDeliveries: number
}

const leastLease = 100
/** What a timer can wait for. */
const mostLease = 2 ** 31 - 1

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function queueLimitsOf(options: ClusterQueueOptions | undefined): QueueLimits {
  const {
    capacity = Number.POSITIVE_INFINITY,
    lease = 10_000,
    maxDeliveries = Number.POSITIVE_INFINITY,
  } = objectOf('options', options)
  if (milliseconds('lease', lease) < leastLease || lease > mostLease)
    throw outOfRange(`lease must be ${leastLease} to ${mostLease} milliseconds, not ${describe(lease)}`)
  return {
    capacity: wholeNumberOrInfinity('capacity', capacity, 1),
    lease,
    maxDeliveries: wholeNumberOrInfinity('maxDeliveries', maxDeliveries, 1),
  }
}

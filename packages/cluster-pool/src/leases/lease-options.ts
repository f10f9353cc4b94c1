import { describe, milliseconds, objectOf, optionalFunction, outOfRange } from '@heddle/pool-core/building-blocks'

export interface LeaseOptions {
  /**
   * Milliseconds that what was acquired stays with its holder when nothing is heard of that one, 100 or more; default: 10,000.
   * It is renewed after a third of that, as long as the holder lives. So long the next one may have to wait for one that has
   * died; and a holder that is cut off from the server for so long loses what it holds.
   */
  readonly lease?: number | undefined
  /** Called once for each guard whose lease was lost, with the reason of its `lost` signal. */
  readonly onLost?: ((error: Error) => void) | undefined
}

export interface AcquireOptions {
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 asks the server once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** How many permits a call is about; default: 1. The same as to give the number first. */
export interface PermitOption {
  readonly permits?: number | undefined
}

export interface Lease {
  /** Milliseconds. */
  readonly lease: number
  readonly onLost: ((error: Error) => void) | undefined
}

const leastLease = 100
/** What a timer can wait for. */
const mostLease = 2 ** 31 - 1

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function leaseOf(options: LeaseOptions | undefined): Lease {
  const { lease = 10_000, onLost } = objectOf('options', options)
  if (milliseconds('lease', lease) < leastLease || lease > mostLease)
    throw outOfRange(`lease must be ${leastLease} to ${mostLease} milliseconds, not ${describe(lease)}`)
  return { lease, onLost: optionalFunction('onLost', onLost) }
}

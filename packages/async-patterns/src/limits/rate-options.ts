import { invalidArgument, outOfRange } from '../errors.js'
import { describe, milliseconds, type WaitOptions } from '../options.js'
import type { Clock } from '../platform/clock.js'

/** How a limiter counts, and how many may wait. */
export interface AsyncRateLimiterOptions {
  /** The most permits that can be had at once, after a rest. Whole number, 1 or more. Default: `rate` rounded down, at least 1. */
  readonly burst?: number | undefined
  /** Never more than `rate` permits in any stretch of `per` milliseconds, wherever it begins; excludes `burst`. Default: false. */
  readonly strict?: boolean | undefined
  /** The time to go by. Default: the monotonic clock of the platform. */
  readonly clock?: Clock | undefined
  /** The most that may wait, or have a reservation that is not ready, at a time. Default: Infinity. */
  readonly maxWaiting?: number | undefined
}

/** What is asked of a limiter, how long the call may wait, and what ends its wait early. */
export interface RateAcquireOptions extends WaitOptions {
  /** Whole number, 1 to `burst`; default 1. */
  readonly permits?: number | undefined
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function checkRate(rate: unknown, per: unknown): void {
  if (typeof rate !== 'number') throw invalidArgument(`rate must be a number, not ${describe(rate)}`)
  if (!(rate >= 0 && rate < Number.POSITIVE_INFINITY))
    throw outOfRange(`rate must be a finite number, 0 or more, not ${rate}`)
  const ms = milliseconds('per', per)
  if (!(ms > 0 && ms < Number.POSITIVE_INFINITY)) throw outOfRange(`per must be finite and more than 0, not ${ms}`)
}

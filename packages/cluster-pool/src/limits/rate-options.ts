import {
  describe,
  finiteNumber,
  milliseconds,
  objectOf,
  outOfRange,
  wholeNumber,
} from '@heddle/pool-core/building-blocks'

export interface ClusterRateLimiterOptions {
  /** The most permits that can be had at once, after a rest. Whole number, 1 or more. Default: `rate` rounded down, at least 1. */
  readonly burst?: number | undefined
}

export interface RateKeyOption {
  /** Whose permits: a user, a host; 1 to 200 characters. Each key has a rate of its own, and so has the call without a key. */
  readonly key?: string | undefined
}

/** What is asked of a limiter, how long the call may wait, and what ends its wait early. */
export interface ClusterRateAcquireOptions extends RateKeyOption {
  /** Whole number, 1 to `burst`; default 1. */
  readonly permits?: number | undefined
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 asks the server once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** What a limiter goes by, checked. */
export interface RateLimits {
  readonly rate: number
  /** Milliseconds. */
  readonly per: number
  readonly burst: number
}

const mostBurst = 1_000_000_000
/** A hundred years: what the servers' clocks can count to. */
const mostFillMs = 3_155_760_000_000

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function rateLimitsOf(rate: number, per: number, options: ClusterRateLimiterOptions | undefined): RateLimits {
  const { burst } = objectOf('options', options)
  if (finiteNumber('rate', rate) <= 0) throw outOfRange(`rate must be more than 0, not ${describe(rate)}`)
  const ms = milliseconds('per', per)
  if (ms === 0 || ms === Number.POSITIVE_INFINITY)
    throw outOfRange(`per must be finite and more than 0, not ${describe(per)}`)
  const most = wholeNumber('burst', burst ?? Math.max(1, Math.floor(rate)), 1)
  if (most > mostBurst) throw outOfRange(`burst must be at most ${mostBurst}, not ${most}`)
  const limits = { rate, per: ms, burst: most }
  if (fillMs(limits) > mostFillMs) throw outOfRange('the burst would take more than a hundred years to come')
  return limits
}

/** How long it takes until all permits are there. */
export function fillMs({ rate, per, burst }: RateLimits): number {
  return (burst * per) / rate
}

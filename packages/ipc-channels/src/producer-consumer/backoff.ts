import { describe, invalidArgument, outOfRange } from '@heddle/sync-primitives/building-blocks'

/** How long to pause before each further attempt. */
export interface BackoffOptions {
  /** Milliseconds before the second attempt. Default: 100. */
  readonly minDelay?: number | undefined
  /** Milliseconds that no pause exceeds. Default: 30,000. */
  readonly maxDelay?: number | undefined
  /** By what each pause is longer than the one before, 1 or more. Default: 2. */
  readonly factor?: number | undefined
  /**
   * The share of a pause that chance decides, 0 to 1: with 1, the default, a pause is anything up to its full length, so that
   * those who failed together do not come back together.
   */
  readonly jitter?: number | undefined
}

/** The pause after so many failures in a row, 1 or more of them, in milliseconds. */
export type Backoff = (failures: number) => number

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
export function backoffOf(options: BackoffOptions): Backoff {
  const minDelay = milliseconds('minDelay', options.minDelay ?? 100)
  const maxDelay = milliseconds('maxDelay', options.maxDelay ?? 30_000)
  const factor = numberFrom('factor', options.factor ?? 2, 1, Number.MAX_VALUE)
  const jitter = numberFrom('jitter', options.jitter ?? 1, 0, 1)
  return (failures) => {
    // Not 0 times Infinity, which is no number.
    const full = minDelay === 0 ? 0 : Math.min(maxDelay, minDelay * factor ** (failures - 1))
    return full * (1 - jitter * Math.random())
  }
}

/** @throws TypeError `ERR_INVALID_ARG`: not a number; RangeError `ERR_OUT_OF_RANGE`: negative or NaN; Infinity is allowed */
export function milliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number')
    throw invalidArgument(`${name} must be a number of milliseconds, not ${describe(value)}`)
  if (!(value >= 0)) throw outOfRange(`${name} must be 0 or more milliseconds, not ${value}`)
  return value
}

function numberFrom(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!(value >= least && value <= most)) throw outOfRange(`${name} must be from ${least} to ${most}, not ${value}`)
  return value
}

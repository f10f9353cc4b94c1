import type { AcquireOptions, AcquireSyncOptions } from '@heddle/sync-primitives'
import { invalidArgument, outOfRange } from './errors.js'

/**
 * The instant on `performance.now()`'s clock at which `options.timeout` has passed.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the options are no object, or the timeout is no number
 * @throws RangeError `ERR_OUT_OF_RANGE`: the timeout is negative or NaN
 */
export function deadlineOf(options: AcquireSyncOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY
  const { timeout } = objectOf(options)
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw invalidArgument(`timeout must be a number of milliseconds, not ${describe(timeout)}`)
  if (!(timeout >= 0)) throw outOfRange(`timeout must be 0 or more milliseconds, not ${timeout}`)
  return timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
}

/** @throws TypeError `ERR_INVALID_ARG`: the signal is no AbortSignal */
export function signalOf(options: AcquireOptions | undefined): AbortSignal | undefined {
  const signal = options?.signal
  if (signal === undefined) return undefined
  if (typeof signal !== 'object' || signal === null || typeof signal.aborted !== 'boolean')
    throw invalidArgument(`signal must be an AbortSignal, not ${describe(signal)}`)
  return signal
}

/** @throws TypeError `ERR_INVALID_ARG`: not an object */
export function objectOf<Options extends object>(options: Options): Options {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument(`options must be an object, not ${describe(options)}`)
  return options
}

/** @throws TypeError `ERR_INVALID_ARG`: not a number; RangeError `ERR_OUT_OF_RANGE`: not a whole number from 1 to `most` */
export function wholeNumber(name: string, value: unknown, most: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw outOfRange(`${name} must be a whole number from 1 to ${most}, not ${value}`)
  return value
}

/** A value as an error message shows it: never long, and never a call into the value. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? 'a long string' : JSON.stringify(value)
    case 'bigint':
      return `the bigint ${value}`
    case 'object':
      return value === null ? 'null' : 'an object'
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}

import { invalidArgument, outOfRange } from './errors.js'

export interface AcquireSyncOptions {
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 tries once. */
  readonly timeout?: number | undefined
}

export interface AcquireOptions extends AcquireSyncOptions {
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The instant on `performance.now()`'s clock at which `options.timeout` has passed.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the options are no object, or the timeout is no number
 * @throws RangeError `ERR_OUT_OF_RANGE`: the timeout is negative or NaN
 */
export function deadlineOf(options: AcquireSyncOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY
  const { timeout } = objectOption(options)
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw invalidArgument(`timeout must be a number of milliseconds, not ${describe(timeout)}`)
  if (!(timeout >= 0)) throw outOfRange(`timeout must be 0 or more milliseconds, not ${timeout}`)
  return timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
}

/** @throws TypeError `ERR_INVALID_ARG`: the options are no object */
export function objectOption<Options extends object>(options: Options | undefined): Partial<Options> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null)
    throw invalidArgument(`options must be an object, not ${describe(options)}`)
  return options
}

/** @throws TypeError `ERR_INVALID_ARG`: the option is there and no boolean */
export function booleanOption(name: string, value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw invalidArgument(`${name} must be true or false, not ${describe(value)}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: the option is there and no function */
export function functionOption<Fn>(name: string, value: Fn | undefined): Fn | undefined {
  if (value !== undefined && typeof value !== 'function')
    throw invalidArgument(`${name} must be a function, not ${describe(value)}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: no function */
export function mustBeFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidArgument(`${name} must be a function, not ${describe(value)}`)
}

/** @throws TypeError `ERR_INVALID_ARG`: the signal is no AbortSignal */
export function signalOf(options: AcquireOptions | undefined): AbortSignal | undefined {
  const signal = options?.signal
  if (signal === undefined) return undefined
  if (!isSignal(signal)) throw invalidArgument(`signal must be an AbortSignal, not ${describe(signal)}`)
  return signal
}

/** By shape: a signal of another realm fails `instanceof`. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}

/** @throws TypeError `ERR_INVALID_ARG`: not a number; RangeError `ERR_OUT_OF_RANGE`: not a whole number from `least` to `most` */
export function wholeNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isInteger(value) || value < least || value > most)
    throw outOfRange(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  return value
}

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

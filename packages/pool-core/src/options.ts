import { invalidArgument, outOfRange } from './errors.js'

/** @throws TypeError `ERR_INVALID_ARG`: not an object */
export function objectOf<Options extends object>(name: string, options: Options | undefined): Partial<Options> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null)
    throw invalidArgument(`${name} must be an object, not ${describe(options)}`)
  return options
}

/**
 * Milliseconds, or undefined where there is no limit.
 *
 * @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: negative or NaN
 */
export function timeoutOf(timeout: unknown): number | undefined {
  if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return undefined
  if (typeof timeout !== 'number')
    throw invalidArgument(`timeout must be a number of milliseconds, not ${describe(timeout)}`)
  if (!(timeout >= 0)) throw outOfRange(`timeout must be 0 or more milliseconds, not ${timeout}`)
  return timeout
}

/** @throws TypeError `ERR_INVALID_ARG`: not an AbortSignal */
export function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal) || !('addEventListener' in signal))
    throw invalidArgument(`signal must be an AbortSignal, not ${describe(signal)}`)
  return signal as AbortSignal
}

/** @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: not a whole number of at least `least` */
export function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isSafeInteger(value) || value < least)
    throw outOfRange(`${name} must be a whole number of at least ${least}, not ${value}`)
  return value
}

/** The same, or Infinity. */
export function wholeNumberOrInfinity(name: string, value: unknown, least: number): number {
  return value === Number.POSITIVE_INFINITY ? value : wholeNumber(name, value, least)
}

/** @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: negative or NaN */
export function milliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number')
    throw invalidArgument(`${name} must be a number of milliseconds, not ${describe(value)}`)
  if (!(value >= 0)) throw outOfRange(`${name} must be 0 or more milliseconds, not ${value}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: not finite */
export function finiteNumber(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isFinite(value)) throw outOfRange(`${name} must be a finite number, not ${value}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: neither a function nor undefined */
export function optionalFunction<Fn>(name: string, value: Fn | undefined): Fn | undefined {
  if (value !== undefined && typeof value !== 'function')
    throw invalidArgument(`${name} must be a function, not ${describe(value)}`)
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

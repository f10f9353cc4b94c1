import { invalidArgument, outOfRange } from './errors.js'

/** How long a call may wait, and what ends its wait early. */
export interface WaitOptions {
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 tries once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The milliseconds that `options` allow, Infinity if they do not say.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the options are no object, or the timeout is no number
 * @throws RangeError `ERR_OUT_OF_RANGE`: the timeout is negative or NaN
 */
export function timeoutOf(options: { readonly timeout?: number | undefined } | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY
  checkIsObject(options)
  const { timeout } = options
  return timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds('timeout', timeout)
}

/** @throws TypeError `ERR_INVALID_ARG`: the signal is no AbortSignal */
export function signalOf(options: { readonly signal?: AbortSignal | undefined } | undefined): AbortSignal | undefined {
  const signal = options?.signal
  if (signal === undefined) return undefined
  // By its shape: a signal of another realm is as good.
  if (
    typeof signal !== 'object' ||
    signal === null ||
    typeof signal.aborted !== 'boolean' ||
    typeof signal.addEventListener !== 'function'
  )
    throw invalidArgument(`signal must be an AbortSignal, not ${describe(signal)}`)
  return signal
}

/** @throws TypeError `ERR_INVALID_ARG`: not a number; RangeError `ERR_OUT_OF_RANGE`: negative or NaN; Infinity is allowed */
export function milliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number')
    throw invalidArgument(`${name} must be a number of milliseconds, not ${describe(value)}`)
  if (!(value >= 0)) throw outOfRange(`${name} must be 0 or more milliseconds, not ${value}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: not a number; RangeError `ERR_OUT_OF_RANGE`: not a whole number from `least` to `most` */
export function wholeNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isInteger(value) || value < least || value > most)
    throw outOfRange(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  return value
}

/** As {@link wholeNumber}, with Infinity allowed too: there is no bound. */
export function wholeNumberOrInfinity(name: string, value: unknown, least: number): number {
  if (value === Number.POSITIVE_INFINITY) return value
  return wholeNumber(name, value, least, Number.MAX_SAFE_INTEGER)
}

/** @throws TypeError `ERR_INVALID_ARG`: not a function */
export function checkIsFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidArgument(`${name} must be a function, not ${describe(value)}`)
}

/** @throws TypeError `ERR_INVALID_ARG`: neither undefined nor a function */
export function checkIsFunctionIfGiven(name: string, value: unknown): void {
  if (value !== undefined) checkIsFunction(name, value)
}

/** @throws TypeError `ERR_INVALID_ARG`: not an object */
export function checkIsObject(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument(`options must be an object, not ${describe(options)}`)
}

/** A value for the message of an error. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object' || typeof value === 'function') return `a value of type ${typeof value}`
  return String(value as string | number | bigint | boolean | symbol | undefined)
}

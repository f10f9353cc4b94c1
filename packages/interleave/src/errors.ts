/** A TypeError with a code, for an argument of the wrong kind. */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG' })
}

/** A RangeError with a code, for an argument of the right kind and a value that is not allowed. */
export function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

/** What was thrown, as one line: anything can be thrown, and it may come from another realm. */
export function describeThrown(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const { name, message } = thrown as { readonly name?: unknown; readonly message: unknown }
    return typeof name === 'string' ? `${name}: ${String(message)}` : String(message)
  }
  return String(thrown)
}

/** A value as a message names it. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object' || typeof value === 'function') return `a value of type ${typeof value}`
  return String(value as string | number | bigint | boolean | symbol | undefined)
}

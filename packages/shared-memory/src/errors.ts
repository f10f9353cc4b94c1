/** A TypeError with a code, for an argument of the wrong kind. */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG' })
}

/** A RangeError with a code, for an argument of the right kind and a value that is not allowed. */
export function outOfRange(message: string, options?: ErrorOptions): RangeError {
  return Object.assign(new RangeError(message, options), { code: 'ERR_OUT_OF_RANGE' })
}

/** A TypeError with a code, for a handle that names no object that can be opened here. */
export function badHandle(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_BAD_HANDLE' })
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

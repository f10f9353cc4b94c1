/** A value cannot cross the boundary; nothing was sent. `path` leads to the part that cannot, such as `[0].options.onDone`. */
export class NotCloneableError extends Error {
  readonly code = 'ERR_NOT_CLONEABLE'
  readonly path: string

  constructor(path: string, what: string, hint: string) {
    super(`${path === '' ? 'the value' : path} is ${what}, which cannot be sent to another ${hint}`)
    this.path = path
  }

  static {
    NotCloneableError.prototype.name = 'NotCloneableError'
  }
}

/** Stands for something thrown on the other side that could not be sent, such as a function; the message describes it. */
export class RemoteError extends Error {
  readonly code = 'ERR_REMOTE'

  static {
    RemoteError.prototype.name = 'RemoteError'
  }
}

/** Bytes hold no value: they were damaged, written to meanwhile, or never one. `cause` says why where there is a reason. */
export class CorruptError extends Error {
  readonly code = 'ERR_CORRUPT'

  static {
    CorruptError.prototype.name = 'CorruptError'
  }
}

/** A TypeError with a code, for a handle that names no object that can be opened here. */
export function badHandle(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_BAD_HANDLE' })
}

/** A TypeError with a code, for an argument of the wrong kind. */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG' })
}

/** A RangeError with a code, for an argument of the right kind and a value that is not allowed. */
export function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

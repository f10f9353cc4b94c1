/** The call does not fit the semaphore's state; the semaphore is unchanged. `code` says which rule was broken. */
export class LockStateError extends Error {
  readonly code: 'ERR_OVER_RELEASE'

  constructor(code: LockStateError['code'], message: string) {
    super(message)
    this.code = code
  }

  static {
    LockStateError.prototype.name = 'LockStateError'
  }
}

/** The time that the caller allowed has passed; nothing was acquired and nothing stays behind. */
export class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'

  static {
    TimeoutError.prototype.name = 'TimeoutError'
  }
}

/** This program closed the object; nothing was acquired. `cause` is the reason it gave, if it gave one. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED'

  static {
    ClosedError.prototype.name = 'ClosedError'
  }
}

/** A TypeError with a code, for an argument of the wrong kind. */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG' })
}

/** A RangeError with a code, for an argument of the right kind and a value that is not allowed. */
export function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

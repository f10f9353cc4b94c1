/** The call does not fit the lock's state; the lock is unchanged. `code` says which rule was broken. */
export class LockStateError extends Error {
  readonly code: 'ERR_NOT_OWNER' | 'ERR_ALREADY_OWNED' | 'ERR_OVER_RELEASE' | 'ERR_NOT_RECOVERABLE' | 'ERR_DEADLOCK'

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

/** The memory was closed by this process; what other processes see of it is unchanged. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED'

  static {
    ClosedError.prototype.name = 'ClosedError'
  }
}

/** The other side has ended or given up. `code` says what was broken by it. */
export class BrokenError extends Error {
  readonly code: 'ERR_OWNER_DIED' | 'ERR_BARRIER_BROKEN'

  constructor(code: BrokenError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    BrokenError.prototype.name = 'BrokenError'
  }
}

/** An invariant of ours does not hold: a defect in Heddle, or memory that something else has written to. */
export class InternalError extends Error {
  readonly code = 'ERR_INTERNAL'

  static {
    InternalError.prototype.name = 'InternalError'
  }
}

/** A TypeError with a code, for an argument of the wrong kind. */
export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG' })
}

/** A RangeError with a code, for an argument of the right kind and a value that is not allowed. */
export function outOfRange(message: string, options?: ErrorOptions): RangeError {
  return Object.assign(new RangeError(message, options), { code: 'ERR_OUT_OF_RANGE' })
}

/** A RangeError with a code, for a memory whose table of participants is full. */
export function tooManyParticipants(message: string): RangeError {
  const advice = `${message}: make a memory with room for more, see the option participants`
  return Object.assign(new RangeError(advice), { code: 'ERR_TOO_MANY_PARTICIPANTS' })
}

/** An error with a code, for what cannot be done where the program runs. */
export function unsupported(message: string, options?: ErrorOptions): Error {
  return Object.assign(new Error(message, options), { code: 'ERR_UNSUPPORTED_PLATFORM' })
}

/** A TypeError with a code, for a handle that names no object that can be opened here. */
export function badHandle(message: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(message, options), { code: 'ERR_BAD_HANDLE' })
}

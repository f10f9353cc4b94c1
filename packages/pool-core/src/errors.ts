/** The time that the caller allowed has passed. Of a task's own run time: its worker was ended and replaced. */
export class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'

  static {
    TimeoutError.prototype.name = 'TimeoutError'
  }
}

/** The pool was closed by its owner: this task was not accepted, or `terminate()` has ended it. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED'

  static {
    ClosedError.prototype.name = 'ClosedError'
  }
}

/** The worker that ran a task has ended; `cause` is what it died of, where that is known. The pool goes on with a new one. */
export class BrokenError extends Error {
  readonly code = 'ERR_WORKER_CRASHED'
  /** The exit code of the worker thread or process; undefined when a signal ended it, or when it failed before it could exit. */
  readonly exitCode: number | undefined
  /** The signal that ended the worker process. */
  readonly signal: string | undefined

  constructor(
    message: string,
    details: { exitCode?: number | undefined; signal?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.exitCode = details.exitCode
    this.signal = details.signal
  }

  static {
    BrokenError.prototype.name = 'BrokenError'
  }
}

/** A task id that this pool does not know: never given out, its result was taken already, or it was dropped. */
export class TaskError extends Error {
  readonly code = 'ERR_UNKNOWN_TASK'

  static {
    TaskError.prototype.name = 'TaskError'
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

/** The call does not fit the object's state, which is unchanged. `code` says which rule was broken. */
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

/** The queue had no room, or not within the time; the item was not taken and is handed back. */
export class QueueFullError extends TimeoutError {
  /** What could not be put; for a task, its arguments. */
  readonly item: unknown

  constructor(item: unknown, message = 'the queue had no room in time') {
    super(message)
    this.item = item
  }

  static {
    QueueFullError.prototype.name = 'QueueFullError'
  }
}

/** The queue had no item within the time; nothing was taken. */
export class QueueEmptyError extends TimeoutError {
  constructor() {
    super('the queue had no item in time')
  }

  static {
    QueueEmptyError.prototype.name = 'QueueEmptyError'
  }
}

/** This program closed the object; nothing was acquired. `cause` is the reason it gave, if it gave one. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED'

  /** @param reason - becomes the `cause`; undefined: there is none */
  constructor(message: string, reason?: unknown) {
    super(message, reason === undefined ? undefined : { cause: reason })
  }

  static {
    ClosedError.prototype.name = 'ClosedError'
  }
}

/**
 * A task that has no result to give. `ERR_UNKNOWN_TASK`: an id that was never given out, or whose result was taken or
 * dropped. `ERR_TASK_DROPPED`: the task was dropped before it began, since the queue was full or cleared.
 */
export class TaskError extends Error {
  readonly code: 'ERR_UNKNOWN_TASK' | 'ERR_TASK_DROPPED'

  constructor(code: TaskError['code'], message: string) {
    super(message)
    this.code = code
  }

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

import { TimeoutError } from '@heddle/sync-primitives'

/** The queue had no room within the time; the item was not put and is handed back. */
export class QueueFullError extends TimeoutError {
  /** What could not be put. */
  readonly item: unknown

  constructor(item: unknown) {
    super('the queue had no room in time')
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

/** Somebody closed the queue: nothing can be put any more, and nothing is left to get. */
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
export function outOfRange(message: string, options?: ErrorOptions): RangeError {
  return Object.assign(new RangeError(message, options), { code: 'ERR_OUT_OF_RANGE' })
}

/** A TypeError with a code, for a handle that names no object that can be opened here. */
export function badHandle(message: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(message, options), { code: 'ERR_BAD_HANDLE' })
}

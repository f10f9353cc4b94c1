import { CorruptError } from '@heddle/codec'
import { ClosedError, LockStateError, TimeoutError } from '@heddle/sync-primitives'

// One class for both: a queue, a pipe or a topic that was closed, and the memory that it is in.
export { ClosedError, CorruptError, LockStateError, TimeoutError }

/** The queue had no room within the time; what it says was not put and is handed back. */
export class QueueFullError extends TimeoutError {
  /** What could not be put; of several, the first. */
  readonly item: unknown
  /** Of several: all that were not put, in their order. Otherwise the one. */
  readonly items: readonly unknown[]

  constructor(items: readonly unknown[], message = 'the queue had no room in time') {
    super(message)
    this.item = items[0]
    this.items = items
  }

  static {
    QueueFullError.prototype.name = 'QueueFullError'
  }
}

/** The queue had no item within the time; nothing was taken. */
export class QueueEmptyError extends TimeoutError {
  constructor(message = 'the queue had no item in time') {
    super(message)
  }

  static {
    QueueEmptyError.prototype.name = 'QueueEmptyError'
  }
}

/** The other side has ended without saying so: it was killed, or its thread has failed. */
export class BrokenError extends Error {
  readonly code = 'ERR_PEER_GONE'

  static {
    BrokenError.prototype.name = 'BrokenError'
  }
}

/** There is nothing with this name, or there is something already; nothing was made. */
export class NameError extends Error {
  readonly code: 'ERR_UNKNOWN_NAME' | 'ERR_NAME_EXISTS'

  constructor(code: NameError['code'], message: string) {
    super(message)
    this.code = code
  }

  static {
    NameError.prototype.name = 'NameError'
  }
}

/** For words that none of our code can have written. */
export function corrupt(message: string): CorruptError {
  return new CorruptError(`the shared memory is damaged: ${message}`)
}

/** The time that the caller allowed has passed. Of a task's own run time: its worker was ended and replaced. */
export class TimeoutError extends Error {
  readonly code = 'ERR_TIMEOUT'

  static {
    TimeoutError.prototype.name = 'TimeoutError'
  }
}

/** The queue of a pool had no room; the task was not taken on, and its arguments are handed back. */
export class QueueFullError extends TimeoutError {
  /** The arguments of the task. */
  readonly item: unknown

  constructor(item: unknown, message: string) {
    super(message)
    this.item = item
  }

  static {
    QueueFullError.prototype.name = 'QueueFullError'
  }
}

/** The pool was closed by its owner: this task was not accepted, or `terminate()` has ended it. `cause` is the owner's reason. */
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

/** What is known of the end of a worker, and of the task that it took along. */
export interface CrashDetails {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly pid?: number | undefined
  readonly threadId?: number | undefined
  readonly attempt?: number | undefined
  readonly began?: boolean | undefined
  readonly waitMs?: number | undefined
  readonly runMs?: number | undefined
  readonly cause?: unknown
}

/** The worker that had a task has ended; `cause` is what it died of, where that is known. The pool goes on with a new one. */
export class BrokenError extends Error {
  readonly code = 'ERR_WORKER_CRASHED'
  /** The exit code of the worker thread or process; undefined when a signal ended it, or when it could not be started. */
  readonly exitCode: number | undefined
  /** The signal that ended the worker process, such as `SIGKILL`. */
  readonly signal: string | undefined
  /** The worker process; undefined of a thread. */
  readonly pid: number | undefined
  /** The worker thread; undefined of a process. */
  readonly threadId: number | undefined
  /** The how manieth run of the task this was: 1 without retries. */
  readonly attempt: number
  /** Whether the task may have begun. False: nothing of it has run. */
  readonly began: boolean
  /** Milliseconds that the task waited before it was given to this worker. */
  readonly waitMs: number
  /** Milliseconds from then to the end of the worker. */
  readonly runMs: number

  constructor(message: string, details: CrashDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.exitCode = details.exitCode
    this.signal = details.signal
    this.pid = details.pid
    this.threadId = details.threadId
    this.attempt = details.attempt ?? 1
    this.began = details.began ?? false
    this.waitMs = details.waitMs ?? 0
    this.runMs = details.runMs ?? 0
  }

  static {
    BrokenError.prototype.name = 'BrokenError'
  }
}

/**
 * A task that has no result to give. `ERR_UNKNOWN_TASK`: an id that was never given out, or whose result was taken or
 * dropped. `ERR_TASK_DROPPED`: dropped before it began, since the queue was full or cleared. `ERR_TASK_CAPTURES`: a function
 * that needs more than its own text, so no worker can run it. `ERR_POISON_TASK`: it has ended so many workers that it is not
 * run again; `cause` is the last of these ends.
 */
export class TaskError extends Error {
  readonly code: 'ERR_UNKNOWN_TASK' | 'ERR_TASK_DROPPED' | 'ERR_TASK_CAPTURES' | 'ERR_POISON_TASK'

  constructor(code: TaskError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    TaskError.prototype.name = 'TaskError'
  }
}

/** A task has settled while its thread still held a guard of a lock; its worker is replaced, which frees the lock. */
export class LockStateError extends Error {
  readonly code = 'ERR_GUARD_LEAKED'

  static {
    LockStateError.prototype.name = 'LockStateError'
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

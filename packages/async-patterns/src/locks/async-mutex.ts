import { ClosedError, TimeoutError } from '../errors.js'
import { checkIsFunction, signalOf, timeoutOf, type WaitOptions } from '../options.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'
import { runHolding } from './guard-scope.js'

/**
 * A lock that one task of this thread holds at a time, for what must not be interleaved across an `await`.
 *
 * Fairness: strict order of asking. A lock that is released belongs to the first waiter from that moment on. It does not
 * recurse: a task that acquires again what it holds waits for itself, so give such a wait a timeout, or pass the guard on.
 * An object is of this thread alone; for a lock that threads share use the Mutex of `@heddle/sync-primitives`.
 */
export class AsyncMutex {
  /*
   * Invariant: #guard is the guard that holds, or undefined, and then nobody waits.
   * Invariant: a closed mutex has no waiters.
   */
  #guard: MutexGuard | undefined
  readonly #waiters = new WaiterQueue<AsyncMutexGuard>(timedOut, undefined, { kind: 'AsyncMutex', object: this })
  #closedError: ClosedError | undefined
  readonly #onRelease = (guard: MutexGuard): void => {
    if (this.#guard !== guard) return
    this.#guard = undefined
    const next = this.#waiters.takeLiveHead()
    next?.resolve(this.#take())
  }

  /**
   * Takes the lock when it is free and everybody who asked earlier was served.
   *
   * Does not block the thread. A pending call keeps the process alive. An abort or a timeout after the lock was granted has no
   * effect: the promise is fulfilled, and its guard must be released.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; nothing was acquired
   * @throws (rejects) ClosedError `ERR_CLOSED`: the mutex is closed, or was while waiting; nothing was acquired
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquire(options?: WaitOptions): Promise<AsyncMutexGuard> {
    try {
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (this.#closedError !== undefined) return Promise.reject(this.#closedError)
      if (this.#guard === undefined) return Promise.resolve(this.#take())
      if (timeout === 0) return Promise.reject(timedOut())
      return this.#waiters.wait(undefined, timeout, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Takes the lock if it is free. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws ClosedError `ERR_CLOSED`: the mutex is closed; nothing was acquired
   */
  tryAcquire(): AsyncMutexGuard | undefined {
    if (this.#closedError !== undefined) throw this.#closedError
    return this.#guard === undefined ? this.#take() : undefined
  }

  /**
   * Runs `fn` while holding the lock, and releases it when what `fn` returned has settled. Errors of `fn` pass unchanged.
   * Waits and fails as {@link AsyncMutex.acquire} does; `fn` is not called then.
   */
  runExclusive<Result>(
    fn: (guard: AsyncMutexGuard) => Result | PromiseLike<Result>,
    options?: WaitOptions,
  ): Promise<Result> {
    try {
      checkIsFunction('fn', fn)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.acquire(options).then((guard) => runHolding(guard, fn))
  }

  /**
   * Ends all waiting: pending acquisitions reject with one ClosedError `ERR_CLOSED`, later ones too. Does not block. Whoever
   * holds the lock releases it as before. A second call does nothing.
   *
   * @param reason - the `cause` of that error; undefined: it has none
   */
  close(reason?: unknown): void {
    if (this.#closedError !== undefined) return
    this.#closedError = new ClosedError('the mutex is closed', reason)
    this.#waiters.refuseAll(this.#closedError)
  }

  /** The same as {@link AsyncMutex.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Whether somebody holds the lock: a snapshot. */
  get locked(): boolean {
    return this.#guard !== undefined
  }

  /** The number of acquisitions that wait: a snapshot. */
  get waiting(): number {
    return this.#waiters.size
  }

  #take(): MutexGuard {
    this.#guard = new MutexGuard(this.#onRelease)
    return this.#guard
  }
}

/** A held lock. `using guard = …` releases it at the block's end. */
export interface AsyncMutexGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /** Releases the lock and hands it to the first who waits. Does not block. A second call does nothing. */
  release(): void
}

class MutexGuard implements AsyncMutexGuard {
  #onRelease: ((guard: MutexGuard) => void) | undefined

  constructor(onRelease: (guard: MutexGuard) => void) {
    this.#onRelease = onRelease
  }

  get held(): boolean {
    return this.#onRelease !== undefined
  }

  release(): void {
    const onRelease = this.#onRelease
    this.#onRelease = undefined
    onRelease?.(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

function timedOut(): TimeoutError {
  return new TimeoutError('the mutex was not free in time')
}

import { ClosedError, invalidArgument, LockStateError, TimeoutError } from '../errors.js'
import { checkIsObject, describe, signalOf, timeoutOf, type WaitOptions, wholeNumber } from '../options.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'
import { runHolding } from './guard-scope.js'

// The same bound as a semaphore that threads share, and a small integer in every engine.
const mostPermits = 2 ** 30 - 1

/** How many permits a semaphore may have free. */
export interface AsyncSemaphoreOptions {
  /** The most permits that may be free at a time; releasing more is an error. Default: 1,073,741,823. */
  readonly maxPermits?: number | undefined
}

/**
 * A number of permits that the tasks of one thread share: as many at work at a time as there are permits.
 *
 * Fairness: strict order of asking, whatever the weights. Whoever asks for many is not passed by later ones who ask for
 * few, and they wait behind it even if enough is free for them. A permit that is given back belongs to the first waiter
 * from that moment on: nobody can take it before that one's turn to run comes.
 * An object is of this thread alone; for permits that threads share use the Semaphore of `@heddle/sync-primitives`.
 */
export class AsyncSemaphore {
  /*
   * Invariant: 0 <= #free <= #bound.
   * Invariant: whenever no method of ours is running, nobody waits, or the first waiter wants more than #free, or its
   * signal has aborted and is about to tell us.
   * Invariant: a closed semaphore has no waiters.
   * Source: Go, golang.org/x/sync/semaphore, https://pkg.go.dev/golang.org/x/sync/semaphore
   * Differs: one thread, so a grant and a cancellation cannot cross: the first of the two settles the waiter.
   */
  #free: number
  readonly #bound: number
  readonly #queue = new WaiterQueue<AsyncSemaphoreGuard, number>(timedOut, () => this.#grantToWaiters(), {
    kind: 'AsyncSemaphore',
    object: this,
  })
  #isClosed = false
  #closeReason: unknown

  /**
   * Makes a semaphore with `permits` free permits. Does not block.
   *
   * @param permits - whole number, 0 to `maxPermits`; 0 means that somebody must release first; default 1
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers or options
   */
  constructor(permits = 1, options: AsyncSemaphoreOptions = {}) {
    checkIsObject(options)
    this.#bound = wholeNumber('maxPermits', options.maxPermits ?? mostPermits, 1, mostPermits)
    this.#free = wholeNumber('permits', permits, 0, this.#bound)
  }

  /**
   * Takes one permit, or `permits` of them all at once, when they are free and everybody who asked earlier was served. That is
   * a whole number, 1 to `maxPermits`.
   *
   * Does not block the thread. A pending call keeps the process alive, also when nothing is left that could release: give it
   * a timeout or a signal, or close the semaphore, if that can happen. An abort or a timeout after the permits were granted
   * has no effect: the promise is fulfilled, and its guard must be released.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws (rejects) ClosedError `ERR_CLOSED`: the semaphore is closed, or was while waiting; nothing was acquired
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: bad numbers, or more permits than `maxPermits`, which could never be
   * free; it does not wait, and nobody waits for it
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: arguments of a wrong kind; nothing was acquired
   */
  acquire(options?: WaitOptions): Promise<AsyncSemaphoreGuard>
  acquire(permits: number, options?: WaitOptions): Promise<AsyncSemaphoreGuard>
  // Neither an async function nor a closure: what needs no waiting costs a guard and one promise.
  acquire(first?: number | WaitOptions, second?: WaitOptions): Promise<AsyncSemaphoreGuard> {
    try {
      let permits = 1
      let options = second
      if (typeof first === 'object' && first !== null) {
        if (second !== undefined) throw invalidArgument('the permits come before the options')
        options = first
      } else if (first !== undefined) permits = this.#weight(first)
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (this.#isClosed) return Promise.reject(this.#closedError())
      if (this.#canTake(permits)) return Promise.resolve(this.#take(permits))
      if (timeout === 0) return Promise.reject(timedOut())
      return this.#queue.wait(permits, timeout, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Takes `permits` permits if that needs no waiting: so many are free, and nobody waits. Does not block.
   *
   * @param permits - whole number, 1 to `maxPermits`; default 1
   * @returns the guard, or undefined; nothing was acquired then
   * @throws ClosedError `ERR_CLOSED`: the semaphore is closed; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; nothing was acquired
   */
  tryAcquire(permits = 1): AsyncSemaphoreGuard | undefined {
    this.#weight(permits)
    if (this.#isClosed) throw this.#closedError()
    return this.#canTake(permits) ? this.#take(permits) : undefined
  }

  /**
   * Adds permits that no guard stands for, and hands them to those who wait, in their order. Does not block, and runs
   * nobody's code before it returns. What a guard stands for is given back through the guard instead.
   *
   * @param permits - whole number, 1 or more; default 1
   * @throws LockStateError `ERR_OVER_RELEASE`: with the free ones they would be more than `maxPermits`; state unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; state unchanged
   */
  release(permits = 1): void {
    wholeNumber('permits', permits, 1, mostPermits)
    if (permits > this.#bound - this.#free)
      throw new LockStateError(
        'ERR_OVER_RELEASE',
        `releasing ${permits} would leave more than ${this.#bound} permits free`,
      )
    this.#free += permits
    this.#grantToWaiters()
  }

  /**
   * Runs `fn` while holding a permit, and gives it back when what `fn` returned has settled. Errors of `fn` pass unchanged.
   * Waits and fails as {@link AsyncSemaphore.acquire} does; `fn` is not called then.
   */
  runExclusive<Result>(
    fn: (guard: AsyncSemaphoreGuard) => Result | PromiseLike<Result>,
    options?: WaitOptions,
  ): Promise<Result> {
    if (typeof fn !== 'function') return Promise.reject(invalidArgument(`fn must be a function, not ${describe(fn)}`))
    // An async function that waits here would keep half as much again in memory for each call that waits.
    return this.acquire(options).then((guard) => runHolding(guard, fn))
  }

  /**
   * Ends all waiting: pending acquisitions reject at once, with one ClosedError `ERR_CLOSED` for all of them, and later ones
   * as soon as they are made. Does not block. Permits that are out stay with their guards and can be released as before. A second call does
   * nothing, and its reason is not used.
   *
   * @param reason - the `cause` of those errors; undefined: they have none
   */
  close(reason?: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closeReason = reason
    // One error for all of them, as with the reason of a signal: a stack for each would cost more than all the rest.
    this.#queue.refuseAll(this.#closedError())
  }

  /** The same as {@link AsyncSemaphore.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The number of free permits: a snapshot. Some can be free while somebody waits, who has asked for more than that. */
  get availablePermits(): number {
    return this.#free
  }

  /** The number of acquisitions that wait: a snapshot. */
  get waiting(): number {
    return this.#queue.size
  }

  #weight(permits: unknown): number {
    return wholeNumber('permits', permits, 1, this.#bound)
  }

  #canTake(permits: number): boolean {
    return this.#free >= permits && this.#queue.size === 0
  }

  #take(permits: number): AsyncSemaphoreGuard {
    this.#free -= permits
    return new SemaphoreGuard(this, permits)
  }

  #grantToWaiters(): void {
    for (;;) {
      const head = this.#queue.head
      // We could look for somebody who wants less. With a steady stream of those, the one who wants more would starve.
      if (head === undefined || head.ask > this.#free) return
      if (head.isAborting) this.#queue.refuse(head, head.abortReason)
      else this.#queue.grant(head, this.#take(head.ask))
    }
  }

  #closedError(): ClosedError {
    return new ClosedError('the semaphore is closed', this.#closeReason)
  }
}

/** Permits that were taken together. `using guard = …` gives them back at the block's end. */
export interface AsyncSemaphoreGuard extends Disposable {
  /** The number of permits that were taken; it stays the same after they were given back. */
  readonly permits: number
  /** Whether this guard still stands for its permits. */
  readonly held: boolean
  /**
   * Gives the permits back and hands them to those who wait. Does not block. A second call does nothing.
   *
   * @throws LockStateError `ERR_OVER_RELEASE`: others have released so many that more than `maxPermits` would be free; the
   * guard still holds
   */
  release(): void
  /** Disowns the permits: this guard will not give them back, somebody calls {@link AsyncSemaphore.release} for them. */
  detach(): void
}

class SemaphoreGuard implements AsyncSemaphoreGuard {
  readonly #semaphore: AsyncSemaphore
  readonly #permits: number
  #held = true

  constructor(semaphore: AsyncSemaphore, permits: number) {
    this.#semaphore = semaphore
    this.#permits = permits
  }

  get permits(): number {
    return this.#permits
  }

  get held(): boolean {
    return this.#held
  }

  release(): void {
    if (!this.#held) return
    this.#semaphore.release(this.#permits)
    this.#held = false
  }

  detach(): void {
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

function timedOut(): TimeoutError {
  return new TimeoutError('what was asked of the semaphore was not free in time')
}

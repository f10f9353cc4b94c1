import { type LocalQueue, localQueueOf } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { invalidArgument, LockStateError, TimeoutError } from './errors.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, describe, signalOf, wholeNumber } from './options.js'
import { ObjectKind, type Place, type SharedObjectHandle, STATE } from './shared-object.js'
import { ACQUIRED, compareExchange, GAVE_UP, load, NOT_ACQUIRED, notify, type Steps, wait } from './steps.js'

/**
 * The words of a semaphore.
 *
 * index     · value                  · meaning
 * PERMITS   · free permits << 1      · nobody is asleep
 * PERMITS   · free permits << 1 | 1  · WAITERS: somebody may be asleep
 * BOUND     · whole number           · the most permits that may be free; written once
 *
 * Invariant: while a thread sleeps on PERMITS, WAITERS is set, or a release that has cleared it wakes every sleeper.
 * Invariant: the free permits never exceed BOUND.
 * Source: as the mutex; the count takes the place of the owner, and a release wakes all, since it may serve several.
 */
const PERMITS = 0
const BOUND = 1
const WAITERS = 1
const ONE_PERMIT = 2

const mostPermits = 2 ** 30 - 1

/** Takes one permit, or waits for one. */
export function* acquireSteps(index: number): Steps<boolean> {
  for (;;) {
    const seen = yield load(index)
    if (seen >= ONE_PERMIT) {
      if ((yield compareExchange(index, seen, seen - ONE_PERMIT)) === seen) return ACQUIRED
      continue
    }
    if (seen !== WAITERS && (yield compareExchange(index, seen, WAITERS)) !== seen) continue
    // No wake-up is owed to anybody else on giving up: a release wakes all.
    if ((yield wait(index, WAITERS)) === GAVE_UP) return NOT_ACQUIRED
  }
}

/** Adds permits and wakes the sleepers; false: that would exceed the bound, and nothing was changed. */
export function* releaseSteps(index: number, permits: number, bound: number): Steps<boolean> {
  for (;;) {
    const seen = yield load(index)
    const free = seen >> 1
    if (permits > bound - free) return false
    if ((yield compareExchange(index, seen, (free + permits) << 1)) !== seen) continue
    if (seen & WAITERS) yield notify(index, Number.POSITIVE_INFINITY)
    return true
  }
}

const kind = new ObjectKind({
  name: 'sync-primitives/Semaphore',
  version: 1,
  tag: 0x53656d61, // "Sema"
  words: 2,
  fromHandle: (handle) => Semaphore.fromHandle(handle),
})

export interface SemaphoreOptions {
  /** The most permits that may be free at a time; releasing more is an error. Default: 1,073,741,823. */
  readonly maxPermits?: number | undefined
}

/**
 * A number of permits that threads share: as many holders at a time as there are permits.
 *
 * Fairness: tasks of one thread that await a permit get it in the order they asked. Between threads there is no order: a
 * late caller may pass a sleeping one. Memory: what was written before a release is visible after the acquisition that it
 * lets through. A thread that ends while it holds permits does not give them back.
 */
export class Semaphore {
  readonly #place: Place
  readonly #words: Int32Array
  readonly #index: number
  readonly #bound: number
  readonly #queue: LocalQueue

  /**
   * Makes a new semaphore with `permits` free permits. Does not block.
   *
   * @param permits - whole number, 0 to `maxPermits`; 0 means that somebody must release first
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers
   */
  constructor(permits?: number, options?: SemaphoreOptions)
  /** @internal */
  constructor(place: Place)
  constructor(permits: number | Place = 1, options: SemaphoreOptions = {}) {
    let place: Place
    if (kind.isPlace(permits)) place = permits
    else {
      if (typeof options !== 'object' || options === null)
        throw invalidArgument(`options must be an object, not ${describe(options)}`)
      const { maxPermits = mostPermits } = options
      const bound = wholeNumber('maxPermits', maxPermits, 1, mostPermits)
      const free = wholeNumber('permits', permits, 0, bound)
      place = kind.allocate()
      Atomics.store(place.memory.words, place.index + STATE + BOUND, bound)
      Atomics.store(place.memory.words, place.index + STATE + PERMITS, free << 1)
    }
    this.#place = place
    this.#words = place.memory.words
    this.#index = place.index + STATE + PERMITS
    this.#bound = Atomics.load(this.#words, place.index + STATE + BOUND)
    this.#queue = localQueueOf(place.memory, this.#index)
  }

  /**
   * Takes a permit, without blocking the thread, when one is free; waits behind earlier callers of this thread.
   * A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: none was free in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  async acquire(options?: AcquireOptions): Promise<SemaphoreGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.#queue.size > 0 || !this.#takeIfFree())
      await this.#queue.acquire(() => acquireSteps(this.#index), deadline, signal, 'a permit of the semaphore')
    return new Guard(this)
  }

  /**
   * Takes a permit, and blocks this thread and its event loop until one is free. On a main thread prefer
   * {@link Semaphore.acquire}. Permits have no owner: a thread that waits here for permits of its own waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: none was free in time; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquireSync(options?: AcquireSyncOptions): SemaphoreGuard {
    const deadline = deadlineOf(options)
    if (!this.#takeIfFree() && !runBlocking(this.#place.memory, acquireSteps(this.#index), deadline))
      throw new TimeoutError('no permit of the semaphore was free in time')
    return new Guard(this)
  }

  /**
   * Takes a permit if that needs no waiting: one is free, and no task of this thread awaits one. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   */
  tryAcquire(): SemaphoreGuard | undefined {
    return this.#queue.size === 0 && this.#takeIfFree() ? new Guard(this) : undefined
  }

  /**
   * Adds permits that no guard stands for, and wakes those who wait. Does not block.
   *
   * @param permits - whole number, 1 or more
   * @throws LockStateError `ERR_OVER_RELEASE`: more would be free than `maxPermits`; state unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; state unchanged
   */
  release(permits = 1): void {
    wholeNumber('permits', permits, 1, mostPermits)
    if (!runWithoutWaiting(this.#place.memory, releaseSteps(this.#index, permits, this.#bound)))
      throw new LockStateError(
        'ERR_OVER_RELEASE',
        `releasing ${permits} would leave more than ${this.#bound} permits free`,
      )
  }

  /**
   * Runs `fn` while holding a permit, and gives it back when what `fn` returned has settled. Errors of `fn` pass unchanged.
   * Waits and fails as {@link Semaphore.acquire} does; `fn` is not called then.
   */
  async runExclusive<Result>(
    fn: (guard: SemaphoreGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    const guard = await this.acquire(options)
    try {
      return await fn(guard)
    } finally {
      guard.release()
    }
  }

  /**
   * Runs `fn` while holding a permit, and gives it back when `fn` returns or throws. Errors of `fn` pass unchanged.
   * Blocks and fails as {@link Semaphore.acquireSync} does; `fn` is not called then.
   */
  runExclusiveSync<Result>(fn: (guard: SemaphoreGuard) => Result, options?: AcquireSyncOptions): Result {
    const guard = this.acquireSync(options)
    try {
      return fn(guard)
    } finally {
      guard.release()
    }
  }

  /** The number of free permits: a snapshot, it may be stale when you read it. */
  get availablePermits(): number {
    return Atomics.load(this.#words, this.#index) >> 1
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the semaphore that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a semaphore, or it did not come from a thread of this process
   */
  static fromHandle(handle: SharedObjectHandle): Semaphore {
    return new Semaphore(kind.open(handle))
  }

  #takeIfFree(): boolean {
    for (;;) {
      const seen = Atomics.load(this.#words, this.#index)
      if (seen < ONE_PERMIT) return false
      if (Atomics.compareExchange(this.#words, this.#index, seen, seen - ONE_PERMIT) === seen) return true
    }
  }
}

/** One permit that was taken. `using guard = …` gives it back at the block's end. */
export interface SemaphoreGuard extends Disposable {
  /** Whether this guard still stands for a permit. */
  readonly held: boolean
  /**
   * Gives the permit back and wakes those who wait. Does not block. A second call does nothing.
   *
   * @throws LockStateError `ERR_OVER_RELEASE`: {@link Semaphore.release} has given back more than was taken, so that this
   *   permit would exceed `maxPermits`; state unchanged, and this guard stays held
   */
  release(): void
  /** Disowns the permit: this guard will not give it back, somebody calls {@link Semaphore.release} for it. */
  detach(): void
}

class Guard implements SemaphoreGuard {
  readonly #semaphore: Semaphore
  #held = true

  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore
  }

  get held(): boolean {
    return this.#held
  }

  release(): void {
    if (!this.#held) return
    this.#semaphore.release()
    this.#held = false
  }

  detach(): void {
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

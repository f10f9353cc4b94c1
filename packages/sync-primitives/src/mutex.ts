import { type LocalQueue, localQueueOf } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { InternalError, invalidArgument, LockStateError, TimeoutError } from './errors.js'
import type { ThreadMemory } from './memory/thread-memory.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, signalOf } from './options.js'
import { ObjectKind, type Place, type SharedObjectHandle, STATE } from './shared-object.js'
import { ACQUIRED, compareExchange, exchange, GAVE_UP, load, NOT_ACQUIRED, notify, type Steps, wait } from './steps.js'

/**
 * The state word of a mutex.
 *
 * value                   · name    · meaning
 * 0                       · FREE    · nobody holds it; sleepers may still have to look
 * participant << 1        ·         · held by that thread; nobody is asleep
 * participant << 1 | 1    · WAITERS · held by that thread; somebody may be asleep
 *
 * Invariant: while a thread sleeps on the word, either WAITERS is set, or a thread that was woken will look again and, if it
 * goes back to sleep or takes the lock, set WAITERS.
 * Source: Ulrich Drepper, "Futexes Are Tricky", mutex 3, https://www.akkadia.org/drepper/futex.pdf
 * Differs: the word says who holds the lock, for 9 % more than a plain flag, so that misuse is seen.
 */
const FREE = 0
const WAITERS = 1

/** Takes the lock, or waits for it. `mine` is the word of an owner nobody waits for. */
export function* acquireSteps(index: number, mine: number): Steps<boolean> {
  // A thread that has slept takes the lock with WAITERS set: others may be asleep that it cannot see.
  let taken = mine
  for (;;) {
    const seen = yield load(index)
    if (seen === FREE) {
      if ((yield compareExchange(index, FREE, taken)) === FREE) return ACQUIRED
      continue
    }
    const contended = seen | WAITERS
    if (seen !== contended && (yield compareExchange(index, seen, contended)) !== seen) continue
    if ((yield wait(index, contended)) === GAVE_UP) {
      // The wake-up that brought us here may have been the only one, and its sender has cleared WAITERS.
      yield notify(index, 1)
      return NOT_ACQUIRED
    }
    taken = mine | WAITERS
  }
}

/** Lets go of a lock whose word has WAITERS set, and wakes one thread that sleeps on it. */
export function* releaseSteps(index: number): Steps<void> {
  yield exchange(index, FREE)
  yield notify(index, 1)
}

const kind = new ObjectKind({
  name: 'sync-primitives/Mutex',
  version: 1,
  tag: 0x4d757478, // "Mutx"
  words: 1,
  fromHandle: (handle) => Mutex.fromHandle(handle),
})

/**
 * A lock that threads share: at most one holder at a time, in all threads together.
 *
 * The same lock blocks ({@link Mutex.acquireSync}) and awaits ({@link Mutex.acquire}). Whoever acquires gets a guard, and
 * only that guard releases. It is not recursive.
 *
 * Fairness: tasks of one thread that await it get it in the order they asked. Between threads there is no order: a late
 * caller may pass a sleeping one. Memory: what was written before a release is visible after the next acquisition.
 * A thread that ends while it holds the lock leaves it held.
 */
export class Mutex {
  readonly #place: Place
  readonly #words: Int32Array
  readonly #index: number
  /** The state word while this thread holds the lock and nobody sleeps. */
  readonly #mine: number
  readonly #queue: LocalQueue

  /** Makes a new lock that {@link Mutex.toHandle} lets other threads open. Does not block. */
  constructor()
  /** @internal */
  constructor(place: Place)
  constructor(place: Place = kind.allocate()) {
    if (!kind.isPlace(place)) throw invalidArgument('a Mutex takes no arguments; to open a handle use Mutex.fromHandle')
    this.#place = place
    this.#words = place.memory.words
    this.#index = place.index + STATE
    this.#mine = place.memory.participant << 1
    this.#queue = localQueueOf(place.memory, this.#index)
  }

  /**
   * Takes the lock, without blocking the thread, when it is free; waits behind earlier callers of this thread.
   *
   * A pending call keeps the process alive. It also waits for another task of this thread to let go: a task that asks again
   * for a lock that it holds waits for itself, for ever unless there is a timeout or a signal.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  async acquire(options?: AcquireOptions): Promise<MutexGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.#queue.size > 0 || !this.#takeIfFree())
      await this.#queue.acquire(() => acquireSteps(this.#index, this.#mine), deadline, signal, 'the mutex')
    return this.#guard()
  }

  /**
   * Takes the lock, and blocks this thread and its event loop until it is free. On a main thread prefer
   * {@link Mutex.acquire}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread holds the lock, so that waiting could never end; it stays held
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquireSync(options?: AcquireSyncOptions): MutexGuard {
    const deadline = deadlineOf(options)
    if (!this.#takeIfFree()) {
      if ((Atomics.load(this.#words, this.#index) & ~WAITERS) === this.#mine)
        throw new LockStateError(
          'ERR_ALREADY_OWNED',
          'this thread holds the mutex already: waiting for it here could never end',
        )
      if (!runBlocking(this.#place.memory, acquireSteps(this.#index, this.#mine), deadline))
        throw new TimeoutError('the mutex was not free in time')
    }
    return this.#guard()
  }

  /**
   * Takes the lock if that needs no waiting: it is free, and no task of this thread awaits it. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   */
  tryAcquire(): MutexGuard | undefined {
    return this.#queue.size === 0 && this.#takeIfFree() ? this.#guard() : undefined
  }

  /**
   * Runs `fn` while holding the lock, and releases it when what `fn` returned has settled. Errors of `fn` pass unchanged.
   * Waits and fails as {@link Mutex.acquire} does; `fn` is not called then.
   */
  async runExclusive<Result>(
    fn: (guard: MutexGuard) => Result | PromiseLike<Result>,
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
   * Runs `fn` while holding the lock, and releases it when `fn` returns or throws. Errors of `fn` pass unchanged.
   * Blocks and fails as {@link Mutex.acquireSync} does; `fn` is not called then. For async functions use
   * {@link Mutex.runExclusive}: this one would release the lock before their work is done.
   */
  runExclusiveSync<Result>(fn: (guard: MutexGuard) => Result, options?: AcquireSyncOptions): Result {
    const guard = this.acquireSync(options)
    try {
      return fn(guard)
    } finally {
      guard.release()
    }
  }

  /**
   * Always throws: a mutex is released through the guard that its acquisition returned.
   *
   * @throws LockStateError `ERR_NOT_OWNER`; state unchanged
   */
  release(): never {
    throw new LockStateError(
      'ERR_NOT_OWNER',
      'a mutex is released through its guard: call release() on what acquire gave',
    )
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the lock that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a mutex, or it did not come from a thread of this process
   */
  static fromHandle(handle: SharedObjectHandle): Mutex {
    return new Mutex(kind.open(handle))
  }

  #takeIfFree(): boolean {
    return Atomics.compareExchange(this.#words, this.#index, FREE, this.#mine) === FREE
  }

  #guard(): MutexGuard {
    return new Guard(this.#place.memory, this.#index, this.#mine)
  }
}

/** The right to release a mutex; the lock is held as long as it was not used. `using guard = …` releases at the block's end. */
export interface MutexGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /** Releases the lock and wakes one waiter. Does not block. A second call does nothing, whoever holds the lock by then. */
  release(): void
}

class Guard implements MutexGuard {
  readonly #memory: ThreadMemory
  readonly #index: number
  readonly #mine: number
  #held = true

  constructor(memory: ThreadMemory, index: number, mine: number) {
    this.#memory = memory
    this.#index = index
    this.#mine = mine
  }

  get held(): boolean {
    return this.#held
  }

  release(): void {
    if (!this.#held) return
    const seen = Atomics.compareExchange(this.#memory.words, this.#index, this.#mine, FREE)
    if (seen !== this.#mine) {
      if (seen !== (this.#mine | WAITERS))
        throw new InternalError(`a held mutex has the state word ${seen} instead of ${this.#mine}`)
      runWithoutWaiting(this.#memory, releaseSteps(this.#index))
    }
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

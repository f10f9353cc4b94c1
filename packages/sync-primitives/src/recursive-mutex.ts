import type { Outcome } from './algorithms/mutex.js'
import { LockStateError } from './errors.js'
import { guards } from './locks/held-guards.js'
import type { HeldLock } from './locks/held-lock.js'
import { MutexCore, type MutexState } from './locks/mutex-core.js'
import { type MutexOpenOptions, type MutexOptions, mutexOptions } from './locks/mutex-options.js'
import { openMutexCore } from './locks/open-mutex-core.js'
import { Hold } from './locks/recursive-hold.js'
import { repair, repairSync } from './locks/repair.js'
import type { MutexGuard } from './mutex.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, signalOf } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/RecursiveMutex',
  version: 1,
  tag: 0x52656375, // "Recu"
  fromHandle: (handle) => RecursiveMutex.fromHandle(handle),
})

/** The guard of a recursive mutex. The lock is free again when all guards of one holder were released, in whatever order. */
export interface RecursiveMutexGuard extends MutexGuard {
  /**
   * Takes the lock that this guard holds once more. Does not block. This is how async code recurses: only what has a guard
   * of the lock is known to be the holder, and another task of the same thread is not.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   */
  acquire(): RecursiveMutexGuard
}

export interface RecursiveMutexState extends MutexState {
  /** How many guards of this thread hold the lock; 0 if another thread holds it. */
  readonly depth: number
}

/**
 * A mutex that its holder may take again. In the `Sync` and `try` forms the holder is the thread, by whatever guard; in the
 * async forms it is whoever has a guard, and recurses through {@link RecursiveMutexGuard.acquire}.
 *
 * Fairness, memory, death and closing: as {@link Mutex}.
 */
export class RecursiveMutex {
  readonly #core: MutexCore
  readonly #onOwnerDied: ((guard: RecursiveMutexGuard) => unknown) | undefined

  /**
   * Makes a new lock that {@link RecursiveMutex.toHandle} lets other threads open. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: bad options; RangeError `ERR_OUT_OF_RANGE`: no room in `memory`
   */
  constructor(options?: MutexOptions<RecursiveMutexGuard>)
  /** @internal */
  constructor(place: Place, options?: MutexOpenOptions<RecursiveMutexGuard>)
  constructor(first?: MutexOptions<RecursiveMutexGuard> | Place, second?: MutexOpenOptions<RecursiveMutexGuard>) {
    const place = first instanceof Place ? first : undefined
    const { fair, memory, onOwnerDied, detectDeadlocks } = mutexOptions(
      place ? second : (first as MutexOptions<RecursiveMutexGuard>),
    )
    this.#core = openMutexCore(place ?? MutexCore.allocate(kind, fair, memory), 'the recursive mutex', {
      detectDeadlocks,
      onOwnerDied,
    })
    this.#onOwnerDied = onOwnerDied
  }

  /**
   * Takes the lock, without blocking the thread, when it is free; waits behind earlier callers of this thread. It also waits
   * for another task of this thread to let go, and so for ever for the calling one: that one uses its guard's `acquire()`.
   * A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  async acquire(options?: AcquireOptions): Promise<RecursiveMutexGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    // At the moment when this thread has it: a Sync form that is called before this goes on finds that.
    let guard: RecursiveMutexGuard | undefined
    const outcome = await this.#core.take(deadline, signal, (taken) => {
      if (taken === 'acquired' || taken === 'owner died') guard = this.#guardFor(taken)
    })
    return repair<RecursiveMutexGuard>(guard ?? this.#guardFor(outcome), outcome, this.#onOwnerDied)
  }

  /**
   * Takes the lock, and blocks this thread and its event loop until it is free; at once if this thread holds it, once more.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   * @throws LockStateError `ERR_DEADLOCK`: only with `detectDeadlocks`; nothing was acquired, what is held stays held
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquireSync(options?: AcquireSyncOptions): RecursiveMutexGuard {
    const deadline = deadlineOf(options)
    this.#core.throwIfClosed()
    const hold = Hold.of(this.#core.place)
    if (hold) return new HeldRecursiveMutex(hold)
    const outcome = this.#core.takeSync(deadline)
    return repairSync<RecursiveMutexGuard>(this.#guardFor(outcome), outcome, this.#onOwnerDied)
  }

  /**
   * Takes the lock if that needs no waiting: this thread holds it, or it is free or its owner has died and no task of this
   * thread awaits it. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   */
  tryAcquire(): RecursiveMutexGuard | undefined {
    this.#core.throwIfClosed()
    const hold = Hold.of(this.#core.place)
    if (hold) return new HeldRecursiveMutex(hold)
    const outcome = this.#core.tryTake()
    if (outcome === 'gave up') return undefined
    return repairSync<RecursiveMutexGuard>(this.#guardFor(outcome), outcome, this.#onOwnerDied)
  }

  /**
   * Runs `fn` while holding the lock, and releases it when what `fn` returned has settled. Errors of `fn` pass unchanged.
   * Waits and fails as {@link RecursiveMutex.acquire} does; `fn` is not called then.
   */
  async runExclusive<Result>(
    fn: (guard: RecursiveMutexGuard) => Result | PromiseLike<Result>,
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
   * Blocks and fails as {@link RecursiveMutex.acquireSync} does; `fn` is not called then.
   */
  runExclusiveSync<Result>(fn: (guard: RecursiveMutexGuard) => Result, options?: AcquireSyncOptions): Result {
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
      'a recursive mutex is released through its guard: call release() on what acquire gave',
    )
  }

  /** Who holds the lock, how often, and whether somebody waits: a snapshot, it may be stale when you read it. */
  getState(): RecursiveMutexState {
    return { ...this.#core.state(), depth: Hold.of(this.#core.place)?.depth ?? 0 }
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#core.place)
  }

  /**
   * Opens the lock that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a recursive mutex, or it did not come from a thread of this process
   * @throws TypeError `ERR_INVALID_ARG`: bad options
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle, options?: MutexOpenOptions<RecursiveMutexGuard>): RecursiveMutex {
    return new RecursiveMutex(kind.open(handle), options)
  }

  /** @internal */
  static coreOf(mutex: RecursiveMutex): MutexCore {
    return mutex.#core
  }

  /** @internal */
  static lockOf(guard: MutexGuard): HeldLock | undefined {
    return guard instanceof HeldRecursiveMutex ? guard : undefined
  }

  #guardFor(outcome: Outcome): RecursiveMutexGuard {
    if (outcome === 'gave up') throw this.#core.timedOut()
    if (outcome === 'not recoverable') throw this.#core.notRecoverable()
    return new HeldRecursiveMutex(new Hold(this.#core, outcome === 'owner died'))
  }
}

class HeldRecursiveMutex implements RecursiveMutexGuard, HeldLock {
  readonly #hold: Hold
  #held = true

  constructor(hold: Hold) {
    this.#hold = hold
    hold.depth += 1
    guards.held += 1
  }

  get core(): MutexCore | undefined {
    return this.held ? this.#hold.core : undefined
  }

  get held(): boolean {
    return this.#held && this.#hold.state === 'held'
  }

  get ownerDied(): boolean {
    return this.#hold.ownerDied
  }

  acquire(): RecursiveMutexGuard {
    if (!this.held) throw new LockStateError('ERR_NOT_OWNER', 'this guard was released: it can take nothing once more')
    this.#hold.core.throwIfClosed()
    return new HeldRecursiveMutex(this.#hold)
  }

  markConsistent(): void {
    if (!this.held) throw new LockStateError('ERR_NOT_OWNER', 'this guard was released: it can say nothing of the data')
    this.#hold.core.markConsistent()
  }

  release(): void {
    if (!this.#held || this.#hold.state === 'gone') return
    // First, since it may throw: then nothing was released.
    if (this.#hold.state === 'held') {
      if (this.#hold.depth === 1) this.#hold.release('gone')
      else guards.held -= 1
    }
    this.#hold.depth -= 1
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
  }

  abandon(): void {
    // It may have been released as a whole by now, and the lock be somebody else's.
    if (this.#hold.state === 'held') this.#hold.release('gone')
    else this.release()
  }

  /** The other guards of this hold do not hold it meanwhile either. */
  suspend(): void {
    this.#hold.release('waiting')
  }

  resume(_core: MutexCore, outcome: Outcome): void {
    this.#hold.resume(outcome)
  }
}

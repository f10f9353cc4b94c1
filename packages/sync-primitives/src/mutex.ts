import type { Outcome } from './algorithms/mutex.js'
import { LockStateError } from './errors.js'
import { guards } from './locks/held-guards.js'
import type { HeldLock } from './locks/held-lock.js'
import { MutexCore, type MutexState } from './locks/mutex-core.js'
import { type MutexOpenOptions, type MutexOptions, mutexOptions } from './locks/mutex-options.js'
import { openMutexCore } from './locks/open-mutex-core.js'
import { repair, repairSync } from './locks/repair.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, signalOf } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/Mutex',
  version: 2,
  tag: 0x4d757478, // "Mutx"
  fromHandle: (handle) => Mutex.fromHandle(handle),
})

/**
 * A lock that threads share: at most one holder at a time, in all threads together.
 *
 * The same lock blocks ({@link Mutex.acquireSync}) and awaits ({@link Mutex.acquire}). Whoever acquires gets a guard, and
 * only that guard releases. It is not recursive.
 *
 * Fairness: tasks of one thread that await it get it in the order they asked. Between threads there is no order, and a late
 * caller may pass a sleeping one; with `fair: true` threads get it in the order they asked, too, and only a thread that blocks
 * passes its own tasks. Memory: what was written before a release is visible after the next acquisition.
 *
 * Death: when a thread ends while it holds the lock, the next one that asks gets it with a guard that says `ownerDied`. It
 * repairs the data and calls `markConsistent()`; a release without that makes the lock not recoverable, and every acquisition
 * throws from then on. When the memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does
 * every call that waits; a guard's `release()` does nothing then.
 */
export class Mutex {
  readonly #core: MutexCore
  readonly #onOwnerDied: ((guard: MutexGuard) => unknown) | undefined

  /**
   * Makes a new lock that {@link Mutex.toHandle} lets other threads open. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: bad options; RangeError `ERR_OUT_OF_RANGE`: no room in `memory`
   */
  constructor(options?: MutexOptions<MutexGuard>)
  /** @internal */
  constructor(place: Place, options?: MutexOpenOptions<MutexGuard>)
  constructor(first?: MutexOptions<MutexGuard> | Place, second?: MutexOpenOptions<MutexGuard>) {
    const place = first instanceof Place ? first : undefined
    const { fair, memory, onOwnerDied, detectDeadlocks } = mutexOptions(
      place ? second : (first as MutexOptions<MutexGuard>),
    )
    this.#core = openMutexCore(place ?? MutexCore.allocate(kind, fair, memory), 'the mutex', {
      detectDeadlocks,
      onOwnerDied,
    })
    this.#onOwnerDied = onOwnerDied
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
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquire(options?: AcquireOptions): Promise<MutexGuard> {
    // Without an async function, which costs as much as the lock itself.
    if (options === undefined && this.#core.waitingHere === 0 && this.#core.takeIfFree())
      return Promise.resolve(new Guard(this.#core))
    return this.#acquireSlowly(options)
  }

  async #acquireSlowly(options: AcquireOptions | undefined): Promise<MutexGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const outcome = await this.#core.take(deadline, signal)
    return repair<MutexGuard>(guardFor(this.#core, outcome), outcome, this.#onOwnerDied)
  }

  /**
   * Takes the lock, and blocks this thread and its event loop until it is free. On a main thread prefer
   * {@link Mutex.acquire}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread holds the lock, so that waiting could never end; it stays held
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   * @throws LockStateError `ERR_DEADLOCK`: only with `detectDeadlocks`; nothing was acquired, what is held stays held
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquireSync(options?: AcquireSyncOptions): MutexGuard {
    return options === undefined && this.#core.takeIfFree() ? new Guard(this.#core) : this.#acquireSyncSlowly(options)
  }

  #acquireSyncSlowly(options: AcquireSyncOptions | undefined): MutexGuard {
    const outcome = this.#core.takeSync(deadlineOf(options))
    return repairSync<MutexGuard>(guardFor(this.#core, outcome), outcome, this.#onOwnerDied)
  }

  /**
   * Takes the lock if that needs no waiting: it is free, or its owner has died, and no task of this thread awaits it. Does
   * not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: an owner died, and the next one did not repair; nothing was acquired
   */
  tryAcquire(): MutexGuard | undefined {
    const outcome = this.#core.tryTake()
    if (outcome === 'gave up') return undefined
    return repairSync<MutexGuard>(guardFor(this.#core, outcome), outcome, this.#onOwnerDied)
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
    if (options === undefined && this.#core.takeIfFree()) return runAndRelease(fn, new Guard(this.#core))
    return runAndRelease(fn, this.acquireSync(options))
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

  /** Who holds the lock, and whether somebody waits: a snapshot, it may be stale when you read it. Does not block. */
  getState(): MutexState {
    return this.#core.state()
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#core.place)
  }

  /**
   * Opens the lock that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a mutex, or it did not come from a thread of this process
   * @throws TypeError `ERR_INVALID_ARG`: bad options
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle, options?: MutexOpenOptions<MutexGuard>): Mutex {
    return new Mutex(kind.open(handle), options)
  }

  /** @internal */
  static coreOf(mutex: Mutex): MutexCore {
    return mutex.#core
  }

  /** @internal */
  static lockOf(guard: MutexGuard): HeldLock | undefined {
    return guard instanceof Guard ? guard : undefined
  }
}

/** The right to release a mutex; the lock is held as long as it was not used. `using guard = …` releases at the block's end. */
export interface MutexGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /** Whether the owner before this one died while it held the lock. Stays true when it was marked consistent. */
  readonly ownerDied: boolean
  /**
   * Says that the data is sound again after the former owner's death; without one it does nothing. Does not block.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   */
  markConsistent(): void
  /**
   * Releases the lock and wakes one waiter. Does not block. A second call does nothing, whoever holds the lock by then. While
   * the guard waits for a condition, it says that the guard is not to have the lock back.
   * If the former owner died and nobody has marked the lock consistent, it is not recoverable from now on.
   */
  release(): void
}

/** Without `finally`, which costs a tenth of the whole. */
function runAndRelease<Result>(fn: (guard: MutexGuard) => Result, guard: MutexGuard): Result {
  let result: Result
  try {
    result = fn(guard)
  } catch (error) {
    guard.release()
    throw error
  }
  guard.release()
  return result
}

function guardFor(core: MutexCore, outcome: Outcome): Guard {
  if (outcome === 'acquired') return new Guard(core)
  if (outcome === 'gave up') throw core.timedOut()
  if (outcome === 'not recoverable') throw core.notRecoverable()
  const guard = new Guard(core)
  afterDeath.add(guard)
  return guard
}

/** The guards whose former owner died: there are few, and a field for it would cost each guard as much as the lock's step. */
const afterDeath = new WeakSet<Guard>()

/** The guards that wait for a condition and get their lock back then, unless they are released before. */
const waiting = new WeakSet<Guard>()

class Guard implements MutexGuard, HeldLock {
  /** The one field, so that a guard is quickly made: undefined when it was released. */
  #core: MutexCore | undefined

  constructor(core: MutexCore) {
    this.#core = core
    guards.held += 1
  }

  get core(): MutexCore | undefined {
    return this.#core
  }

  get held(): boolean {
    return this.#core !== undefined
  }

  get ownerDied(): boolean {
    return afterDeath.has(this)
  }

  markConsistent(): void {
    if (!this.#core)
      throw new LockStateError('ERR_NOT_OWNER', 'this guard was released: it can say nothing of the data')
    this.#core.markConsistent()
  }

  release(): void {
    const core = this.#core
    if (core === undefined) {
      waiting.delete(this)
      return
    }
    // Before: a write between the steps of two locks makes the second one wait.
    guards.held -= 1
    try {
      core.release()
    } catch (error) {
      guards.held += 1
      throw error
    }
    this.#core = undefined
  }

  [Symbol.dispose](): void {
    this.release()
  }

  abandon(): void {
    this.release()
  }

  suspend(): void {
    this.release()
    waiting.add(this)
  }

  resume(core: MutexCore, outcome: Outcome): void {
    if (outcome === 'owner died') afterDeath.add(this)
    if (waiting.delete(this)) {
      this.#core = core
      guards.held += 1
    } else core.release()
  }
}

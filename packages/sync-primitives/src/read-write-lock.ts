import type { Outcome } from './algorithms/mutex.js'
import type { ReadOutcome } from './algorithms/read-write-lock.js'
import { ReadWriteCore } from './locks/read-write-core.js'
import { readWriteFailure } from './locks/read-write-failure.js'
import type { ReadWriteLockOpenOptions, ReadWriteLockOptions } from './locks/read-write-options.js'
import type { ReadWriteLockState } from './locks/read-write-state.js'
import { repair, repairSync } from './locks/repair.js'
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  deadlineOf,
  functionOption,
  objectOption,
  signalOf,
} from './options.js'
import {
  type ReadGuard,
  ReadGuardOf,
  type UpgradableReadGuard,
  UpgradableReadGuardOf,
  type WriteGuard,
  WriteGuardOf,
} from './read-write-guards.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/ReadWriteLock',
  version: 1,
  tag: 0x52575772, // "RWWr"
  fromHandle: (handle) => ReadWriteLock.fromHandle(handle),
})

// More than 300 lines: one class, most of which is the contract of its forms.

/**
 * A lock that threads share: many readers at a time, or one writer.
 *
 * Fairness: writers first. From the moment a writer waits for the readers inside, no new reader enters, so readers cannot
 * starve it; a stream of writers without a gap can keep readers waiting. Between threads there is no order among writers;
 * tasks of one thread get in in the order they asked. Memory: what a writer wrote is visible to all who enter after it.
 *
 * Recursion: a thread that is inside as a reader and reads again by a `Sync` form enters beside a waiting writer, since that
 * one waits for it. The other forms do not: another task of the thread may be the reader.
 *
 * Death: a reader that ends is out. When a writer ends inside, the next writer gets a guard that says `ownerDied`, repairs and
 * calls `markConsistent()`; readers get `ERR_OWNER_DIED` until then. A release without `markConsistent()` makes the lock not
 * recoverable.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits; a guard's `release()` does nothing then.
 */
export class ReadWriteLock {
  readonly #core: ReadWriteCore
  readonly #onOwnerDied: ((guard: WriteGuard) => unknown) | undefined

  /**
   * Makes a new lock that {@link ReadWriteLock.toHandle} lets other threads open. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: bad options; RangeError `ERR_OUT_OF_RANGE`: no room in `memory`
   */
  constructor(options?: ReadWriteLockOptions)
  /** @internal */
  constructor(place: Place, options?: ReadWriteLockOpenOptions)
  constructor(first?: ReadWriteLockOptions | Place, second?: ReadWriteLockOpenOptions) {
    const place = first instanceof Place ? first : undefined
    const options: Partial<ReadWriteLockOptions> = objectOption(place ? second : (first as ReadWriteLockOptions))
    this.#onOwnerDied = functionOption('onOwnerDied', options.onOwnerDied)
    this.#core = new ReadWriteCore(place ?? ReadWriteCore.allocate(kind, options.memory))
  }

  /**
   * Enters as a reader, without blocking the thread, when no writer is inside or waits; behind earlier readers of this thread.
   * A pending call keeps the process alive. It also waits for a writer of this thread.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: it could not enter in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws BrokenError `ERR_OWNER_DIED`: a writer died inside, and nobody has repaired yet; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or 2,046 readers of this thread are
   *   inside; nothing was acquired
   */
  async acquireRead(options?: AcquireOptions): Promise<ReadGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    for (;;) {
      const outcome = await this.#core.takeRead(deadline, signal)
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#readGuard(outcome)
      const repaired = await this.#writeGuard(await this.#core.takeWrite(deadline, signal))
      repaired.release()
    }
  }

  /**
   * Enters as a reader, and blocks this thread and its event loop until no writer is inside or waits. On a main thread prefer
   * {@link ReadWriteLock.acquireRead}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread writes, or a task of it waits to write, so that waiting could never
   *   end; nothing was acquired
   * @throws TimeoutError `ERR_TIMEOUT`: it could not enter in time; nothing was acquired
   * @throws BrokenError `ERR_OWNER_DIED`: a writer died inside, and nobody has repaired yet; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or 2,046 readers of this thread are
   *   inside; nothing was acquired
   */
  acquireReadSync(options?: AcquireSyncOptions): ReadGuard {
    if (options === undefined && this.#core.enterIfOpen()) return new ReadGuardOf(this.#core)
    const deadline = deadlineOf(options)
    for (;;) {
      const outcome = this.#core.takeReadSync(deadline)
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#readGuard(outcome)
      this.#writeGuardSync(this.#core.takeWriteSync(deadline)).release()
    }
  }

  /**
   * Enters as a reader if no writer is inside or waits. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws BrokenError `ERR_OWNER_DIED`: a writer died inside, and nobody has repaired yet; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   * @throws RangeError `ERR_OUT_OF_RANGE`: 2,046 readers of this thread are inside; nothing was acquired
   */
  tryAcquireRead(): ReadGuard | undefined {
    for (;;) {
      const outcome = this.#core.tryRead()
      if (outcome === 'gave up') return undefined
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#readGuard(outcome)
      const repaired = this.tryAcquireWrite()
      if (!repaired) return undefined
      repaired.release()
    }
  }

  /**
   * Enters as the writer, without blocking the thread, when nobody is inside; behind earlier writers of this thread. While it
   * waits for readers, no new ones enter. A pending call keeps the process alive. It also waits for other tasks of this thread:
   * a task that reads and asks for this waits for itself, for ever unless there is a timeout or a signal; see
   * {@link ReadWriteLock.acquireUpgradableRead}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: it could not enter in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  async acquireWrite(options?: AcquireOptions): Promise<WriteGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    return this.#writeGuard(await this.#core.takeWrite(deadline, signal))
  }

  /**
   * Enters as the writer, and blocks this thread and its event loop until nobody is inside. On a main thread prefer
   * {@link ReadWriteLock.acquireWrite}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread is inside already, as a reader or as the writer, so that waiting
   *   could never end; nothing was acquired
   * @throws TimeoutError `ERR_TIMEOUT`: it could not enter in time; nothing was acquired
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquireWriteSync(options?: AcquireSyncOptions): WriteGuard {
    return this.#writeGuardSync(this.#core.takeWriteSync(deadlineOf(options)))
  }

  /**
   * Enters as the writer if nobody is inside, and no task of this thread waits to write. Does not block.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: a writer died, and the next one did not repair; nothing was acquired
   */
  tryAcquireWrite(): WriteGuard | undefined {
    const outcome = this.#core.tryWrite()
    return outcome === 'gave up' ? undefined : this.#writeGuardSync(outcome)
  }

  /**
   * Enters as a reader that may become the writer later, without another writer in between. There is one of them at a time,
   * beside any number of plain readers. Waits and fails as {@link ReadWriteLock.acquireRead}, and behind writers of this thread.
   */
  async acquireUpgradableRead(options?: AcquireOptions): Promise<UpgradableReadGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    for (;;) {
      const outcome = await this.#core.takeUpgradable(deadline, signal)
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#upgradableGuard(outcome)
      const repaired = await this.#writeGuard(await this.#core.takeWrite(deadline, signal))
      repaired.release()
    }
  }

  /**
   * The same, and blocks this thread and its event loop. Fails as {@link ReadWriteLock.acquireReadSync}; a thread that reads
   * already gets `ERR_ALREADY_OWNED` if it would have to wait.
   */
  acquireUpgradableReadSync(options?: AcquireSyncOptions): UpgradableReadGuard {
    const deadline = deadlineOf(options)
    for (;;) {
      const outcome = this.#core.takeUpgradableSync(deadline)
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#upgradableGuard(outcome)
      this.#writeGuardSync(this.#core.takeWriteSync(deadline)).release()
    }
  }

  /** The same if it needs no waiting. Does not block. Fails as {@link ReadWriteLock.tryAcquireRead}. */
  tryAcquireUpgradableRead(): UpgradableReadGuard | undefined {
    for (;;) {
      const outcome = this.#core.tryUpgradable()
      if (outcome === 'gave up') return undefined
      if (outcome !== 'owner died' || !this.#onOwnerDied) return this.#upgradableGuard(outcome)
      const repaired = this.tryAcquireWrite()
      if (!repaired) return undefined
      repaired.release()
    }
  }

  /**
   * Runs `fn` as a reader, and leaves when what `fn` returned has settled. Errors of `fn` pass unchanged. Waits and fails as
   * {@link ReadWriteLock.acquireRead} does; `fn` is not called then.
   */
  async runRead<Result>(
    fn: (guard: ReadGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    const guard = await this.acquireRead(options)
    try {
      return await fn(guard)
    } finally {
      guard.release()
    }
  }

  /** Runs `fn` as a reader, and leaves when `fn` returns or throws. Blocks and fails as {@link ReadWriteLock.acquireReadSync}. */
  runReadSync<Result>(fn: (guard: ReadGuard) => Result, options?: AcquireSyncOptions): Result {
    const guard = this.acquireReadSync(options)
    try {
      return fn(guard)
    } finally {
      guard.release()
    }
  }

  /**
   * Runs `fn` as the writer, and leaves when what `fn` returned has settled. Errors of `fn` pass unchanged. Waits and fails as
   * {@link ReadWriteLock.acquireWrite} does; `fn` is not called then.
   */
  async runWrite<Result>(
    fn: (guard: WriteGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    const guard = await this.acquireWrite(options)
    try {
      return await fn(guard)
    } finally {
      guard.release()
    }
  }

  /** Runs `fn` as the writer, and leaves when `fn` returns or throws. Blocks and fails as {@link ReadWriteLock.acquireWriteSync}. */
  runWriteSync<Result>(fn: (guard: WriteGuard) => Result, options?: AcquireSyncOptions): Result {
    const guard = this.acquireWriteSync(options)
    try {
      return fn(guard)
    } finally {
      guard.release()
    }
  }

  /** Who is inside, and whether somebody waits: a snapshot, it may be stale when you read it. Does not block. */
  getState(): ReadWriteLockState {
    return this.#core.state()
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#core.place)
  }

  /**
   * Opens the lock that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a read-write lock, or it did not come from a thread of this process
   * @throws TypeError `ERR_INVALID_ARG`: bad options
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle, options?: ReadWriteLockOpenOptions): ReadWriteLock {
    return new ReadWriteLock(kind.open(handle), options)
  }

  #readGuard(outcome: ReadOutcome): ReadGuard {
    if (outcome === 'acquired') return new ReadGuardOf(this.#core)
    throw readWriteFailure(outcome)
  }

  #upgradableGuard(outcome: Outcome): UpgradableReadGuard {
    if (outcome === 'acquired') return new UpgradableReadGuardOf(this.#core)
    throw readWriteFailure(outcome)
  }

  #writeGuard(outcome: Outcome): Promise<WriteGuard> {
    return repair<WriteGuard>(this.#newWriteGuard(outcome), outcome, this.#onOwnerDied)
  }

  #writeGuardSync(outcome: Outcome): WriteGuard {
    return repairSync<WriteGuard>(this.#newWriteGuard(outcome), outcome, this.#onOwnerDied)
  }

  #newWriteGuard(outcome: Outcome): WriteGuard {
    if (outcome === 'acquired' || outcome === 'owner died')
      return new WriteGuardOf(this.#core, outcome === 'owner died')
    throw readWriteFailure(outcome)
  }
}

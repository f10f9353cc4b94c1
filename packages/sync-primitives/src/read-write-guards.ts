import { BrokenError, LockStateError, outOfRange } from './errors.js'
import { guards } from './locks/held-guards.js'
import type { ReadWriteCore } from './locks/read-write-core.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, signalOf } from './options.js'

/** The right to read; any number of readers are inside at a time. */
export interface ReadGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /** Leaves. Does not block. A second call does nothing. */
  release(): void
}

/** The right to write; nobody else is inside. */
export interface WriteGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /** Whether a writer before this one died inside. Stays true when it was marked consistent. */
  readonly ownerDied: boolean
  /**
   * Says that the data is sound again after the former writer's death; without one it does nothing. Does not block.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   */
  markConsistent(): void
  /**
   * Becomes a reader, and no other writer comes in between. Does not block. This guard is released by it.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   * @throws BrokenError `ERR_OWNER_DIED`: the data was not marked consistent yet; state unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: 2,046 readers of this thread are inside; state unchanged
   */
  downgrade(): ReadGuard
  /**
   * Leaves, and lets those who wait enter. Does not block. A second call does nothing. If a former writer died and nobody has
   * marked the lock consistent, it is not recoverable from now on.
   */
  release(): void
}

/** The right to read beside other readers, and to become a writer without letting another writer in between. */
export interface UpgradableReadGuard extends Disposable {
  /** Whether this guard still holds the lock. */
  readonly held: boolean
  /**
   * Becomes a writer when the readers have left; new ones wait. This guard is released by it. A pending call keeps the process
   * alive.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   * @throws TimeoutError `ERR_TIMEOUT`, the signal's reason, TypeError, RangeError: as `ReadWriteLock.acquireWrite`;
   *   this guard then holds the lock as before
   */
  upgrade(options?: AcquireOptions): Promise<WriteGuard>
  /**
   * The same, and blocks this thread and its event loop.
   *
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread is inside as a reader as well, so that waiting could never end
   */
  upgradeSync(options?: AcquireSyncOptions): WriteGuard
  /**
   * Becomes a writer if no reader is inside. Does not block.
   *
   * @returns undefined: it did not, and this guard holds the lock as before
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; state unchanged
   */
  tryUpgrade(): WriteGuard | undefined
  /**
   * Becomes a plain reader. Does not block. This guard is released by it.
   *
   * @throws LockStateError `ERR_NOT_OWNER`: this guard was released; `ERR_ALREADY_OWNED`: it is becoming a writer; state unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: 2,046 readers of this thread are inside; state unchanged
   */
  downgrade(): ReadGuard
  /**
   * Leaves. Does not block. A second call does nothing.
   *
   * @throws LockStateError `ERR_ALREADY_OWNED`: it is becoming a writer; abort that, or wait for it; state unchanged
   */
  release(): void
}

export class ReadGuardOf implements ReadGuard {
  /** The one field, so that a guard is quickly made: undefined when it was released. */
  #core: ReadWriteCore | undefined

  constructor(core: ReadWriteCore) {
    this.#core = core
    guards.held += 1
  }

  get held(): boolean {
    return this.#core !== undefined
  }

  release(): void {
    const core = this.#core
    if (core === undefined) return
    core.leaveRead()
    this.#core = undefined
    guards.held -= 1
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

export class WriteGuardOf implements WriteGuard {
  readonly #core: ReadWriteCore
  readonly ownerDied: boolean
  #consistent: boolean
  #held = true

  constructor(core: ReadWriteCore, ownerDied: boolean) {
    this.#core = core
    this.ownerDied = ownerDied
    this.#consistent = !ownerDied
    guards.held += 1
  }

  get held(): boolean {
    return this.#held
  }

  markConsistent(): void {
    this.#mustBeHeld()
    this.#core.markConsistent()
    this.#consistent = true
  }

  downgrade(): ReadGuard {
    this.#mustBeHeld()
    if (!this.#consistent)
      throw new BrokenError('ERR_OWNER_DIED', 'a former writer died: repair the data and call markConsistent() first')
    mustHaveRoom(this.#core)
    this.#core.downgradeWrite()
    this.#letGo()
    return new ReadGuardOf(this.#core)
  }

  release(): void {
    if (!this.#held) return
    this.#core.leaveWrite()
    this.#letGo()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #letGo(): void {
    this.#held = false
    guards.held -= 1
  }

  #mustBeHeld(): void {
    if (!this.#held) throw released()
  }
}

export class UpgradableReadGuardOf implements UpgradableReadGuard {
  readonly #core: ReadWriteCore
  #held = true
  #upgrading = false

  constructor(core: ReadWriteCore) {
    this.#core = core
    guards.held += 1
  }

  get held(): boolean {
    return this.#held
  }

  async upgrade(options?: AcquireOptions): Promise<WriteGuard> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    this.#mustBeHeld()
    this.#upgrading = true
    try {
      await this.#core.upgrade(deadline, signal)
    } finally {
      this.#upgrading = false
    }
    return this.#becomeWriter()
  }

  upgradeSync(options?: AcquireSyncOptions): WriteGuard {
    const deadline = deadlineOf(options)
    this.#mustBeHeld()
    this.#core.upgradeSync(deadline)
    return this.#becomeWriter()
  }

  tryUpgrade(): WriteGuard | undefined {
    this.#mustBeHeld()
    return this.#core.tryUpgrade() ? this.#becomeWriter() : undefined
  }

  downgrade(): ReadGuard {
    this.#mustBeHeld()
    mustHaveRoom(this.#core)
    this.#core.downgradeUpgradable()
    this.#letGo()
    return new ReadGuardOf(this.#core)
  }

  release(): void {
    if (!this.#held) return
    this.#mustNotUpgrade()
    this.#core.leaveUpgradable()
    this.#letGo()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #becomeWriter(): WriteGuard {
    this.#letGo()
    return new WriteGuardOf(this.#core, false)
  }

  #letGo(): void {
    this.#held = false
    guards.held -= 1
  }

  #mustBeHeld(): void {
    if (!this.#held) throw released()
    this.#mustNotUpgrade()
  }

  #mustNotUpgrade(): void {
    if (this.#upgrading)
      throw new LockStateError(
        'ERR_ALREADY_OWNED',
        'this guard is becoming a writer: wait for the upgrade, or abort it',
      )
  }
}

function released(): LockStateError {
  return new LockStateError('ERR_NOT_OWNER', 'this guard was released: it holds nothing any more')
}

function mustHaveRoom(core: ReadWriteCore): void {
  if (core.isFull) throw outOfRange('this thread is inside the read-write lock as often as it can be, 2,046 times')
}

import { BrokenError, LockStateError, outOfRange } from './errors.js'
import type { ReadWriteCore } from './locks/read-write-core.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, signalOf } from './options.js'
import type { ReadGuard, UpgradableReadGuard, WriteGuard } from './read-write-lock.js'

export class ReadGuardOf implements ReadGuard {
  /** The one field, so that a guard is quickly made: undefined when it was released. */
  #core: ReadWriteCore | undefined

  constructor(core: ReadWriteCore) {
    this.#core = core
  }

  get held(): boolean {
    return this.#core !== undefined
  }

  release(): void {
    const core = this.#core
    if (core === undefined) return
    core.leaveRead()
    this.#core = undefined
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
    this.#held = false
    return new ReadGuardOf(this.#core)
  }

  release(): void {
    if (!this.#held) return
    this.#core.leaveWrite()
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
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
    this.#held = false
    return new ReadGuardOf(this.#core)
  }

  release(): void {
    if (!this.#held) return
    this.#mustNotUpgrade()
    this.#core.leaveUpgradable()
    this.#held = false
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #becomeWriter(): WriteGuard {
    this.#held = false
    return new WriteGuardOf(this.#core, false)
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

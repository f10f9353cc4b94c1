import { LockStateError } from './errors.js'
import { guards } from './locks/held-guards.js'
import type { SemaphoreCore } from './locks/semaphore-core.js'

/** Permits that were taken. `using guard = …` gives them back at the block's end. */
export interface SemaphoreGuard extends Disposable {
  /** Whether this guard still stands for permits. */
  readonly held: boolean
  /** For how many. */
  readonly permits: number
  /**
   * Gives the permits back and wakes those who wait. Does not block. A second call does nothing.
   *
   * @throws LockStateError `ERR_OVER_RELEASE`: `Semaphore.release` has given back more than was taken, so that these
   *   permits would exceed `maxPermits`; state unchanged, and this guard stays held
   */
  release(): void
  /**
   * Disowns the permits: this guard will not give them back, and neither will the death of this thread. Somebody calls
   * `Semaphore.release` for them. Does not block. A second call does nothing.
   */
  detach(): void
}

export class SemaphoreGuardOf implements SemaphoreGuard {
  /** Undefined when it stands for nothing any more. */
  #core: SemaphoreCore | undefined
  readonly permits: number

  constructor(core: SemaphoreCore, permits: number) {
    this.#core = core
    this.permits = permits
    guards.held += 1
  }

  get held(): boolean {
    return this.#core !== undefined
  }

  release(): void {
    const core = this.#core
    if (core === undefined) return
    if (!core.release(this.permits)) throw overRelease(this.permits, core.bound)
    this.#core = undefined
    guards.held -= 1
  }

  detach(): void {
    if (this.#core === undefined) return
    this.#core.disown(this.permits)
    this.#core = undefined
    guards.held -= 1
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

export function overRelease(permits: number, bound: number): LockStateError {
  return new LockStateError('ERR_OVER_RELEASE', `releasing ${permits} would leave more than ${bound} permits free`)
}

import type { Outcome } from '../algorithms/mutex.js'
import type { MutexCore } from './mutex-core.js'

/** What a condition needs of a guard: to give its mutex up as a whole, and to hold it again. */
export interface HeldLock {
  readonly held: boolean
  /** The mutex, while this holds it. */
  readonly core: MutexCore | undefined
  markConsistent(): void
  release(): void
  /** Releases the mutex, all levels of it, until `resume`. A guard that is released meanwhile does not come back. */
  suspend(): void
  /** Releases the mutex for good, all levels of it. */
  abandon(): void
  /** The mutex was acquired again, for the same guard. */
  resume(core: MutexCore, outcome: Outcome): void
}

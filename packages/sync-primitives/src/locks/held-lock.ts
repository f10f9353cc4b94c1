import type { Outcome } from '../algorithms/mutex.js'
import type { MutexCore } from './mutex-core.js'

/** What a condition needs of a guard: to give its mutex up as a whole, and to hold it again. */
export abstract class HeldLock {
  abstract readonly held: boolean
  abstract readonly core: MutexCore
  /** Releases the mutex, all levels of it. */
  abstract suspend(): void
  abstract markConsistent(): void
  abstract release(): void
  /** The mutex was acquired again, for the same guard. */
  abstract resume(outcome: Outcome): void
}

import type { Memory } from '../memory/memory.js'
import type { WriteGuard } from '../read-write-guards.js'

/** What concerns one thread's view of a read-write lock. */
export interface ReadWriteLockOpenOptions {
  /**
   * Repairs what a writer that died has left, before anybody sees a guard; the lock is marked consistent when it returns, or
   * its promise is fulfilled. A reader that finds the lock so takes it for writing first. What it throws comes out of the
   * acquisition, and the lock is then not recoverable. `Sync` and `try` forms need one that returns no promise.
   */
  readonly onOwnerDied?: ((guard: WriteGuard) => unknown) | undefined
}

/** How a read-write lock is made. */
export interface ReadWriteLockOptions extends ReadWriteLockOpenOptions {
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

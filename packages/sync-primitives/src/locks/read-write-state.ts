import type { LockOwner } from './mutex-core.js'

/** Who is inside a read-write lock, and who waits: a snapshot. */
export interface ReadWriteLockState {
  /** How many readers are inside, in all threads; an upgradable one does not count. */
  readonly readers: number
  /** Who writes, or waits for the readers to leave. */
  readonly writer: LockOwner | undefined
  /** Who holds an upgradable read, or is about to write. */
  readonly upgradableReader: LockOwner | undefined
  /** Whether readers or writers may be waiting, in any thread. */
  readonly contended: boolean
  /** How many tasks of this thread wait. */
  readonly waitingHere: number
  /** Whether a writer has died inside, and nobody has said since that the data is consistent. */
  readonly ownerDied: boolean
  /** False: the lock was released after a writer's death without being marked consistent, and nobody enters any more. */
  readonly recoverable: boolean
}

import type { AcquireOptions, AcquireSyncOptions, SharedObjectHandle } from '@heddle/sync-primitives'

interface AnyLock {
  toHandle(): SharedObjectHandle
}

interface AnyGuard {
  readonly held: boolean
  release(): void
}

export interface LockLike {
  make(): AnyLock
  open(handle: SharedObjectHandle): AnyLock
  acquire(lock: AnyLock, options?: AcquireOptions): Promise<AnyGuard>
  acquireSync(lock: AnyLock, options?: AcquireSyncOptions): AnyGuard
  tryAcquire(lock: AnyLock): AnyGuard | undefined
  run<Result>(lock: AnyLock, fn: () => Result | PromiseLike<Result>, options?: AcquireOptions): Promise<Result>
  runSync<Result>(lock: AnyLock, fn: () => Result, options?: AcquireSyncOptions): Result
}

/** Everything that lets one holder in at a time, by one set of names. */
export declare const lockLikes: Readonly<Record<string, LockLike>>

export { AutoResetEvent } from './auto-reset-event.js'
export {
  Barrier,
  type BarrierOpenOptions,
  type BarrierOptions,
  type BarrierState,
  type BarrierTurn,
} from './barrier.js'
export { Condition, type ConditionOptions } from './condition.js'
export { BrokenError, ClosedError, InternalError, LockStateError, TimeoutError } from './errors.js'
export { Latch, type LatchOptions } from './latch.js'
export type { ConditionHandle } from './locks/condition-handle.js'
export type { EventOptions } from './locks/event-options.js'
export type { LockOwner, MutexState } from './locks/mutex-core.js'
export type { MutexOpenOptions, MutexOptions } from './locks/mutex-options.js'
export type { ReadWriteLockOpenOptions, ReadWriteLockOptions } from './locks/read-write-options.js'
export type { ReadWriteLockState } from './locks/read-write-state.js'
export { ManualResetEvent } from './manual-reset-event.js'
export { type Memory, type MemoryHandle, type MemoryOpener, registerMemory } from './memory/memory.js'
export { ThreadMemory, type ThreadMemoryOptions } from './memory/thread-memory.js'
export { type TrackedWorker, trackWorker } from './memory/track-worker.js'
export { Mutex, type MutexGuard } from './mutex.js'
export type { AcquireOptions, AcquireSyncOptions } from './options.js'
export type { ReadGuard, UpgradableReadGuard, WriteGuard } from './read-write-guards.js'
export { ReadWriteLock } from './read-write-lock.js'
export { RecursiveMutex, type RecursiveMutexGuard, type RecursiveMutexState } from './recursive-mutex.js'
export {
  type PermitOption,
  Semaphore,
  type SemaphoreOptions,
  type SemaphoreState,
} from './semaphore.js'
export type { SemaphoreGuard } from './semaphore-guard.js'
export type { SharedObjectHandle } from './shared-object.js'
export { type CounterOptions, ThreadSafeCounter } from './thread-safe-counter.js'
export { ThreadSafeCounter64 } from './thread-safe-counter-64.js'

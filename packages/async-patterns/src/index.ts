export { AsyncSemaphore, type AsyncSemaphoreGuard, type AsyncSemaphoreOptions } from './async-semaphore.js'
export { ClosedError, LockStateError, TimeoutError } from './errors.js'
export type { AcquireOptions } from './options.js'

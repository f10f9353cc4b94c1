export { ClosedError, LockStateError, TimeoutError } from './errors.js'
export {
  AsyncSemaphore,
  type AsyncSemaphoreGuard,
  type AsyncSemaphoreOptions,
} from './locks/async-semaphore.js'
export type { WaitOptions } from './options.js'

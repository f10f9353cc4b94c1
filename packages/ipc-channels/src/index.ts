export { ClosedError, QueueEmptyError, QueueFullError } from './errors.js'
export {
  ThreadSafeQueue,
  type ThreadSafeQueueHandle,
  type ThreadSafeQueueOptions,
  type ThreadSafeQueueStats,
} from './thread-safe-queue.js'

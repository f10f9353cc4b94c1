export { AsyncBatchProcessor } from './batches/async-batch-processor.js'
export type {
  AsyncBatchProcessorOptions,
  BatchCause,
  BatchContext,
  BatchOutcome,
  BatchStats,
} from './batches/batch-options.js'
export type { BackoffOptions } from './calls/backoff.js'
export { type AttemptContext, type RetryOptions, retry } from './calls/retry.js'
export { type SingleFlight, singleFlight } from './calls/single-flight.js'
export { ClosedError, LockStateError, QueueEmptyError, QueueFullError, TaskError, TimeoutError } from './errors.js'
export { AsyncKeyedRateLimiter, type AsyncKeyedRateLimiterOptions } from './limits/async-keyed-rate-limiter.js'
export { AsyncRateLimiter } from './limits/async-rate-limiter.js'
export type { AsyncRateLimiterOptions, RateAcquireOptions } from './limits/rate-options.js'
export type { RateReservation } from './limits/rate-reservation.js'
export { AsyncMutex, type AsyncMutexGuard } from './locks/async-mutex.js'
export {
  AsyncSemaphore,
  type AsyncSemaphoreGuard,
  type AsyncSemaphoreOptions,
} from './locks/async-semaphore.js'
export type { WaitOptions } from './options.js'
export type { Clock } from './platform/clock.js'
export {
  AsyncProducerConsumer,
  type AsyncProducerConsumerOptions,
  type StopOptions,
} from './queues/async-producer-consumer.js'
export { AsyncQueue, type AsyncQueueOptions, type AsyncQueueStats } from './queues/async-queue.js'
export type { ProducerConsumerProblem, ProducerConsumerReport } from './queues/producer-consumer-report.js'
export type { ConsumerContext, ProducerContext } from './queues/producer-consumer-run.js'
export { AsyncTaskManager } from './tasks/async-task-manager.js'
export type { DurationStats } from './tasks/duration-histogram.js'
export type { TaskContext } from './tasks/managed-task.js'
export type { TaskMapResults } from './tasks/map/task-map.js'
export type { CompletedTask, TaskRow } from './tasks/result-table.js'
export type { DroppedTask, WhenFull } from './tasks/scheduler-options.js'
export { TaskGroup, type TaskGroupOptions } from './tasks/task-group.js'
export type { AsyncMapOptions, AsyncTaskManagerOptions, AsyncTaskManagerStats } from './tasks/task-manager-options.js'
export type { TaskOptions } from './tasks/task-options.js'

export type { SharedObjectHandle } from '@heddle/sync-primitives'
export { BrokenError, ClosedError, QueueEmptyError, QueueFullError } from './errors.js'
export { Pipe, type PipeOptions } from './pipe.js'
export { PipeEnd } from './pipe-end.js'
export {
  type BackoffOptions,
  type ConsumerContext,
  ProducerConsumer,
  type ProducerConsumerOptions,
  type ProducerConsumerProblem,
  type ProducerConsumerReport,
  type ProducerContext,
  type StopOptions,
  type TaskExecutor,
} from './producer-consumer.js'
export type { ShutdownOptions, ThreadSafeQueueOptions, ThreadSafeQueueStats } from './queue-options.js'
export type { Registration } from './registration.js'
export { ThreadSafeQueue } from './thread-safe-queue.js'
export { type SubscribeOptions, Topic, type TopicOptions, type TopicStats, type WhenSlow } from './topic.js'
export type { Received, Subscription } from './topic-subscription.js'

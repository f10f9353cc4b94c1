export type { SharedObjectHandle } from '@heddle/sync-primitives'
export type { BlockingQueue } from './blocking-queue.js'
export { BrokenError, ClosedError, NameError, QueueEmptyError, QueueFullError } from './errors.js'
export { Pipe, type PipeOptions } from './pipe.js'
export { PipeEnd } from './pipe-end.js'
export { type NamedMemory, ProcessCommunication, type ProcessCommunicationOptions } from './process-communication.js'
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
export {
  type PriorityOption,
  type PriorityPutOptions,
  type PriorityPutSyncOptions,
  ThreadSafePriorityQueue,
  type ThreadSafePriorityQueueOptions,
} from './thread-safe-priority-queue.js'
export { ThreadSafeQueue } from './thread-safe-queue.js'
export { Topic } from './topic.js'
export type { SubscribeOptions, TopicOptions, TopicStats, WhenSlow } from './topic-options.js'
export type { Received, Subscription } from './topic-subscription.js'

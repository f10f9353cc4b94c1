export {
  BrokenError,
  ClosedError,
  type CompletedTask,
  type DurationStats,
  defineTask,
  type Executor,
  type ExecutorStats,
  type MapOptions,
  type MapResults,
  NotCloneableError,
  QueueFullError,
  RemoteError,
  type RunOptions,
  type Task,
  type TaskContext,
  TaskError,
  type TaskPolicy,
  type TaskRetries,
  type TaskRow,
  TimeoutError,
  taskContext,
  type WaitOptions,
} from '@heddle/pool-core'
export { Cluster } from './connection/cluster.js'
export type { ClusterOptions } from './connection/cluster-options.js'
export { ClusterDict, type ClusterDictEntry } from './dict/cluster-dict.js'
export type { AddOptions, DeleteOptions, SetOptions, UpdateOptions } from './dict/dict-options.js'
export type { DictChange, DictWatch, WatchOptions } from './dict/dict-watch.js'
export { ClusterError, LockStateError, QueueEmptyError } from './errors.js'
export type { ClusterGuard, ClusterSemaphoreGuard } from './leases/cluster-guard.js'
export { ClusterLock, type ClusterLockState } from './leases/cluster-lock.js'
export { ClusterSemaphore, type ClusterSemaphoreState } from './leases/cluster-semaphore.js'
export type { AcquireOptions, LeaseOptions, PermitOption } from './leases/lease-options.js'
export { ClusterRateLimiter } from './limits/cluster-rate-limiter.js'
export type { ClusterRateAcquireOptions, ClusterRateLimiterOptions, RateKeyOption } from './limits/rate-options.js'
export { type LocalEngine, LocalServer, type LocalServerOptions } from './local-server/local-server.js'
export { ClusterNode, type ClusterNodeStats } from './node/cluster-node.js'
export type { ClusterNodeOptions, NodeExecutor } from './node/node-options.js'
export type { NodeTasks } from './node/task-registry.js'
export { ClusterPoolManager } from './pool/cluster-pool-manager.js'
export type { ClusterPoolOptions, ClusterRunOptions } from './pool/pool-limits.js'
export type { ClusterDelivery } from './queue/cluster-delivery.js'
export { ClusterQueue } from './queue/cluster-queue.js'
export type {
  ClusterDeadLetter,
  ClusterQueueOptions,
  ClusterQueueStats,
  QueueWaitOptions,
} from './queue/queue-options.js'
export type { ClusterSubscription } from './topic/cluster-subscription.js'
export { ClusterTopic } from './topic/cluster-topic.js'
export type { ClusterReceived, ClusterSubscribeOptions, TopicWaitOptions } from './topic/topic-options.js'

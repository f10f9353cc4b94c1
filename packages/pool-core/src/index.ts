export { NotCloneableError, RemoteError } from '@heddle/codec'
export {
  BrokenError,
  ClosedError,
  LockStateError,
  QueueFullError,
  TaskError,
  TimeoutError,
} from './errors.js'
export type {
  CompletedTask,
  Executor,
  ExecutorStats,
  MapOptions,
  MapResults,
  PoolMapOptions,
  PoolRunOptions,
  ResultOf,
  RunOptions,
  StreamOptions,
  TaskRow,
  WaitOptions,
} from './executor.js'
export { compileFunction } from './functions/compile-function.js'
export { type FunctionSource, sourceOf } from './functions/function-source.js'
export { hostedKind, type PoolKind } from './pool/pool-kind.js'
export { PoolManager, type PoolStats, type ValueOf } from './pool/pool-manager.js'
export type { PoolOptions } from './pool/pool-options.js'
export type { BatchDoneMessage, DoneMessage, FromWorker, Hello, HelloReply, ToWorker } from './protocol.js'
export type { DurationStats } from './results/duration-histogram.js'
export type { DroppedTask, WhenFull } from './scheduling/scheduler-options.js'
export type {
  Connected,
  HostedThread,
  HostKind,
  Lane,
  ResourceLimits,
  WorkerHost,
  WorkerSettings,
} from './slots/host-kind.js'
export type { Death, StartWorker, WorkerEvents, WorkerLink } from './slots/worker-link.js'
export { defineTask, type Task, type TaskFunction } from './tasks/define-task.js'
export { type TaskContext, taskContext } from './tasks/task-context.js'
export type { TaskPolicy, TaskRetries } from './tasks/task-policy.js'
export { withTransfer } from './tasks/with-transfer.js'
export { TaskServer } from './worker/task-server.js'
export type { WorkerLane } from './worker/worker-lane.js'

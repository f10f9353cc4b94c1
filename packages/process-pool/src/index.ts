export {
  BrokenError,
  ClosedError,
  defineTask,
  type Executor,
  type MapOptions,
  NotCloneableError,
  type PoolOptions,
  RemoteError,
  type RunOptions,
  type Task,
  TaskError,
  type TaskRow,
  TimeoutError,
  type WaitOptions,
} from '@heddle/pool-core'
export { ProcessPoolManager } from './process-pool-manager.js'

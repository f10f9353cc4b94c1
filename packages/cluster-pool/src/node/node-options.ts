import type { Executor, PoolRunOptions, ResultOf, Task, TaskFunction } from '@heddle/pool-core'
import {
  describe,
  invalidArgument,
  milliseconds,
  objectOf,
  optionalFunction,
  outOfRange,
  wholeNumber,
} from '@heddle/pool-core/building-blocks'
import { poolNameOf } from '../pool/wire.js'
import { type NodeTasks, type RegisteredTask, registryOf } from './task-registry.js'

/** What runs the bodies of a node's tasks: a pool of threads or of processes. */
export interface NodeExecutor extends Pick<Executor, 'drain' | 'terminate'> {
  run<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: PoolRunOptions,
  ): Promise<ResultOf<Fn>>
}

export interface ClusterNodeOptions {
  /** The tasks that this node runs: a list, or a module that exports them. Others are refused. */
  readonly tasks: NodeTasks
  /** The pool whose tasks it takes. Default: `default`. */
  readonly pool?: string | undefined
  /** How many tasks it takes at a time, 1 or more. Default: `os.availableParallelism()`. */
  readonly concurrency?: number | undefined
  /**
   * What runs them. Default: a thread pool of `concurrency` workers (of `@heddle/worker-pool`, which has to be installed), which
   * the node ends. One that is given is not ended by the node.
   */
  readonly executor?: NodeExecutor | undefined
  /**
   * Milliseconds until a task whose node is silent may be run by another, 500 or more. Default: 10,000. The node renews it twice
   * as often; its own loop runs no task, so a body that computes for long does not stop that.
   */
  readonly lockDuration?: number | undefined
  /** Milliseconds at most between looks for such tasks, 100 or more. Default: 5,000. It takes their sum until a lost task begins again. */
  readonly stalledInterval?: number | undefined
  /** Is told of problems with the server. The node goes on by itself when it is back. Default: nobody is told. */
  readonly onError?: ((error: Error) => void) | undefined
}

export interface NodeSettings {
  readonly registry: ReadonlyMap<string, RegisteredTask>
  readonly pool: string
  readonly concurrency: number
  readonly executor: NodeExecutor | undefined
  readonly lockDuration: number
  readonly stalledInterval: number
  readonly onError: (error: Error) => void
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, each named */
export function nodeSettingsOf(options: ClusterNodeOptions, defaultConcurrency: number): NodeSettings {
  const given = objectOf('options', options)
  const { pool = 'default', concurrency = defaultConcurrency, executor } = given
  const { lockDuration = 10_000, stalledInterval = 5_000, onError } = given
  if (executor !== undefined && typeof (executor as Partial<NodeExecutor> | null)?.run !== 'function')
    throw invalidArgument(`executor must be a pool, not ${describe(executor)}`)
  return {
    registry: registryOf(given.tasks as NodeTasks),
    pool: poolNameOf(pool),
    concurrency: wholeNumber('concurrency', concurrency, 1),
    executor,
    lockDuration: atLeast('lockDuration', lockDuration, 500),
    stalledInterval: atLeast('stalledInterval', stalledInterval, 100),
    onError: optionalFunction('onError', onError) ?? (() => undefined),
  }
}

function atLeast(name: string, value: unknown, least: number): number {
  const ms = milliseconds(name, value)
  if (ms < least || ms > 2 ** 31 - 1)
    throw outOfRange(`${name} must be ${least} or more milliseconds, at most ${2 ** 31 - 1}, not ${ms}`)
  return ms
}

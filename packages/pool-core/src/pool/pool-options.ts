import { AsyncResource } from 'node:async_hooks'
import { availableParallelism } from 'node:os'
import { encodeValue } from '@heddle/codec'
import { invalidArgument, outOfRange } from '../errors.js'
import { describe, milliseconds, objectOf, optionalFunction, wholeNumber, wholeNumberOrInfinity } from '../options.js'
import type { DroppedTask, SchedulerOptions, WhenFull } from '../scheduling/scheduler-options.js'
import type { ResourceLimits, WorkerSettings } from '../slots/host-kind.js'
import type { Task } from '../tasks/define-task.js'
import type { TaskRecords } from '../tasks/task-record.js'
import type { PoolKind } from './pool-kind.js'

export interface PoolOptions {
  /** For messages, statistics and diagnostics. Default: what it is and a number. */
  readonly name?: string | undefined
  /** The most workers at a time, whole number of 1 or more; default: `os.availableParallelism()`. */
  readonly maxWorkers?: number | undefined
  /** So many workers are started at once and kept; default: 0, they start when tasks need them. */
  readonly minWorkers?: number | undefined
  /** Milliseconds after which a worker with nothing to do ends, if there are more than `minWorkers`. Default: never. */
  readonly idleTimeout?: number | undefined
  /** A worker is replaced after so many tasks, 1 or more. Default: Infinity. */
  readonly maxTasksPerWorker?: number | undefined
  /** The most tasks that wait in the queue, 0 or more, or Infinity. Default: 1,000. */
  readonly maxQueued?: number | undefined
  /**
   * What happens to a task when the queue is full. `wait` (the default): it waits for room, and so does whoever awaits
   * `submitTask`. `reject`: it is refused with a QueueFullError. `caller-runs`: it runs in this thread, at once; no timeout
   * and no signal can end it there. `drop-oldest`: of the queued tasks of the lowest priority the oldest is dropped, or the new
   * one if it has a lower priority than all.
   */
  readonly whenFull?: WhenFull | undefined
  /** Is told of each task that was dropped since the queue was full. What it throws is an uncaught exception. */
  readonly onDropped?: ((task: DroppedTask) => void) | undefined
  /** How many results may wait to be taken, whole number of 1 or more; default 10,000. The oldest are dropped beyond it. */
  readonly maxResults?: number | undefined
  /**
   * Milliseconds that a task has to end by itself when nobody waits for it any longer, if it has asked for its signal; then its
   * worker is ended. Default: 1,000. A task that has not asked is ended at once.
   */
  readonly abortGrace?: number | undefined
  /**
   * Milliseconds that a worker may take until it is ready, its initializer included, and that the module of a task with a
   * timeout may take to load. Default: 60,000.
   */
  readonly startTimeout?: number | undefined
  /** A task that each worker runs before any other. When it fails, so does the pool. */
  readonly initializer?: Task | undefined
  /** Its arguments. */
  readonly initializerArgs?: readonly unknown[] | undefined
  /** Options of Node for the workers, such as `['--import', 'tsx']`; default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
  /** Environment variables for the workers, beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The most memory that a worker may take. One that takes more ends, and its task rejects. */
  readonly resourceLimits?: ResourceLimits | undefined
}

const policies: readonly WhenFull[] = ['wait', 'reject', 'caller-runs', 'drop-oldest']

let pools = 0

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, each named */
export function poolOptionsOf(
  options: PoolOptions | undefined,
  kind: PoolKind,
  records: TaskRecords,
): { readonly scheduler: SchedulerOptions; readonly maxResults: number } {
  const given = objectOf('options', options)
  const { maxWorkers = availableParallelism(), minWorkers = 0, whenFull = 'wait', maxResults = 10_000 } = given
  const { idleTimeout = Number.POSITIVE_INFINITY, maxTasksPerWorker = Number.POSITIVE_INFINITY } = given
  const { maxQueued = 1_000, abortGrace = 1_000, startTimeout = 60_000 } = given
  const most = wholeNumber('maxWorkers', maxWorkers, 1)
  if (wholeNumber('minWorkers', minWorkers, 0) > most)
    throw outOfRange(`minWorkers must not be more than maxWorkers, which is ${most}, and is ${minWorkers}`)
  if (!policies.includes(whenFull))
    throw invalidArgument(`whenFull must be one of ${policies.join(', ')}, not ${describe(whenFull)}`)
  const start = milliseconds('startTimeout', startTimeout)
  return {
    maxResults: wholeNumber('maxResults', maxResults, 1),
    scheduler: {
      what: kind.what,
      boundary: kind.boundary,
      startWorker: kind.startWorker(workerSettingsOf(given), start),
      initializer: initializerOf(given, kind, records),
      maxWorkers: most,
      minWorkers,
      idleTimeout: milliseconds('idleTimeout', idleTimeout),
      maxTasksPerWorker: wholeNumberOrInfinity('maxTasksPerWorker', maxTasksPerWorker, 1),
      maxQueued: wholeNumberOrInfinity('maxQueued', maxQueued, 0),
      whenFull,
      onDropped: inOwnContext(optionalFunction('onDropped', given.onDropped)),
      abortGrace: milliseconds('abortGrace', abortGrace),
      startTimeout: start,
      name: nameOf(given.name, kind),
    },
  }
}

function nameOf(name: unknown, kind: PoolKind): string {
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw invalidArgument(`name must be a string, not ${describe(name)}`)
  pools += 1
  return name ?? `${kind.boundary} pool ${pools}`
}

function initializerOf(
  { initializer, initializerArgs = [] }: Partial<PoolOptions>,
  kind: PoolKind,
  records: TaskRecords,
): SchedulerOptions['initializer'] {
  if (!Array.isArray(initializerArgs))
    throw invalidArgument(`initializerArgs must be an array, not ${describe(initializerArgs)}`)
  if (initializer === undefined) return undefined
  const { wire } = records.recordOf(initializer)
  return { task: wire, args: encodeValue(initializerArgs, kind.boundary) }
}

function workerSettingsOf({ execArgv, env, resourceLimits }: Partial<PoolOptions>): WorkerSettings {
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every(isString)))
    throw invalidArgument('execArgv must be an array of strings')
  if (env !== undefined && !Object.values(objectOf('env', env)).every(isString))
    throw invalidArgument('env must be an object whose values are strings')
  for (const [name, value] of Object.entries(objectOf('resourceLimits', resourceLimits)))
    if (typeof value !== 'number' || !(value > 0))
      throw outOfRange(`resourceLimits.${name} must be a number of megabytes above 0, not ${describe(value)}`)
  return { execArgv, env, resourceLimits }
}

/** A callback is called in the context of whoever has given it. */
function inOwnContext(onDropped: PoolOptions['onDropped']): PoolOptions['onDropped'] {
  return onDropped && AsyncResource.bind(onDropped)
}

const isString = (value: unknown): value is string => typeof value === 'string'

import { AsyncResource } from 'node:async_hooks'
import type { MapOptions, RunOptions, TaskRetries, WaitOptions } from '@heddle/pool-core'
import {
  definitionOf,
  describe,
  finiteNumber,
  invalidArgument,
  objectOf,
  optionalFunction,
  type RetryCounts,
  retriesOf,
  signalOf,
  type TaskDefinition,
  timeoutOf,
  type WaitLimits,
  wholeNumber,
} from '@heddle/pool-core/building-blocks'
import { poolNameOf } from './wire.js'

export interface ClusterPoolOptions {
  /** The pool's name: its nodes have the same. Letters, digits, points, `_` and `-`. Default: `default`. */
  readonly name?: string | undefined
  /**
   * The most tasks of this program that are stored and have not settled, 1 or more. Default: 10,000. Further ones wait here, and
   * so does whoever awaits `submitTask`.
   */
  readonly maxQueued?: number | undefined
  /** How many results may wait to be taken, whole number of 1 or more; default 10,000. The oldest are dropped beyond it. */
  readonly maxResults?: number | undefined
  /** Is told of problems with the server. The pool goes on by itself when it is back. Default: nobody is told. */
  readonly onError?: ((error: Error) => void) | undefined
}

export interface ClusterRunOptions extends RunOptions {
  /** Is given each value that the task tells with `taskContext().progress`. What it throws is an uncaught exception. */
  readonly onProgress?: ((value: unknown) => void) | undefined
  /** How often it is run again, in place of what the task says itself. Only of idempotent tasks. */
  readonly retries?: TaskRetries | undefined
}

export interface PoolSettings {
  readonly name: string
  readonly maxQueued: number
  readonly maxResults: number
  readonly onError: (error: Error) => void
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, each named */
export function poolSettingsOf(options: ClusterPoolOptions | undefined): PoolSettings {
  const { name = 'default', maxQueued = 10_000, maxResults = 10_000, onError } = objectOf('options', options)
  return {
    name: poolNameOf(name),
    maxQueued: wholeNumber('maxQueued', maxQueued, 1),
    maxResults: wholeNumber('maxResults', maxResults, 1),
    onError: optionalFunction('onError', onError) ?? (() => undefined),
  }
}

/** @throws TypeError `ERR_INVALID_ARG`: no task; a function travels to no other machine */
export function taskOf(task: unknown): TaskDefinition {
  const definition = definitionOf(task)
  if (definition) return definition
  const what = typeof task === 'function' ? 'a function as it is' : describe(task)
  throw invalidArgument(
    `a cluster runs tasks, not ${what}: make one with defineTask in a module of its own, and give that to the nodes`,
  )
}

export interface ClusterRunLimits {
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly priority: number
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly retries: RetryCounts | undefined
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, each named */
export function clusterRunLimitsOf(
  options: ClusterRunOptions | undefined,
  { idempotent, name }: TaskDefinition,
): ClusterRunLimits {
  const { timeout, signal, priority = 0, onProgress, retries } = objectOf('options', options)
  const listener = optionalFunction('onProgress', onProgress)
  return {
    timeout: timeoutOf(timeout),
    signal: signalOf(signal),
    priority: finiteNumber('priority', priority),
    // A callback is called in the context of whoever has given it, not in that of a message.
    onProgress: listener && AsyncResource.bind(listener),
    retries: retries === undefined ? undefined : retriesOf(retries, idempotent, name),
  }
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function waitLimitsOf(options: WaitOptions | undefined): WaitLimits {
  const { timeout, signal } = objectOf('options', options)
  return { timeout: timeoutOf(timeout), signal: signalOf(signal) }
}

export interface ClusterMapLimits {
  readonly concurrency: number
  readonly ordered: boolean
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function clusterMapLimitsOf(options: MapOptions | undefined): ClusterMapLimits {
  const { concurrency = 64, ordered = true, timeout, signal } = objectOf('options', options)
  if (typeof ordered !== 'boolean') throw invalidArgument(`ordered must be true or false, not ${describe(ordered)}`)
  return {
    concurrency: wholeNumber('concurrency', concurrency, 1),
    ordered,
    timeout: timeoutOf(timeout),
    signal: signalOf(signal),
  }
}

import { AsyncResource } from 'node:async_hooks'
import { invalidArgument } from '../errors.js'
import type { PoolRunOptions } from '../executor.js'
import { describe, finiteNumber, objectOf, optionalFunction, signalOf, timeoutOf } from '../options.js'
import type { JobLimits, StreamSink } from '../scheduling/job.js'
import { retriesOf } from '../tasks/task-policy.js'
import type { TaskRecord } from '../tasks/task-record.js'

/**
 * What a caller has asked for, checked; undefined: nothing, which lets the task share an envelope.
 *
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, each named
 */
export function runLimitsOf(
  options: PoolRunOptions | undefined,
  task: TaskRecord,
  stream?: StreamSink,
): JobLimits | undefined {
  if (options === undefined && stream === undefined) return undefined
  const { timeout, signal, priority = 0, transfer, onProgress, retries } = objectOf('options', options)
  if (transfer !== undefined && !(Array.isArray(transfer) && transfer.every(isObject)))
    throw invalidArgument(`transfer must be an array of ArrayBuffers or ports, not ${describe(transfer)}`)
  const limits: JobLimits = {
    timeout: timeoutOf(timeout),
    signal: signalOf(signal),
    priority: finiteNumber('priority', priority),
    transfer: transfer?.length ? transfer : undefined,
    onProgress: inContext(optionalFunction('onProgress', onProgress)),
    retries: retries === undefined ? undefined : retriesOf(retries, task.idempotent, task.name),
    stream,
  }
  return isNothing(limits) ? undefined : limits
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A callback is called in the context of whoever has given it, not in that of a message. */
function inContext(onProgress: ((value: unknown) => void) | undefined): ((value: unknown) => void) | undefined {
  return onProgress && AsyncResource.bind(onProgress)
}

function isNothing({ timeout, signal, priority, transfer, onProgress, retries, stream }: JobLimits): boolean {
  return (
    priority === 0 &&
    timeout === undefined &&
    signal === undefined &&
    transfer === undefined &&
    onProgress === undefined &&
    retries === undefined &&
    stream === undefined
  )
}

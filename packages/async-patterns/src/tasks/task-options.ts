import { invalidArgument, outOfRange } from '../errors.js'
import { checkIsObject, describe, milliseconds, signalOf, wholeNumber } from '../options.js'
import type { TaskLimits } from './managed-task.js'

/** What bounds one task, and when its turn comes. */
export interface TaskOptions {
  /**
   * Milliseconds that the task may run, counted from when it begins; default: no limit. It then rejects with a TimeoutError,
   * and its signal aborts; a body that does not look at its signal runs on, see `abortGrace` of the manager.
   */
  readonly timeout?: number | undefined
  /** Milliseconds that the task may wait before it begins; default: no limit; 0: it begins at once or not at all. */
  readonly queueTimeout?: number | undefined
  /** Takes the task out of the queue, or aborts the signal that it is given; it rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
  /** The higher, the earlier; tasks of one priority begin in the order they came. Any finite number. Default: 0. */
  readonly priority?: number | undefined
  /** How many of the `maxConcurrent` places it takes up, whole number of 1 or more. Default: 1. */
  readonly weight?: number | undefined
}

const noLimits: TaskLimits = {
  priority: 0,
  weight: 1,
  timeout: Number.POSITIVE_INFINITY,
  queueTimeout: Number.POSITIVE_INFINITY,
  signal: undefined,
}

/**
 * The limits that `options` set.
 *
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or a weight that can never fit
 */
export function limitsOf(options: TaskOptions | undefined, maxConcurrent: number): TaskLimits {
  if (options === undefined) return noLimits
  checkIsObject(options)
  const { timeout, queueTimeout, priority = 0, weight = 1 } = options
  if (typeof priority !== 'number') throw invalidArgument(`priority must be a number, not ${describe(priority)}`)
  if (!Number.isFinite(priority)) throw outOfRange(`priority must be a finite number, not ${priority}`)
  return {
    priority,
    weight: wholeNumber('weight', weight, 1, Math.min(maxConcurrent, Number.MAX_SAFE_INTEGER)),
    timeout: timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds('timeout', timeout),
    queueTimeout: queueTimeout === undefined ? Number.POSITIVE_INFINITY : milliseconds('queueTimeout', queueTimeout),
    signal: signalOf(options),
  }
}

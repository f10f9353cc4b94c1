import { invalidArgument } from '../errors.js'
import { describe, objectOf, wholeNumber } from '../options.js'

/** How often a task is run again, by what became of it. Only of idempotent tasks. */
export interface TaskRetries {
  /** After its worker has ended under it: default 2. Whatever ends a worker once more is refused with `ERR_POISON_TASK`. */
  readonly crashes?: number | undefined
  /** After it has thrown: default 0. */
  readonly errors?: number | undefined
  /** After it has run longer than its `timeout`: default 0. */
  readonly timeouts?: number | undefined
}

/** What a pool may do with a task. */
export interface TaskPolicy {
  /**
   * Whether to run it twice is as good as to run it once. Only then is it run again when it may have begun, and only then do
   * short runs share a message on their way to another process. Default: false.
   */
  readonly idempotent?: boolean | undefined
  /** How often it is run again; not without `idempotent`. */
  readonly retries?: TaskRetries | undefined
}

export interface RetryCounts {
  readonly crashes: number
  readonly errors: number
  readonly timeouts: number
}

const never: RetryCounts = { crashes: 0, errors: 0, timeouts: 0 }

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or retries of a task that is not idempotent */
export function retriesOf(retries: TaskRetries | undefined, idempotent: boolean, name: string): RetryCounts {
  if (retries === undefined) return idempotent ? { ...never, crashes: 2 } : never
  const { crashes = idempotent ? 2 : 0, errors = 0, timeouts = 0 } = objectOf('retries', retries)
  const counts = {
    crashes: wholeNumber('retries.crashes', crashes, 0),
    errors: wholeNumber('retries.errors', errors, 0),
    timeouts: wholeNumber('retries.timeouts', timeouts, 0),
  }
  if (!idempotent && crashes + errors + timeouts > 0)
    throw invalidArgument(
      `task ${name} is not idempotent, so it is never run twice: define it with { idempotent: true } to have retries`,
    )
  return counts
}

/** @throws TypeError `ERR_INVALID_ARG` */
export function idempotentOf(policy: Partial<TaskPolicy>): boolean {
  const { idempotent = false } = policy
  if (typeof idempotent !== 'boolean')
    throw invalidArgument(`idempotent must be true or false, not ${describe(idempotent)}`)
  return idempotent
}

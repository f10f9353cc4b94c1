import { TimeoutError } from '../errors.js'
import {
  checkIsFunction,
  checkIsFunctionIfGiven,
  checkIsObject,
  signalOf,
  timeoutOf,
  wholeNumberOrInfinity,
} from '../options.js'
import { TaskScope } from '../tasks/task-scope.js'
import { holdProcess, letProcessGo } from '../waiting/keep-alive.js'
import { pause } from '../waiting/pause.js'
import { type BackoffOptions, backoffOf } from './backoff.js'

/** What each attempt is given. */
export interface AttemptContext {
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Aborts when the time of all attempts is over, or when the caller's signal aborts. */
  readonly signal: AbortSignal
}

export interface RetryOptions extends BackoffOptions {
  /** The most attempts, the first included; 1 or more, or Infinity. Default: 3. */
  readonly maxAttempts?: number | undefined
  /** Milliseconds for all attempts and pauses together; default: no limit. */
  readonly timeout?: number | undefined
  /** Ends everything when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
  /** Whether this error is worth another attempt; default: every error is. What it throws ends the attempts. */
  readonly shouldRetry?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
  /** Is told of each attempt that failed and is followed by another, before the pause. What it throws ends the attempts. */
  readonly onRetry?: ((error: unknown, next: { readonly attempt: number; readonly delay: number }) => void) | undefined
}

/**
 * Calls `fn` until it succeeds, with growing pauses between the attempts, and resolves with its result.
 *
 * Does not block the thread. Pauses and a pending call keep the process alive. When the time is over or the signal aborts, the
 * promise rejects at once; an attempt that runs is told by its signal, and what becomes of it later is ignored.
 *
 * @throws (rejects) the error of the last attempt as itself: there were `maxAttempts`, or `shouldRetry` said no
 * @throws (rejects) TimeoutError `ERR_TIMEOUT`: `timeout` is over; `cause` is the error of the last attempt that failed
 * @throws (rejects) the reason of `options.signal` as given, when it aborts first
 * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; `fn` was not called
 */
export async function retry<Result>(
  fn: (context: AttemptContext) => Result | PromiseLike<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  checkIsFunction('fn', fn)
  checkIsObject(options)
  const { shouldRetry, onRetry } = options
  checkIsFunctionIfGiven('shouldRetry', shouldRetry)
  checkIsFunctionIfGiven('onRetry', onRetry)
  const maxAttempts = wholeNumberOrInfinity('maxAttempts', options.maxAttempts ?? 3, 1)
  const backoff = backoffOf(options)
  const timeout = timeoutOf(options)
  const outer = signalOf(options)
  if (outer?.aborted) throw outer.reason

  let lastError: { readonly cause: unknown } | undefined
  let giveUp: (reason: unknown) => void = () => undefined
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  givenUp.catch(() => undefined)
  const scope = new TaskScope(outer, giveUp)
  scope.limit(timeout, () => new TimeoutError(`no attempt succeeded within ${timeout} ms`, lastError))
  const attempts = async (): Promise<Result> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fn(contextOf(attempt, scope))
      } catch (error) {
        lastError = { cause: error }
        if (scope.aborted || attempt >= maxAttempts) throw error
        if (shouldRetry !== undefined && !(await shouldRetry(error, attempt))) throw error
        // There is no next attempt to tell of.
        if (scope.aborted) throw error
        const delay = backoff(attempt)
        onRetry?.(error, { attempt: attempt + 1, delay })
        await pause(delay, scope.signal)
      }
    }
  }
  holdProcess()
  try {
    return await Promise.race([attempts(), givenUp])
  } finally {
    letProcessGo()
    scope.lift()
  }
}

function contextOf(attempt: number, scope: TaskScope): AttemptContext {
  return {
    attempt,
    get signal() {
      return scope.signal
    },
  }
}

import { TimeoutError } from '../errors.js'
import { checkIsFunction, checkIsObject, signalOf, timeoutOf, type WaitOptions } from '../options.js'
import type { TaskContext } from '../tasks/managed-task.js'
import { ShownSignal } from '../tasks/shown-signal.js'
import { TaskSignal } from '../tasks/task-signal.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'

/** A function of which at most one call per key is under way. */
export interface SingleFlight<Key, Result> {
  /**
   * Joins the call for `key` that is under way, or begins one; resolves with its result, or rejects with its error, as all who
   * joined do. Nothing is kept: the next call after it begins anew.
   *
   * @throws (rejects) the error of the function; TimeoutError `ERR_TIMEOUT`, or the reason of `options.signal` as given:
   * this caller does not wait any longer, the others do. When the last one leaves, the signal of the call aborts
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  (key: Key, options?: WaitOptions): Promise<Result>
  /** How many calls are under way: a snapshot. */
  readonly size: number
}

/**
 * One call under way.
 *
 * Invariant: it is in the table until it has ended, also after all its callers have left: there is no second flight before.
 */
class Flight<Result> {
  readonly signal = new TaskSignal()
  readonly waiters = new WaiterQueue<Result>(timedOut, () => this.endIfDeserted())
  /** Those who asked after the last caller had left: they wait for its end, to begin anew. */
  readonly successors = new WaiterQueue<void>(timedOut)

  endIfDeserted(): void {
    if (this.waiters.size === 0) this.signal.abort(new DOMException('nobody waits for the call any more', 'AbortError'))
  }
}

/**
 * Wraps a function so that callers who ask for the same thing at the same time share one call.
 *
 * Does not block the thread. A caller that gives up takes only itself away; the function is told by its signal when the last
 * one has left, and who asks after that waits until it has ended, and then begins a new call. A pending call keeps the
 * process alive. Keys are compared as those of a Map.
 * Source: Go, golang.org/x/sync/singleflight, https://pkg.go.dev/golang.org/x/sync/singleflight
 * Differs: callers can leave, and the call ends with the last.
 *
 * @throws TypeError `ERR_INVALID_ARG`: not a function
 */
export function singleFlight<Key, Result>(
  fn: (key: Key, context: TaskContext) => Result | PromiseLike<Result>,
): SingleFlight<Key, Result> {
  checkIsFunction('fn', fn)
  const flights = new Map<Key, Flight<Result>>()

  const begin = (key: Key): Flight<Result> => {
    const flight = new Flight<Result>()
    flights.set(key, flight)
    const land = (tell: () => void) => {
      flights.delete(key)
      tell()
      grantAll(flight.successors, undefined)
    }
    // An async function: what fn throws at once is its result as well.
    ;(async () => fn(key, new ShownSignal(flight.signal)))().then(
      (result) => land(() => grantAll(flight.waiters, result)),
      (error: unknown) => land(() => flight.waiters.refuseAll(error)),
    )
    return flight
  }

  const call = async (key: Key, options: WaitOptions = {}): Promise<Result> => {
    checkIsObject(options)
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    const due = performance.now() + timeout
    for (;;) {
      if (signal?.aborted) throw signal.reason
      const left = due - performance.now()
      if (!(left > 0)) throw timedOut()
      const flight = flights.get(key) ?? begin(key)
      if (signal?.aborted) {
        // The function itself did that, before its first caller had joined.
        flight.endIfDeserted()
        throw signal.reason
      }
      if (!flight.signal.aborted) return flight.waiters.wait(undefined, left, signal)
      await flight.successors.wait(undefined, left, signal)
    }
  }
  return Object.defineProperty(call, 'size', { get: () => flights.size }) as SingleFlight<Key, Result>
}

function grantAll<Result>(waiters: WaiterQueue<Result>, result: Result): void {
  for (let waiter = waiters.takeLiveHead(); waiter !== undefined; waiter = waiters.takeLiveHead())
    waiter.resolve(result)
}

function timedOut(): TimeoutError {
  return new TimeoutError('the call was not done in time')
}

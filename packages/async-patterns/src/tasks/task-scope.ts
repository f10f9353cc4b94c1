import { type Abortable, type AbortWatch, watchAbort } from '../waiting/abort-registry.js'
import { Deadline, type Timed } from '../waiting/deadline.js'
import { TaskSignal } from './task-signal.js'

/**
 * What bounds a piece of work from outside: a signal of its caller, a deadline, and whoever calls `abort`. The first of them
 * is told to `onAborted`, and then aborts the signal that the work itself is given.
 *
 * Invariant: it has a timer and hangs on the caller's signal at most until it is aborted or lifted.
 */
export class TaskScope extends TaskSignal implements Abortable, Timed {
  readonly #onAborted: (reason: unknown, isTimeout: boolean) => void
  #outer: AbortSignal | undefined
  #watch: AbortWatch | undefined
  #deadline: Deadline | undefined
  #timedOut: (() => Error) | undefined

  /**
   * @param outer - the caller's signal; it must not be aborted yet
   * @param onAborted - is told the reason, and whether it was the deadline
   */
  constructor(outer: AbortSignal | undefined, onAborted: (reason: unknown, isTimeout: boolean) => void) {
    super()
    this.#onAborted = onAborted
    if (outer !== undefined) this.watch(outer)
  }

  /** Hangs on the caller's signal from now on; for one that was made without. It must not be aborted yet. */
  watch(outer: AbortSignal): void {
    this.#outer = outer
    this.#watch = watchAbort(outer, this)
  }

  /** Whether the caller's signal has aborted, though our turn to be told may not have come. */
  get isAborting(): boolean {
    return this.#outer?.aborted === true
  }

  get outerReason(): unknown {
    return this.#outer?.reason
  }

  /** Sets the deadline, in place of an earlier one; Infinity: none. */
  limit(ms: number, timedOut: () => Error): void {
    this.#deadline?.cancel()
    this.#deadline = ms === Number.POSITIVE_INFINITY ? undefined : new Deadline(ms, this)
    this.#timedOut = timedOut
  }

  override abort(reason: unknown, isTimeout = false): void {
    if (this.aborted) return
    this.lift()
    this.markAborted(reason)
    // Before the listeners of the work: they must find everything as it is to stay.
    this.#onAborted(reason, isTimeout)
    this.tellListeners(reason)
  }

  /** Leaves neither a timer nor a listener. */
  lift(): void {
    this.#watch?.remove(this)
    this.#watch = undefined
    this.#deadline?.cancel()
    this.#deadline = undefined
  }

  onAbort(): void {
    this.abort(this.#outer?.reason)
  }

  onDeadline(): void {
    this.abort(this.#timedOut?.(), true)
  }
}

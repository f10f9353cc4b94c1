import { TimeoutError } from '../errors.js'
import { type Clock, monotonicClock } from '../platform/clock.js'
import { type Abortable, type AbortWatch, watchAbort } from '../waiting/abort-registry.js'
import { Deadline, type Timed } from '../waiting/deadline.js'

/** Keeps no process alive by its timers: tasks do that. A page and others who know no `unref` have nothing to keep. */
const quietClock: Clock = {
  ...monotonicClock,
  setTimeout(callback, ms) {
    const timer = monotonicClock.setTimeout(callback, ms)
    ;(timer as { unref?: () => void }).unref?.()
    return timer
  },
}

/**
 * What cancels a group from outside: its time, and the signal of its owner.
 *
 * Invariant: there is a timer, and something hangs on the signal, from `begin` until one of them has cancelled or `lift`.
 */
export class GroupLimits implements Abortable, Timed {
  readonly #timeout: number
  readonly #signal: AbortSignal | undefined
  readonly #onOver: (reason: unknown) => void
  #watch: AbortWatch | undefined
  #deadline: Deadline | undefined

  constructor(timeout: number, signal: AbortSignal | undefined, onOver: (reason: unknown) => void) {
    this.#timeout = timeout
    this.#signal = signal
    this.#onOver = onOver
  }

  begin(): void {
    this.look()
    if (this.#signal?.aborted) return
    if (this.#signal !== undefined) this.#watch = watchAbort(this.#signal, this)
    if (this.#timeout !== Number.POSITIVE_INFINITY) this.#deadline = new Deadline(this.#timeout, this, quietClock)
  }

  /** The signal may have aborted, and our turn to be told not have come. */
  look(): void {
    if (this.#signal?.aborted) this.onAbort()
  }

  lift(): void {
    this.#watch?.remove(this)
    this.#deadline?.cancel()
  }

  onAbort(): void {
    this.#onOver(this.#signal?.reason)
  }

  onDeadline(): void {
    this.#onOver(new TimeoutError(`the group of tasks was not done within ${this.#timeout} ms`))
  }
}

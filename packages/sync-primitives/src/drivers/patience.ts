import { addAbortCallback, removeAbortCallback } from './abort-registry.js'
import { holdProcess, letProcessGo } from './ticker.js'

/** The longest delay that timers take without wrapping around, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * How long one task waits: until a deadline, or until its signal aborts. It keeps the process alive, and leaves neither timer
 * nor listener behind.
 */
export class Patience {
  readonly #deadline: number
  readonly #signal: AbortSignal | undefined
  readonly #onEnd: (ending: Ending) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false

  /** @param onEnd - called once, never during the constructor, and not after `end` */
  constructor(deadline: number, signal: AbortSignal | undefined, onEnd: (ending: Ending) => void) {
    this.#deadline = deadline
    this.#signal = signal
    this.#onEnd = onEnd
    // First, since it may throw: nothing is left behind then.
    if (signal) addAbortCallback(signal, this.#onAbort)
    holdProcess()
  }

  /** Begins to look at the clock; may call `onEnd` at once. */
  watchClock(): void {
    if (this.#ended || this.#deadline === Number.POSITIVE_INFINITY) return
    const left = this.#deadline - performance.now()
    if (left <= 0) this.#finish(timedOut)
    // Timers may fire a little early: look at the clock again.
    else this.#timer = setTimeout(() => this.watchClock(), Math.min(Math.ceil(left), longestTimerMs))
  }

  /** It is no longer needed. A second call does nothing. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    if (this.#signal) removeAbortCallback(this.#signal, this.#onAbort)
    letProcessGo()
  }

  readonly #onAbort = (): void => this.#finish({ reason: this.#signal?.reason })

  #finish(ending: Ending): void {
    if (this.#ended) return
    this.end()
    this.#onEnd(ending)
  }
}

/** Why somebody waits no longer: the time is up, or the reason that a signal gave. */
export type Ending = typeof timedOut | { readonly reason: unknown }

const timedOut = Symbol('timed out')

/** Whether somebody gave up for a reason that its caller has to be given, and not because the time was up. */
export function isAbort(ending: Ending | undefined): ending is { readonly reason: unknown } {
  return ending !== undefined && ending !== timedOut
}

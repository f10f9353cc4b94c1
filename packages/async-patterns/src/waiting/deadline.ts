import { type Clock, longestTimerMs, monotonicClock } from '../platform/clock.js'

/** What is told when its time is over. */
export interface Timed {
  onDeadline(): void
}

/**
 * Calls `timed.onDeadline()` once, `ms` milliseconds from now and never earlier: timers may fire a little early, and there are
 * deadlines beyond the longest timer. Keeps the process alive until then, or until it is cancelled.
 */
export class Deadline {
  readonly #timed: Timed
  readonly #clock: Clock
  readonly #due: number
  #timer: unknown

  constructor(ms: number, timed: Timed, clock: Clock = monotonicClock) {
    this.#timed = timed
    this.#clock = clock
    this.#due = clock.now() + ms
    this.#arm(ms)
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  #arm(left: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), Math.min(Math.ceil(left), longestTimerMs))
  }

  #onTimer(): void {
    const left = this.#due - this.#clock.now()
    if (left > 0) this.#arm(left)
    else this.#timed.onDeadline()
  }
}

import { checkIsFunction, checkIsObject } from '../options.js'
import { type Clock, monotonicClock } from '../platform/clock.js'

/**
 * A clock that stands still where the one below it jumps back, and goes on from there: what was spent is not given back, and
 * nobody waits for the lost time to come round again.
 *
 * Invariant: `now()` never returns less than it did before.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock
  #ahead = 0
  #last = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    const now = this.#clock.now() + this.#ahead
    if (now < this.#last) {
      this.#ahead += this.#last - now
      return this.#last
    }
    this.#last = now
    return now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    return this.#clock.setTimeout(callback, ms)
  }

  clearTimeout(timer: unknown): void {
    this.#clock.clearTimeout(timer)
  }
}

/**
 * The platform's clock if there is none given; one that is steady already is shared.
 *
 * @throws TypeError `ERR_INVALID_ARG`: no clock
 */
export function steadyClock(clock: unknown): SteadyClock {
  if (clock === undefined) return new SteadyClock(monotonicClock)
  if (clock instanceof SteadyClock) return clock
  checkIsObject(clock)
  const { now, setTimeout, clearTimeout } = clock as Record<string, unknown>
  checkIsFunction('clock.now', now)
  checkIsFunction('clock.setTimeout', setTimeout)
  checkIsFunction('clock.clearTimeout', clearTimeout)
  return new SteadyClock(clock as Clock)
}

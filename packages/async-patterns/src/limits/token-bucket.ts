import { defaultBurst, mostPermits, type Quota } from './quota.js'

/**
 * A bucket of `burst` permits that is refilled at an even rate.
 *
 * Invariant: at the time `#base` the bucket was full, and it was not since; `#used` permits were taken since then. So the
 * refill is one product and not a sum of many: no rounding error grows with the number of calls, and with whole numbers there
 * is none.
 * Source: generic cell rate algorithm (virtual scheduling), ITU-T I.371; its "theoretical arrival time" is the moment
 * `#base + #used * per / rate` at which the bucket is full again.
 * Differs: the two terms are kept apart, since their sum would lose cheap permits when the clock's number is large.
 */
export class TokenBucket implements Quota {
  #rate: number
  #per: number
  #burst: number
  readonly #isBurstGiven: boolean
  #base: number
  #used = 0

  constructor(rate: number, per: number, burst: number | undefined, now: number) {
    this.#rate = rate
    this.#per = per
    this.#burst = burst ?? defaultBurst(rate)
    this.#isBurstGiven = burst !== undefined
    this.#base = now
  }

  get rate(): number {
    return this.#rate
  }

  get per(): number {
    return this.#per
  }

  get burst(): number {
    return this.#burst
  }

  take(permits: number, now: number): boolean {
    // Refill and use are both multiplied by `per`: no division, so whole numbers stay exact.
    const refill = (now - this.#base) * this.#rate
    if (refill >= this.#used * this.#per) {
      this.#base = now
      this.#used = permits
      return true
    }
    const used = this.#used + permits
    if ((used - this.#burst) * this.#per > refill) return false
    this.#used = used
    if (used > 2 * mostPermits) this.#rebase(now)
    return true
  }

  takeForPromise(permits: number, now: number): boolean {
    return this.take(permits, now)
  }

  dueIn(permits: number, now: number): number {
    return this.#timeFor((this.#used + permits - this.#burst) * this.#per - (now - this.#base) * this.#rate)
  }

  fullIn(now: number): number {
    return this.#timeFor(this.#used * this.#per - (now - this.#base) * this.#rate)
  }

  available(now: number): number {
    return Math.floor(this.#content(now))
  }

  /** What is in the bucket stays in it, as far as it has room. */
  setRate(rate: number, per: number, now: number): void {
    const content = this.#content(now)
    this.#rate = rate
    this.#per = per
    if (!this.#isBurstGiven) this.#burst = defaultBurst(rate)
    this.#used = this.#burst - Math.min(content, this.#burst)
    this.#base = now
  }

  bound(windowMs: number): number {
    // Asked for first: no rate for an endless time would be no number.
    if (this.#rate === 0) return this.#burst
    return this.#burst + Math.floor((windowMs * this.#rate) / this.#per)
  }

  /** Not rounded: a fraction of a permit is on its way. */
  #content(now: number): number {
    const refill = ((now - this.#base) * this.#rate) / this.#per
    return this.#burst - Math.max(0, this.#used - refill)
  }

  #timeFor(missing: number): number {
    if (this.#rate > 0) return missing / this.#rate
    return missing > 0 ? Number.POSITIVE_INFINITY : 0
  }

  /** Beyond 2 ** 53 one more would not count. */
  #rebase(now: number): void {
    this.#used = this.#burst - this.#content(now)
    this.#base = now
  }
}

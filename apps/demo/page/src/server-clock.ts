/** So far behind the newest snapshot the timeline runs: what it shows is then always known, and it need not stumble. */
const behindMs = 150

/**
 * What time it is at the server, guessed from when its snapshots arrive: it glides from one to the next, and never passes
 * the newest.
 */
export class ServerClock {
  #newest = 0
  #ahead = -Infinity

  /** A snapshot of `time` arrived at `now` of this page. */
  arrived(time: number, now: number): void {
    const ahead = time - now
    // The one that was on its way for the shortest time tells best; slowly forgotten, for clocks drift.
    this.#ahead = ahead > this.#ahead ? ahead : this.#ahead + (ahead - this.#ahead) * 0.02
    this.#newest = time
  }

  /** The connection is new: what was learnt of the one before does not count. */
  reset(): void {
    this.#ahead = -Infinity
  }

  get newest(): number {
    return this.#newest
  }

  /** Until when the timeline may show what was, at `now` of this page. */
  shownUntil(now: number): number {
    return Math.min(this.#newest, now + this.#ahead - behindMs)
  }
}

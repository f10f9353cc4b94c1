import { defaultBurst, type Quota } from './quota.js'

const smallest = 8

/**
 * The times of all permits of the last window: at most `#allowance` of them, whichever window of that length one looks at.
 *
 * A permit must not leave the window before its owner's own clock says so. The owner goes on after we read ours, so a permit
 * is stamped a second time around: it counts as inside, whatever the time, until we read the clock after its owner went on.
 * - `#tried` are those whose callers went on in the same turn of the microtasks: any later reading will do.
 * - `#promised` and `#met` are those whose owners are reactions of a promise. An owner that gets a promise already settled
 *   subscribes to it after we ordered our microtask, so the first one finds it waiting and the second one finds it done.
 *
 * Invariant: the `#size` stamps from `#head` on, modulo the ring's length (a power of two), do not fall; all of them, with
 * the ones not stamped yet, are at most `#allowance`, or were when the allowance was last made smaller.
 * Invariant: `#isSealing` while anything is not stamped yet.
 */
export class SlidingLog implements Quota {
  readonly #now: () => number
  #rate = 0
  #per = 0
  #allowance = 1
  #window = 0
  #stamps = new Float64Array(smallest)
  #head = 0
  #size = 0
  #tried = 0
  #promised = 0
  #met = 0
  #isSealing = false

  constructor(rate: number, per: number, now: () => number) {
    this.#now = now
    this.setRate(rate, per)
  }

  get rate(): number {
    return this.#rate
  }

  get per(): number {
    return this.#per
  }

  get burst(): number {
    return this.#allowance
  }

  take(permits: number, now: number): boolean {
    if (!this.#hasRoom(permits, now)) return false
    this.#tried += permits
    if (!this.#isSealing) this.#orderSeal()
    return true
  }

  takeForPromise(permits: number, now: number): boolean {
    if (!this.#hasRoom(permits, now)) return false
    this.#promised += permits
    if (!this.#isSealing) this.#orderSeal()
    return true
  }

  dueIn(permits: number, now: number): number {
    this.#advance(now)
    const counted = this.#counted
    // The place, from the oldest on, of the one that has to leave before the last of these permits.
    let place = counted + permits - this.#allowance - 1
    if (place < 0) return 0
    let windows = 1
    if (place >= counted) {
      // It is itself one that is still to come, and comes a window after the one that is an allowance before it.
      const rounds = Math.ceil((place - counted + 1) / this.#allowance)
      place -= rounds * this.#allowance
      windows += rounds
    }
    // Before the oldest there is room: as if one had just left.
    if (place < 0) return (windows - 1) * this.#window
    // Not stamped yet: now, at the earliest.
    if (place >= this.#size) return windows * this.#window
    return windows * this.#window - (now - this.#stampAt(place))
  }

  fullIn(now: number): number {
    this.#advance(now)
    return this.#counted === 0 ? 0 : this.dueIn(this.#allowance, now)
  }

  available(now: number): number {
    this.#advance(now)
    return Math.max(0, this.#allowance - this.#counted)
  }

  /** What has left the window before stays forgotten, also if the window becomes longer. */
  setRate(rate: number, per: number): void {
    this.#rate = rate
    this.#per = per
    this.#allowance = defaultBurst(rate)
    // Less than one in a period is one in a longer one.
    this.#window = rate < 1 ? per / rate : per
  }

  bound(windowMs: number): number {
    if (this.#window === Number.POSITIVE_INFINITY) return this.#allowance
    return this.#allowance * Math.max(1, Math.ceil(windowMs / this.#window))
  }

  get #counted(): number {
    return this.#size + this.#tried + this.#promised + this.#met
  }

  #hasRoom(permits: number, now: number): boolean {
    this.#advance(now)
    return this.#counted + permits <= this.#allowance
  }

  /** Stamps what can be stamped at this reading of the clock, and drops what it sees out of the window. */
  #advance(now: number): void {
    if (this.#tried > 0) {
      this.#stamp(this.#tried, now)
      this.#tried = 0
    }
    // A difference, as whoever checks us takes it: a sum may be rounded the other way.
    while (this.#size > 0 && now - this.#stampAt(0) >= this.#window) {
      this.#head = (this.#head + 1) & (this.#stamps.length - 1)
      this.#size -= 1
    }
  }

  readonly #seal = (): void => {
    const now = this.#now()
    this.#advance(now)
    if (this.#met > 0) this.#stamp(this.#met, now)
    this.#met = this.#promised
    this.#promised = 0
    if (this.#met > 0) this.#orderSeal()
    else this.#isSealing = false
  }

  #orderSeal(): void {
    this.#isSealing = true
    void settled.then(this.#seal)
  }

  #stampAt(place: number): number {
    return this.#stamps[(this.#head + place) & (this.#stamps.length - 1)] as number
  }

  #stamp(permits: number, now: number): void {
    while (this.#size + permits > this.#stamps.length) this.#grow()
    const mask = this.#stamps.length - 1
    for (let i = 0; i < permits; i++) this.#stamps[(this.#head + this.#size + i) & mask] = now
    this.#size += permits
  }

  #grow(): void {
    const stamps = new Float64Array(2 * this.#stamps.length)
    for (let i = 0; i < this.#size; i++) stamps[i] = this.#stampAt(i)
    this.#stamps = stamps
    this.#head = 0
  }
}

const settled = Promise.resolve()

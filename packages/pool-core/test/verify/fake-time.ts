interface Timer {
  readonly due: number
  readonly callback: () => void
  ref(): Timer
  unref(): Timer
}

/** A clock that is moved by hand, and its timers. */
export class FakeTime {
  now = 0
  readonly #timers = new Set<Timer>()

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size
  }

  set(callback: () => void, ms: number): Timer {
    const timer: Timer = { due: this.now + ms, callback, ref: () => timer, unref: () => timer }
    this.#timers.add(timer)
    return timer
  }

  clear(timer: unknown): boolean {
    return this.#timers.delete(timer as Timer)
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const until = this.now + ms
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.now = Math.max(this.now, next.due)
      this.#timers.delete(next)
      next.callback()
    }
    this.now = until
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (timer.due <= until && !(first && first.due <= timer.due)) first = timer
    return first
  }
}

/** Runs `work` while the clock and the timers of the platform stand still, except when it moves them. */
export async function withFakeTime(work: (time: FakeTime) => Promise<void>): Promise<void> {
  const time = new FakeTime()
  const { setTimeout, clearTimeout } = globalThis
  const ownNow = Object.getOwnPropertyDescriptor(performance, 'now')
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, ms: number) => time.set(callback, ms),
    clearTimeout: (timer: ReturnType<typeof setTimeout>) => {
      if (!time.clear(timer)) clearTimeout(timer)
    },
  })
  performance.now = () => time.now
  try {
    await work(time)
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout })
    if (ownNow === undefined) Reflect.deleteProperty(performance, 'now')
    else Object.defineProperty(performance, 'now', ownNow)
  }
}

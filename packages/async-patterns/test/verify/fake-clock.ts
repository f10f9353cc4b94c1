import type { Clock } from '@heddle/async-patterns'

// Taken before any test installs fake timers.
const realSetImmediate = setImmediate

/** Lets everything run that is due already; waits for no timer. */
export function drain(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve)
  })
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/** A clock that is moved by hand. Its timers go by the time that has really passed, whatever it says itself. */
export class FakeClock implements Clock {
  /** The milliseconds that have really passed. */
  elapsed = 0
  /** How many readings there were. */
  readings = 0
  /** How much too early timers fire. */
  early = 0
  /** The delays of all timers that were ever set. */
  readonly delays: number[] = []
  readonly #timers = new Set<Timer>()
  #offset: number

  constructor(start = 0) {
    this.#offset = start
  }

  now(): number {
    this.readings += 1
    return this.elapsed + this.#offset
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.delays.push(ms)
    const timer = { due: this.elapsed + Math.max(0, ms - this.early), callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size
  }

  /** Says another time from now on; no time passes. */
  jump(ms: number): void {
    this.#offset += ms
  }

  /** Lets time pass, timer by timer, and what each of them sets off. */
  async pass(ms: number): Promise<void> {
    await drain()
    const until = this.elapsed + ms
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.elapsed = Math.max(this.elapsed, next.due)
      await this.#fire(next)
    }
    this.elapsed = Math.max(this.elapsed, until)
  }

  /** Lets time pass while the thread is busy: all timers that became due fire late, one after another. */
  async block(ms: number): Promise<void> {
    await drain()
    this.elapsed += ms
    for (let next = this.#next(this.elapsed); next !== undefined; next = this.#next(this.elapsed))
      await this.#fire(next)
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (timer.due <= until && !(first && first.due <= timer.due)) first = timer
    return first
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer)
    timer.callback()
    await drain()
  }
}

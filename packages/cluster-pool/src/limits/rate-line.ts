import { TimeoutError } from '@heddle/pool-core'
import type { WaitLimits } from '@heddle/pool-core/building-blocks'
import { AskLoop } from '../queue/ask-loop.js'
import { Waiter } from '../queue/waiter.js'
import type { RateStore } from './rate-store.js'

/** Of several programs that wait for the same permit one gets it: the others should not all ask at the same moment. */
const jitter = 0.1
const mostJitterMs = 50

interface Wanted {
  readonly permits: number
  /** On `performance.now()`'s clock. */
  readonly due: number
  readonly waiter: Waiter<void>
}

/**
 * The acquisitions of one object and one key, in the order they came: only the first asks the server.
 *
 * Invariant: while somebody waits, the server is being asked for the first one, or is asked again when the permits may be there.
 * Invariant: a request that is on its way has taken the permits, or not, before its call ends.
 */
export class RateLine {
  readonly #store: RateStore
  readonly #key: string
  readonly #line = new Set<Wanted>()
  readonly #onEmpty: () => void
  readonly #loop: AskLoop
  #pauseMs = 0
  /** The first one was refused, and is not being asked for again yet. */
  #isPaused = false

  constructor(store: RateStore, key: string, onEmpty: () => void) {
    this.#store = store
    this.#key = key
    this.#onEmpty = onEmpty
    this.#loop = new AskLoop(
      () => this.#step(),
      () => (this.#line.size > 0 ? this.#pauseMs : undefined),
    )
  }

  acquire(permits: number, limits: WaitLimits): Promise<void> {
    if (this.#isPaused && limits.timeout === 0) return Promise.reject(timedOut())
    const wanted: Wanted = {
      permits,
      due: performance.now() + (limits.timeout ?? Number.POSITIVE_INFINITY),
      waiter: new Waiter<void>(limits, () => this.#delete(wanted), timedOut),
    }
    this.#line.add(wanted)
    if (this.#line.size === 1) this.#loop.ask()
    return wanted.waiter.promise
  }

  #delete(wanted: Wanted): void {
    const [first] = this.#line
    this.#line.delete(wanted)
    if (this.#line.size === 0) {
      this.#isPaused = false
      this.#loop.endPause()
      this.#onEmpty()
    } else if (first === wanted) this.#loop.ask()
  }

  async #step(): Promise<void> {
    const [first] = this.#line
    if (!first) return
    const { permits, waiter } = first
    waiter.hold()
    this.#isPaused = false
    try {
      const { isTaken, waitMs } = await this.#store.take(this.#key, permits)
      if (isTaken) waiter.resolve()
      waiter.letGo()
      if (isTaken) this.#delete(first)
      // Nobody gives anything back: before that it cannot be there.
      else if (waiter.isOnce || performance.now() + waitMs > first.due) waiter.timeOut()
      else if (!waiter.isOver) this.#pause()
      this.#pauseMs = waitMs + Math.random() * Math.min(waitMs * jitter, mostJitterMs)
    } catch (error) {
      for (const each of Array.from(this.#line)) each.waiter.reject(error)
      this.#line.clear()
      this.#onEmpty()
    }
  }

  /** Those behind the first cannot be served before it. */
  #pause(): void {
    this.#isPaused = true
    for (const { waiter } of Array.from(this.#line)) if (waiter.isOnce) waiter.timeOut()
  }
}

function timedOut(): TimeoutError {
  return new TimeoutError('what was asked of the rate limiter cannot be had in time')
}

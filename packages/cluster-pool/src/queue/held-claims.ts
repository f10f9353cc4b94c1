import { startTimer } from '@heddle/pool-core/building-blocks'
import type { Claim, QueueStore } from './queue-store.js'

/** A claim that is to be renewed. */
export interface Renewable {
  readonly claim: Claim
  /** It is held until then, on `performance.now()`'s clock. */
  extend(ends: number): void
  /** The server does not know it any more. */
  lose(): void
}

/**
 * Renews the claims of one object, all in one request, after each third of the lease.
 *
 * Invariant: while it has a claim, a request is on its way or a timer runs, which does not keep the process alive.
 */
export class HeldClaims {
  readonly #store: QueueStore
  readonly #lease: number
  readonly #held = new Set<Renewable>()
  #isAsking = false
  #stopTimer: (() => void) | undefined

  constructor(store: QueueStore, lease: number) {
    this.#store = store
    this.#lease = lease
  }

  add(held: Renewable): void {
    this.#held.add(held)
    if (this.#held.size === 1 && !this.#isAsking) this.#renewIn(this.#lease / 3)
  }

  delete(held: Renewable): void {
    this.#held.delete(held)
    if (this.#held.size === 0) this.#stopTimer?.()
  }

  #renewIn(ms: number): void {
    this.#stopTimer?.()
    this.#stopTimer = startTimer(ms, () => void this.#renew(), { unref: true })
  }

  async #renew(): Promise<void> {
    this.#isAsking = true
    const held = Array.from(this.#held)
    const since = performance.now()
    let pause = this.#lease / 3
    try {
      const claims = held.map(({ claim }) => claim)
      const refused = new Set(await this.#store.renew(claims, this.#lease))
      for (const [place, each] of held.entries()) {
        if (!this.#held.has(each)) continue
        if (refused.has(place)) each.lose()
        else each.extend(since + this.#lease)
      }
    } catch {
      // Nothing is known: each of them is lost when its own time is over.
      pause = this.#lease / 10
    }
    this.#isAsking = false
    if (this.#held.size > 0) this.#renewIn(pause)
  }
}

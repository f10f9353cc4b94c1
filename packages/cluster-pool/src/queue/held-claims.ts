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

/** So that one answer that does not come, over a connection that hangs, does not cost all others. */
const mostRequests = 3

/**
 * Renews the claims of one object, all in one request, after each third of the lease.
 *
 * Invariant: while it has a claim, a timer runs, which does not keep the process alive. An answer is not waited for with the
 * next request, but only so many are on their way.
 */
export class HeldClaims {
  readonly #store: QueueStore
  readonly #lease: number
  readonly #held = new Set<Renewable>()
  #requests = 0
  #stopTimer: (() => void) | undefined

  constructor(store: QueueStore, lease: number) {
    this.#store = store
    this.#lease = lease
  }

  add(held: Renewable): void {
    this.#held.add(held)
    if (this.#held.size === 1) this.#renewLater()
  }

  delete(held: Renewable): void {
    this.#held.delete(held)
    if (this.#held.size === 0) this.#stopTimer?.()
  }

  #renewLater(): void {
    const renew = () => {
      this.#renewLater()
      if (this.#requests < mostRequests) void this.#renew()
    }
    this.#stopTimer = startTimer(this.#lease / 3, renew, { unref: true })
  }

  async #renew(): Promise<void> {
    this.#requests += 1
    const held = Array.from(this.#held)
    const since = performance.now()
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
    }
    this.#requests -= 1
  }
}

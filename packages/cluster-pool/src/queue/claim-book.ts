import { LockStateError } from '../errors.js'
import type { Claim, QueueStore } from './queue-store.js'

interface Acknowledgement extends Claim {
  readonly settle: (error?: unknown) => void
}

/**
 * The acknowledgements of one object, as many as there are in one request.
 *
 * Invariant: one request is on its way at a time, and the numbers of requests grow: one that is sent again, since its answer was
 * lost, is answered as it was the first time.
 */
export class ClaimBook {
  readonly #store: QueueStore
  #waiting: Acknowledgement[] = []
  #number = 0
  #isAsking = false

  constructor(store: QueueStore) {
    this.#store = store
  }

  /**
   * Takes the item off for good.
   *
   * @throws (rejects) LockStateError `ERR_LEASE_LOST`: it is held no more; ClusterError `ERR_SERVER_UNAVAILABLE`: not known
   */
  acknowledge({ id, token }: Claim): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      this.#waiting.push({ id, token, settle })
      if (!this.#isAsking) void this.#askOn()
    })
  }

  async #askOn(): Promise<void> {
    this.#isAsking = true
    // What comes in the same turn goes along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const claims = this.#waiting
      this.#waiting = []
      this.#number += 1
      try {
        const refused = new Set(await this.#store.acknowledge({ number: this.#number, claims }))
        for (const [place, { settle }] of claims.entries()) settle(refused.has(place) ? leaseLost() : undefined)
      } catch (error) {
        for (const { settle } of claims) settle(error)
      }
    }
    this.#isAsking = false
  }
}

export function leaseLost(): LockStateError {
  return new LockStateError(
    'ERR_LEASE_LOST',
    'the item is not held any more: its lease ran out, or the queue was destroyed; it may be delivered to another one',
  )
}

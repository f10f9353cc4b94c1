import { startTimer } from '@heddle/pool-core/building-blocks'
import { LockStateError } from '../errors.js'
import { type ClaimBook, leaseLost } from './claim-book.js'
import type { HeldClaims, Renewable } from './held-claims.js'
import type { ClaimedItem, QueueStore } from './queue-store.js'

/** What a delivery is made of. */
export interface DeliveryParts {
  readonly store: QueueStore
  readonly book: ClaimBook
  readonly claims: HeldClaims
  /** When the lease ends, on `performance.now()`'s clock. */
  readonly ends: number
}

type State = 'held' | 'acknowledging' | 'acknowledged' | 'put back' | 'lost'

/**
 * An item that was received and is still in the queue, where nobody else sees it: it comes back to its old place, before all
 * later ones, unless it is acknowledged.
 *
 * While this program lives and reaches the server, the lease is renewed, for as long as it takes: a delivery that is neither
 * acknowledged nor put back is held for ever. Declare it with `await using`, and it is put back however its block ends.
 *
 * Invariant: `held` is true only while the server's lease cannot have run out: it is counted from before the last request that
 * was answered with yes.
 */
export class ClusterDelivery<T> implements AsyncDisposable {
  /** What was put. */
  readonly item: T
  /** The how manieth delivery of this item this is; above 1, an earlier one may have done something already. */
  readonly attempt: number
  readonly #parts: DeliveryParts
  readonly #claim: ClaimedItem
  readonly #lost = new AbortController()
  readonly #renewable: Renewable
  #state: State = 'held'
  #ends: number
  #stopEnd: (() => void) | undefined
  #ack: Promise<void> | undefined
  #putBack: Promise<void> | undefined

  /** @internal */
  constructor(item: T, claim: ClaimedItem, parts: DeliveryParts) {
    this.item = item
    this.attempt = claim.attempt
    this.#parts = parts
    this.#claim = claim
    this.#ends = parts.ends
    this.#renewable = { claim, extend: (ends) => this.#extend(ends), lose: () => this.#lose() }
    parts.claims.add(this.#renewable)
    this.#extend(parts.ends)
  }

  /** Whether nobody else can have the item: it is neither lost, nor acknowledged, nor put back. Does not ask the server. */
  get held(): boolean {
    return (this.#state === 'held' || this.#state === 'acknowledging') && performance.now() < this.#ends
  }

  /** Aborts when the lease was lost; its reason is the LockStateError `ERR_LEASE_LOST`. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Takes the item off the queue for good. Waits for the server's answer. Called again, it gives the same.
   *
   * @throws (rejects) LockStateError `ERR_LEASE_LOST`: it is not held any more, another one may have it; nothing was changed.
   * `ERR_NOT_OWNER`: it was put back
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it may be done, or not, and may be tried again while it
   * is held
   */
  ack(): Promise<void> {
    this.#ack ??= this.#acknowledge()
    return this.#ack
  }

  /**
   * Gives the item back: it is delivered again, to anybody, before all later ones. Waits for the server's answer. Does nothing
   * when it was acknowledged, put back or lost.
   *
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it comes back when the lease ends
   */
  putBack(): Promise<void> {
    this.#putBack ??= this.#giveBack()
    return this.#putBack
  }

  /** As {@link ClusterDelivery.putBack}: what was not acknowledged is put back. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.putBack()
  }

  async #acknowledge(): Promise<void> {
    if (this.#state === 'put back') throw new LockStateError('ERR_NOT_OWNER', 'this delivery was put back')
    if (!this.held) this.#lose()
    if (this.#state === 'lost') throw this.#lost.signal.reason
    this.#state = 'acknowledging'
    try {
      await this.#parts.book.acknowledge(this.#claim)
      this.#state = 'acknowledged'
      this.#stop()
    } catch (error) {
      this.#state = 'held'
      if (error instanceof LockStateError || !this.held) this.#lose()
      else this.#ack = undefined
      throw error instanceof LockStateError ? this.#lost.signal.reason : error
    }
  }

  async #giveBack(): Promise<void> {
    await this.#ack?.catch(() => undefined)
    if (this.#state !== 'held') return
    this.#state = 'put back'
    this.#stop()
    await this.#parts.store.giveBack([this.#claim], { isDelivered: true })
  }

  #extend(ends: number): void {
    this.#ends = Math.max(ends, this.#ends)
    this.#stopEnd?.()
    this.#stopEnd = startTimer(this.#ends - performance.now(), () => this.#lose(), { unref: true })
  }

  /** While it is being acknowledged, the answer says what it is. */
  #lose(): void {
    if (this.#state !== 'held') return
    this.#state = 'lost'
    this.#stop()
    this.#lost.abort(leaseLost())
  }

  #stop(): void {
    this.#stopEnd?.()
    this.#parts.claims.delete(this.#renewable)
  }
}

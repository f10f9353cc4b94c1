import { reportError, startTimer } from '@heddle/pool-core/building-blocks'
import { LockStateError } from '../errors.js'
import type { Lease } from './lease-options.js'
import type { Grant } from './lease-request.js'
import type { LeaseStore } from './lease-store.js'

/**
 * What one guard stands for.
 *
 * Invariant: `held` is true only while the server's lease cannot have run out: this machine counts it from before the last
 * question that was answered with yes, and the server from when it got that.
 * Invariant: nothing is renewed after a release or a loss, and a loss is told once.
 * Invariant: its timers do not keep the process alive.
 */
export class HeldLease {
  readonly #store: LeaseStore
  readonly #grant: Grant
  readonly #lease: Lease
  readonly #lost = new AbortController()
  #state: 'held' | 'lost' | 'released' = 'held'
  /** On `performance.now()`'s clock. */
  #ends = Number.NEGATIVE_INFINITY
  #stopRenewal: (() => void) | undefined
  #stopEnd: (() => void) | undefined
  #release: Promise<void> | undefined

  constructor(store: LeaseStore, grant: Grant, lease: Lease) {
    this.#store = store
    this.#grant = grant
    this.#lease = lease
    this.#count(grant.since)
  }

  get token(): bigint {
    return this.#grant.token
  }

  get permits(): number {
    return this.#grant.permits
  }

  get held(): boolean {
    return this.#state === 'held' && performance.now() < this.#ends
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async renew(): Promise<void> {
    if (this.#state === 'released') throw new LockStateError('ERR_NOT_OWNER', 'this guard was released')
    if (this.#state === 'held') await this.#renew()
    if (this.#state === 'lost') throw this.#lost.signal.reason
  }

  release(): Promise<void> {
    this.#release ??= this.#end()
    return this.#release
  }

  async #end(): Promise<void> {
    if (this.#state === 'lost') return
    this.#state = 'released'
    this.#stopTimers()
    await this.#store.release(this.#grant.id)
  }

  /** From `since` on, a lease is counted: after a third of it, it is renewed; at its end it is lost. */
  #count(since: number): void {
    const { lease } = this.#lease
    // Of two renewals at a time, the later one holds, in whatever order the answers come.
    if (since + lease <= this.#ends) return
    this.#stopTimers()
    this.#ends = since + lease
    const left = this.#ends - performance.now()
    this.#stopEnd = startTimer(left, () => this.#lose('it could not be renewed in time'), { unref: true })
    this.#renewIn(left - (2 * lease) / 3)
  }

  #renewIn(ms: number): void {
    this.#stopRenewal?.()
    this.#stopRenewal = startTimer(ms, () => this.#renewByTime(), { unref: true })
  }

  #renewByTime(): void {
    // Too late, as after a stop of the process: the other timer tells it.
    if (!this.held) return
    this.#renew().catch(() => {
      if (this.#state === 'held') this.#renewIn(this.#lease.lease / 10)
    })
  }

  /** @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: nothing is known; it goes on until its end */
  async #renew(): Promise<void> {
    const since = performance.now()
    const isOurs = await this.#store.renew(this.#grant.id, this.#lease.lease)
    if (this.#state === 'held') {
      if (isOurs) this.#count(since)
      else this.#lose('the server has given it up')
    } else if (isOurs && this.#state === 'lost') {
      // Too late for its holder, who was told; the next one need not wait for it.
      this.#store.release(this.#grant.id).catch(() => undefined)
    }
  }

  #lose(why: string): void {
    this.#state = 'lost'
    this.#stopTimers()
    const error = new LockStateError('ERR_LEASE_LOST', `the lease was lost: ${why}; another one may hold it now`)
    this.#lost.abort(error)
    const { onLost } = this.#lease
    if (onLost) reportError(() => onLost(error))
  }

  #stopTimers(): void {
    this.#stopRenewal?.()
    this.#stopEnd?.()
  }
}

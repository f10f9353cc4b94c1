import type { HeldLease } from './held-lease.js'

/**
 * What was acquired: a lock, or permits, for as long as its lease is renewed, which happens by itself. It does not keep the
 * process alive. `await using guard = …` releases at the block's end.
 */
export interface ClusterGuard extends AsyncDisposable {
  /**
   * Higher than that of every guard of the same name before it, for ever. Give it to what the lock protects, and let that refuse
   * what comes with a lower one than it has seen: a holder that was stopped for longer than its lease cannot know that
   * another one holds the lock by now. `ClusterDict` does so, see its option `fence`.
   */
  readonly token: bigint
  /** Whether it is held: false after a release, and as soon as the lease may have run out by this machine's monotonic clock. */
  readonly held: boolean
  /** Aborts with a LockStateError `ERR_LEASE_LOST` when the lease was not renewed in time, or the server has given it up. */
  readonly lost: AbortSignal
  /**
   * Gives it back, and tells whoever is next. Waits for the server. A second call is the same as the first, and that of a lost
   * guard does nothing, whoever holds the lock by now.
   *
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached; the lease runs out by itself
   */
  release(): Promise<void>
  /**
   * Renews the lease now, and waits for the server: when it resolves, the lease is counted anew. For what must be sure before
   * a long step in which the program cannot do so.
   *
   * @throws (rejects) LockStateError `ERR_LEASE_LOST`: it was lost; `ERR_NOT_OWNER`: it was released
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached; it is held until `held` says otherwise
   */
  renew(): Promise<void>
}

/** Permits that were acquired. */
export interface ClusterSemaphoreGuard extends ClusterGuard {
  /** For how many it stands. */
  readonly permits: number
}

export class LeaseGuard implements ClusterSemaphoreGuard {
  readonly #held: HeldLease

  constructor(held: HeldLease) {
    this.#held = held
  }

  get token(): bigint {
    return this.#held.token
  }

  get permits(): number {
    return this.#held.permits
  }

  get held(): boolean {
    return this.#held.held
  }

  get lost(): AbortSignal {
    return this.#held.lost
  }

  release(): Promise<void> {
    return this.#held.release()
  }

  renew(): Promise<void> {
    return this.#held.renew()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.release()
  }
}

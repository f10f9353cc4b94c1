import type { Cluster } from '../connection/cluster.js'
import { nameOf } from '../connection/cluster-options.js'
import { serverOf } from '../connection/cluster-server.js'
import { LeaseGuard } from './cluster-guard.js'
import { HeldLease } from './held-lease.js'
import { LeaseLine } from './lease-line.js'
import { type AcquireOptions, type Lease, type LeaseOptions, leaseOf } from './lease-options.js'
import type { LeaseState, LeaseStore } from './lease-store.js'
import { PostgresLeaseStore } from './postgres-lease-store.js'
import { RedisLeaseStore } from './redis-lease-store.js'

/** What a lock and a semaphore have in common: the name on the server, and how guards come to be. */
export class LeasedObject {
  readonly #store: LeaseStore
  readonly #line: LeaseLine
  readonly #lease: Lease

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
  constructor(cluster: Cluster, kind: string, name: string, bound: number, options: LeaseOptions | undefined) {
    const server = serverOf(cluster)
    nameOf(name)
    this.#lease = leaseOf(options)
    this.#store =
      server.engine === 'redis'
        ? new RedisLeaseStore(server, kind, name, bound)
        : new PostgresLeaseStore(server, kind, name, bound)
    this.#line = new LeaseLine(this.#store, server.notices)
  }

  /** Resolves with undefined when there was nothing in time. */
  async take(permits: number, options: AcquireOptions | undefined): Promise<LeaseGuard | undefined> {
    const grant = await this.#line.take(permits, this.#lease.lease, options)
    return grant && new LeaseGuard(new HeldLease(this.#store, grant, this.#lease))
  }

  state(): Promise<LeaseState> {
    return this.#store.state()
  }
}

/** Runs `fn` with the guard, and gives that back when what it returned has settled. */
export async function runWith<Guard extends LeaseGuard, Result>(
  guard: Guard,
  fn: (guard: Guard) => Result | PromiseLike<Result>,
): Promise<Result> {
  try {
    return await fn(guard)
  } finally {
    // That it could not be told says nothing of what was run: the lease then runs out by itself.
    await guard.release().catch(() => undefined)
  }
}

import { TimeoutError } from '@heddle/pool-core'
import { describe, invalidArgument } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import type { ClusterGuard } from './cluster-guard.js'
import type { AcquireOptions, LeaseOptions } from './lease-options.js'
import { LeasedObject, runWith } from './leased-object.js'

/** A snapshot, it may be stale when you read it. */
export interface ClusterLockState {
  readonly held: boolean
  /** How many wait in line, in all programs. One that has died counts for up to three seconds. */
  readonly waiters: number
}

/**
 * A lock that programs on all machines of a cluster share, by its name: at most one holder at a time.
 *
 * It is held by a lease, which the holder's program renews. When that program dies, is stopped, or is cut off from the server, the
 * lease ends, and the next one gets the lock. So the lock alone cannot keep a holder away that was stopped and goes on later: that
 * is what the guard's token is for.
 *
 * Fairness: first come, first served, in all programs together. One that waits and cannot reach the server for three seconds
 * loses its place and takes a new one. It is not recursive: whoever holds it and asks again waits as everybody does.
 *
 * Nothing here blocks the thread, so there are no `Sync` forms as the `Mutex` of one machine has them.
 *
 * Invariant: of those whose lease has not run out by the server's clock, one at most holds the lock. A server that is set back,
 * by a copy of its data that is older, or by a replica that takes over before it has everything, may break that and hand out
 * tokens anew: use a durable one where that matters.
 */
export class ClusterLock {
  readonly #object: LeasedObject

  /**
   * Does not wait, and does not ask the server.
   *
   * @param name - 1 to 200 characters; a semaphore of the same name is another object
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments
   */
  constructor(cluster: Cluster, name: string, options?: LeaseOptions) {
    this.#object = new LeasedObject(cluster, 'lock', name, 1, options)
  }

  /**
   * Takes the lock, or waits in line for it. A pending call keeps the process alive. It lives through a lost connection, and
   * through a restart of the server.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 asks the server once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired, and it has left the line
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was acquired, and it has left the line
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server has not answered for the cluster's `serverTimeout`; what
   * it may have given goes back when it is there again, or ends with its lease
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  async acquire(options?: AcquireOptions): Promise<ClusterGuard> {
    return await this.#acquire(options)
  }

  /**
   * Takes the lock if it is free and nobody waits. Waits for the server's answer only.
   *
   * @returns the guard, or undefined; nothing was acquired then
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: as {@link ClusterLock.acquire}
   */
  tryAcquire(): Promise<ClusterGuard | undefined> {
    return this.#object.take(1, { timeout: 0 })
  }

  /**
   * Runs `fn` while holding the lock, and releases it when what `fn` returned has settled. Errors of `fn` pass unchanged. Waits
   * and fails as {@link ClusterLock.acquire} does; `fn` is not called then. When the lease is lost meanwhile, `fn` goes on: it
   * hears of that by `guard.lost`, and its result counts as it is.
   */
  async runExclusive<Result>(
    fn: (guard: ClusterGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    if (typeof fn !== 'function') throw invalidArgument(`fn must be a function, not ${describe(fn)}`)
    return await runWith(await this.#acquire(options), fn)
  }

  /** Whether it is held, and how many wait. Waits for the server. @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE` */
  async getState(): Promise<ClusterLockState> {
    const { used, waiters } = await this.#object.state()
    return { held: used > 0, waiters }
  }

  async #acquire(options: AcquireOptions | undefined) {
    const guard = await this.#object.take(1, options)
    if (guard) return guard
    throw new TimeoutError(`the lock was not free within ${options?.timeout} ms`)
  }
}

import { TimeoutError } from '@heddle/pool-core'
import { describe, invalidArgument, outOfRange, wholeNumber } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import type { ClusterSemaphoreGuard } from './cluster-guard.js'
import type { AcquireOptions, LeaseOptions, PermitOption } from './lease-options.js'
import { LeasedObject, runWith } from './leased-object.js'

/** A snapshot, it may be stale when you read it. */
export interface ClusterSemaphoreState {
  /** Free permits. */
  readonly free: number
  /** All that there are. */
  readonly maxPermits: number
  /** How many wait in line, in all programs. One that has died counts for up to three seconds. */
  readonly waiters: number
}

/** As in the Semaphore of one machine. */
const mostPermits = 2 ** 30 - 1

/**
 * A number of permits that programs on all machines of a cluster share, by the semaphore's name. Whoever acquires takes one or more
 * of them, all at once, or waits. They are held by leases, as {@link ClusterLock} says: those of a program that dies come back.
 *
 * All programs have to agree on the number. As long as anybody holds or awaits some, who comes with another number is refused;
 * when nobody does, the next one's number counts.
 *
 * Fairness: first come, first served, in all programs together: a big request is not passed by small ones.
 *
 * Invariant: the permits of those whose lease has not run out by the server's clock are never more than there are.
 */
export class ClusterSemaphore {
  readonly #object: LeasedObject
  readonly #bound: number

  /**
   * Does not wait, and does not ask the server.
   *
   * @param name - 1 to 200 characters
   * @param permits - whole number, 1 or more: how many there are
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments
   */
  constructor(cluster: Cluster, name: string, permits: number, options?: LeaseOptions) {
    this.#bound = permitsOf(permits, mostPermits)
    this.#object = new LeasedObject(cluster, 'semaphore', name, permits, options)
  }

  /**
   * Takes permits, or waits in line for them. A pending call keeps the process alive. It lives through a lost connection, and
   * through a restart of the server.
   *
   * @param options.permits - how many, 1 to all; default 1; it may also stand in front of the options
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 asks the server once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired, and it has left the line
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was acquired, and it has left the line
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server has not answered for the cluster's `serverTimeout`; what
   * it may have given goes back when it is there again, or ends with its lease
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: more permits than there are; or others hold or await some of a semaphore of
   * this name with another number; nothing was acquired
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was acquired
   */
  acquire(options?: AcquireOptions & PermitOption): Promise<ClusterSemaphoreGuard>
  acquire(permits: number, options?: AcquireOptions): Promise<ClusterSemaphoreGuard>
  async acquire(
    first?: number | (AcquireOptions & PermitOption),
    second?: AcquireOptions,
  ): Promise<ClusterSemaphoreGuard> {
    return await this.#acquire(first, second)
  }

  /**
   * Takes permits if they are free and nobody waits. Waits for the server's answer only.
   *
   * @param permits - how many, 1 to all; default 1
   * @returns the guard, or undefined; nothing was acquired then
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`, TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: as
   * {@link ClusterSemaphore.acquire}
   */
  async tryAcquire(permits = 1): Promise<ClusterSemaphoreGuard | undefined> {
    return await this.#object.take(permitsOf(permits, this.#bound), { timeout: 0 })
  }

  /**
   * Runs `fn` while holding a permit, or `options.permits` of them, and gives them back when what `fn` returned has settled.
   * Errors of `fn` pass unchanged. Waits and fails as {@link ClusterSemaphore.acquire} does; `fn` is not called then. When the
   * lease is lost meanwhile, `fn` goes on: it hears of that by `guard.lost`, and its result counts as it is.
   */
  async runExclusive<Result>(
    fn: (guard: ClusterSemaphoreGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions & PermitOption,
  ): Promise<Result> {
    if (typeof fn !== 'function') throw invalidArgument(`fn must be a function, not ${describe(fn)}`)
    return await runWith(await this.#acquire(options, undefined), fn)
  }

  /** Free permits, and how many wait. Waits for the server. @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE` */
  async getState(): Promise<ClusterSemaphoreState> {
    const { used, bound, waiters } = await this.#object.state()
    return { free: bound - used, maxPermits: bound, waiters }
  }

  async #acquire(first: number | (AcquireOptions & PermitOption) | undefined, second: AcquireOptions | undefined) {
    const inOptions = typeof first === 'object' && second === undefined
    const options = inOptions ? first : second
    const given = inOptions ? (first as PermitOption | null)?.permits : first
    const permits = permitsOf(given === undefined ? 1 : given, this.#bound)
    const guard = await this.#object.take(permits, options)
    if (guard) return guard
    throw new TimeoutError(`${permits} permits were not free within ${options?.timeout} ms`)
  }
}

function permitsOf(permits: unknown, most: number): number {
  if (wholeNumber('permits', permits, 1) > most)
    throw outOfRange(`there are never more than ${most} permits: not ${String(permits)}`)
  return permits as number
}

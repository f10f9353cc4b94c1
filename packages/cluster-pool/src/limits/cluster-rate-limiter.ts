import { TimeoutError } from '@heddle/pool-core'
import { milliseconds, objectOf, outOfRange, wholeNumber } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { nameOf } from '../connection/cluster-options.js'
import { serverOf } from '../connection/cluster-server.js'
import { waitLimitsOf } from '../queue/wait-limits.js'
import { RateLine } from './rate-line.js'
import {
  type ClusterRateAcquireOptions,
  type ClusterRateLimiterOptions,
  type RateKeyOption,
  type RateLimits,
  rateLimitsOf,
} from './rate-options.js'
import { RateStore } from './rate-store.js'

/**
 * Lets through `rate` permits in each `per` milliseconds, of all programs together. All objects of one name, in clusters of one
 * prefix, are the same limiter, and should say the same.
 *
 * It counts as AsyncRateLimiter of @heddle/async-patterns does by default: a bucket of `burst` permits that is refilled at an even
 * rate. After a rest `burst` can be had at once, so a stretch of time can see `burst` more than its share, and never more than
 * {@link ClusterRateLimiter.bound}. The server's clock decides. What is refused takes nothing.
 *
 * Fairness: the calls of one object with one key are served in their order, whatever the permits. Between programs there is no
 * order: whoever asks first when the permits are there has them, and one that wants many may be passed by those that want few.
 *
 * Nothing here blocks the thread. A call that waits keeps the process alive; the object itself does not, and needs no closing. When
 * a connection breaks, the server is asked again: permits may then be taken twice for one call, never given twice.
 */
export class ClusterRateLimiter {
  /** Its name on the server. */
  readonly name: string
  readonly #limits: RateLimits
  readonly #store: RateStore
  readonly #lines = new Map<string, RateLine>()

  /**
   * Opens the limiter of that name. Does not ask the server.
   *
   * @param name - 1 to 200 characters
   * @param rate - permits in each `per` milliseconds, more than 0, fractions allowed
   * @param per - milliseconds, more than 0
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments
   */
  constructor(cluster: Cluster, name: string, rate: number, per: number, options?: ClusterRateLimiterOptions) {
    const server = serverOf(cluster)
    this.name = nameOf(name)
    this.#limits = rateLimitsOf(rate, per, options)
    this.#store = new RateStore(server, name, this.#limits)
  }

  /**
   * Takes `permits` permits if that needs no waiting: so many are there, and no earlier call of this object with this key waits.
   * Waits for the server's answer.
   *
   * @param permits - whole number, 1 to `burst`; default 1
   * @returns whether they were taken
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; they may be taken
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing was taken
   */
  async tryAcquire(permits = 1, options?: RateKeyOption): Promise<boolean> {
    const { key } = objectOf('options', options)
    try {
      await this.acquire({ permits, key, timeout: 0 })
      return true
    } catch (error) {
      if (error instanceof TimeoutError) return false
      throw error
    }
  }

  /**
   * Takes one permit, or `options.permits` of them all at once, when they are there and every earlier call of this object with
   * this key was served. It rejects at once when they cannot be there within the timeout.
   *
   * A timeout or an abort ends the wait. What has been sent to the server is taken, or is not, by its answer, which takes at most
   * `serverTimeout`: when that is yes, the call resolves, although the time is over.
   *
   * @param options.permits - whole number, 1 to `burst`; default 1
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: cannot be there in time, or was not; nothing was taken
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was taken
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; they may be taken
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: bad numbers, or more permits than `burst`, which could never be there at
   * once; TypeError `ERR_INVALID_ARG`: bad arguments; nothing was taken
   */
  async acquire(options?: ClusterRateAcquireOptions): Promise<void> {
    const { permits = 1, key: given } = objectOf('options', options)
    const { burst } = this.#limits
    if (wholeNumber('permits', permits, 1) > burst)
      throw outOfRange(`${permits} permits can never be there at once, the most is ${burst}`)
    const key = given === undefined ? '' : nameOf(given)
    const limits = waitLimitsOf(options)
    const line = this.#lines.get(key) ?? new RateLine(this.#store, key, () => this.#lines.delete(key))
    this.#lines.set(key, line)
    await line.acquire(permits, limits)
  }

  /**
   * The most permits of one key that any stretch of `windowMs` milliseconds can see: the burst and what comes in that time.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number
   */
  bound(windowMs: number): number {
    const { rate, per, burst } = this.#limits
    return Math.floor(burst + (rate * milliseconds('windowMs', windowMs)) / per)
  }

  /** Permits in each `per` milliseconds. */
  get rate(): number {
    return this.#limits.rate
  }

  /** Milliseconds. */
  get per(): number {
    return this.#limits.per
  }

  /** The most permits that can be had at once. */
  get burst(): number {
    return this.#limits.burst
  }
}

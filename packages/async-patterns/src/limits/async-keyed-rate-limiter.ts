import { QueueFullError } from '../errors.js'
import { checkIsObject, wholeNumberOrInfinity } from '../options.js'
import { AsyncRateLimiter } from './async-rate-limiter.js'
import { type Due, DueHeap } from './due-heap.js'
import type { AsyncRateLimiterOptions, RateAcquireOptions } from './rate-options.js'
import { type SteadyClock, steadyClock } from './steady-clock.js'

/** How the limiter of each key counts, and how many keys there may be. */
export interface AsyncKeyedRateLimiterOptions extends AsyncRateLimiterOptions {
  /** The most keys whose permits are not all there, at a time. Whole number, 1 or more. Default: Infinity. */
  readonly maxKeys?: number | undefined
}

/** The limiter of one key. */
interface Entry<Key> extends Due {
  readonly key: Key
  readonly limiter: AsyncRateLimiter
  /** When it is as good as a new one, or earlier: it is used without telling the heap. */
  due: number
}

/**
 * A rate limiter for each key: a user, a host. Keys are as those of a Map.
 *
 * A key takes memory only while its permits are not all there: what is full again is as good as new, and is dropped as other
 * keys come. There is no timer for a key on which nobody waits. With `maxKeys`, a new key is refused while so many are not
 * full: to drop one of those would give it a burst that it has used already, so whoever can make up keys could lift the limit.
 */
export class AsyncKeyedRateLimiter<Key> {
  /*
   * Invariant: the heap has each entry of the map once, and entries that were forgotten since; the entry of a key is due no
   * later than its limiter is as good as new. So if the top is not due, no key is.
   */
  readonly #rate: number
  readonly #per: number
  readonly #options: AsyncRateLimiterOptions
  readonly #maxKeys: number
  readonly #clock: SteadyClock
  readonly #entries = new Map<Key, Entry<Key>>()
  readonly #heap = new DueHeap<Entry<Key>>()
  #isClosed = false
  #closeReason: unknown

  /**
   * Makes a limiter for any number of keys, or for `maxKeys` at a time. Does not block.
   *
   * Arguments as for {@link AsyncRateLimiter}, for each key by itself.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers or options
   */
  constructor(rate: number, per: number, options: AsyncKeyedRateLimiterOptions = {}) {
    checkIsObject(options)
    const { maxKeys, ...ofEach } = options
    this.#maxKeys = wholeNumberOrInfinity('maxKeys', maxKeys ?? Number.POSITIVE_INFINITY, 1)
    this.#clock = steadyClock(options.clock)
    this.#rate = rate
    this.#per = per
    this.#options = { ...ofEach, clock: this.#clock }
    // Bad arguments are found here and not with the first key.
    this.#newLimiter()
  }

  /**
   * As {@link AsyncRateLimiter.tryAcquire} of the key's limiter; also false when the key is new and `maxKeys` are in use.
   */
  tryAcquire(key: Key, permits = 1): boolean {
    const entry = this.#entries.get(key)
    if (entry !== undefined) return entry.limiter.tryAcquire(permits)
    const limiter = this.#newLimiter()
    const isTaken = limiter.tryAcquire(permits)
    return isTaken && this.#admit(key, limiter)
  }

  /**
   * As {@link AsyncRateLimiter.acquire} of the key's limiter; waiters of one key do not wait for those of another.
   *
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: also when the key is new and `maxKeys` are in use; its `item` is the key
   */
  acquire(key: Key, options?: RateAcquireOptions): Promise<void> {
    const entry = this.#entries.get(key)
    if (entry !== undefined) return entry.limiter.acquire(options)
    const limiter = this.#newLimiter()
    const promise = limiter.acquire(options)
    // Nothing taken from a new one: the arguments were bad, or the signal had aborted.
    if (limiter.idleIn <= 0 || this.#admit(key, limiter)) return promise
    return Promise.reject(new QueueFullError(key, `${this.#maxKeys} keys are in use, and there may not be more`))
  }

  /** The number of keys that are kept: those that are not full, and full ones that were not dropped yet. A snapshot. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Drops what is known of a key, which is then as one that was never used. Does nothing while somebody waits on it.
   *
   * @returns whether the key was known, and was dropped
   */
  forget(key: Key): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.limiter.waiting > 0) return false
    this.#entries.delete(key)
    this.#sweepForgotten()
    return true
  }

  /** Closes the limiter of every key, as {@link AsyncRateLimiter.close}, and drops all keys. A second call does nothing. */
  close(reason?: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closeReason = reason
    for (const { limiter } of this.#entries.values()) limiter.close(reason)
    this.#entries.clear()
    this.#heap.clear()
  }

  /** As {@link AsyncKeyedRateLimiter.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  #newLimiter(): AsyncRateLimiter {
    const limiter = new AsyncRateLimiter(this.#rate, this.#per, this.#options)
    if (this.#isClosed) limiter.close(this.#closeReason)
    return limiter
  }

  #admit(key: Key, limiter: AsyncRateLimiter): boolean {
    const now = this.#clock.now()
    this.#dropFull(now)
    if (this.#entries.size >= this.#maxKeys) return false
    const entry = { key, limiter, due: now + limiter.idleIn }
    this.#entries.set(key, entry)
    this.#heap.push(entry)
    return true
  }

  /** Looks at two keys for each new one, so that the full ones go faster than new ones come; at more while there is no room. */
  #dropFull(now: number): void {
    for (let looked = 0; looked < 2 || this.#entries.size >= this.#maxKeys; looked++) {
      const { top } = this.#heap
      if (top === undefined || top.due > now) return
      const isKnown = this.#entries.get(top.key) === top
      const { idleIn } = top.limiter
      if (isKnown && idleIn > 0) {
        // A millisecond is more than nothing on any clock: the loop ends.
        top.due = now + Math.max(1, idleIn)
        this.#heap.sinkTop()
      } else {
        if (isKnown) this.#entries.delete(top.key)
        this.#heap.pop()
      }
    }
  }

  /** What was forgotten is in the heap until it is due; with a slow rate and many of them that could be for ever. */
  #sweepForgotten(): void {
    if (this.#heap.size <= 2 * this.#entries.size + 16) return
    this.#heap.clear()
    for (const entry of this.#entries.values()) this.#heap.push(entry)
  }
}

import type { Memory, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  badHandle,
  deadlineOf,
  GAVE_UP,
  isAbort,
  mustBeFunction,
  ObjectKind,
  objectOption,
  Place,
  refusePromise,
  runAwaiting,
  runBlocking,
  type Steps,
  signalOf,
  wait,
} from '@heddle/sync-primitives/building-blocks'
import { ABSENT, Cache, CLAIMED } from './cache/cache.js'
import { Contents } from './cache/contents.js'
import { cacheWords } from './cache/layout.js'
import {
  type CacheOptions,
  type CacheStats,
  type ComputeOptions,
  type ComputeSyncOptions,
  cacheOptions,
  type PutOptions,
  ttlOf,
} from './cache/options.js'
import { Computing, computedTooLong, Seeker } from './cache/seeker.js'
import { giveUp, keep } from './cache/settling.js'
import { Store } from './store/store.js'
import { begun, ended } from './store/unfinished.js'
import { decode, encode } from './store/values.js'

export type { CacheOptions, CacheStats, ComputeOptions, ComputeSyncOptions, PutOptions } from './cache/options.js'

/** What a {@link ThreadSafeCache} takes for a key: as in a Map, 1 and '1' are two, NaN is one, and -0 is 0. */
export type CacheKey = string | number

const kind = new ObjectKind({
  name: 'shared-memory/ThreadSafeCache',
  version: 1,
  tag: 0x43616368, // "Cach"
  fromHandle: (handle) => ThreadSafeCache.fromHandle(handle),
})

/** What a look for a value has come to. */
type Sought<Value> = { readonly value: Value } | typeof CLAIMED | Computing

const gaveUp = Symbol('gave up')

// A little more than 300 lines: one class, most of which is the contract of its methods.

/**
 * A cache that threads share; in the memory of a segment, processes do. When it is full, the entry goes that was not used for
 * the longest time, by whichever thread.
 *
 * A value is what a structured clone takes, `undefined` and the shared objects of segments included, and each `get` makes a
 * new one. An entry whose time is over counts as absent; it goes when somebody meets it, before any other when room is needed.
 *
 * Each method is one step for all others, and waits for their steps at most; only `getOrCompute` and `getOrComputeSync` wait
 * for somebody's function. Between threads there is no order. What a thread did before it wrote an entry is visible to whoever
 * reads what it wrote.
 *
 * A participant may die anywhere: an entry has then its value from before the call, or from after it, or is gone. The next call
 * repairs what is left, in a time that grows with the number of entries.
 *
 * Each method throws ClosedError `ERR_CLOSED` after this process has closed the memory, or somebody has disposed of the cache;
 * and CorruptError `ERR_CORRUPT` when something else has written to the memory.
 */
export class ThreadSafeCache<Value = unknown> {
  readonly #place: Place
  readonly #cache: Cache

  /**
   * Makes an empty cache. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, `bytes` beside `memory`, or no room
   */
  constructor(options?: CacheOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first?: CacheOptions | Place) {
    if (first instanceof Place) this.#place = first
    else {
      const { maxSize, maxWords, ttl, memory } = cacheOptions(first)
      const place = kind.allocate(() => cacheWords, memory)
      Contents.format(place.memory, place.at(0), maxSize, maxWords, ttl)
      this.#place = kind.publish(place)
    }
    this.#cache = new Cache(this.#memory, this.#place.at(0))
  }

  get #memory(): Memory {
    return this.#place.memory
  }

  /**
   * The value of `key`; undefined: there is none, or it is undefined. Counts as use, and as a hit or a miss. Waits for the
   * steps of others at most.
   *
   * @throws TypeError `ERR_INVALID_ARG`: neither a string nor a number
   * @throws TypeError `ERR_BAD_HANDLE`: the value holds a shared object that cannot be opened here
   */
  get(key: CacheKey): Value | undefined {
    const found = this.#cache.get(key, true)
    return found === ABSENT ? undefined : (decode(found) as Value)
  }

  /** The same as {@link ThreadSafeCache.get}, but it does not count: neither as use, nor as a hit or a miss. */
  peek(key: CacheKey): Value | undefined {
    const found = this.#cache.get(key, false)
    return found === ABSENT ? undefined : (decode(found) as Value)
  }

  /**
   * Whether there is an entry of `key`. Does not count, as {@link ThreadSafeCache.peek}. Waits for the steps of others at most.
   *
   * @throws TypeError `ERR_INVALID_ARG`: neither a string nor a number
   */
  has(key: CacheKey): boolean {
    return this.#cache.has(key)
  }

  /**
   * Makes `value` the value of `key`, and that the newest entry. When there is no room, others go: those whose time is over,
   * then those that were not used for the longest time. Waits for the steps of others at most. Who computes the value of `key`
   * meanwhile gets what he computes, but it is not stored.
   *
   * What a getter or a `toHandle` of the value throws comes out as it is. After any error but the last one the cache is
   * unchanged.
   *
   * @param options.ttl - for how many milliseconds it lives, from now on; default: as the cache says
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: a bad key or ttl
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the value holds what cannot be shared, such as a function
   * @throws RangeError `ERR_OUT_OF_RANGE`: key and value are larger than `maxBytes`
   * @throws RangeError `ERR_OUT_OF_RANGE`: the memory has no room for the value by itself; the cache is empty then
   */
  put(key: CacheKey, value: Value, options?: PutOptions): this {
    const ttl = this.#ttlOf(options)
    this.#cache.put(key, encode(value), ttl)
    return this
  }

  /**
   * Deletes the entry of `key`. Waits for the steps of others at most. Who computes the value meanwhile gets what he computes,
   * but it is not stored.
   *
   * @returns whether there was one, or somebody computed one
   * @throws TypeError `ERR_INVALID_ARG`: neither a string nor a number
   */
  delete(key: CacheKey): boolean {
    return this.#cache.delete(key)
  }

  /** Deletes all entries, in one step, and none that is computed meanwhile is stored. Waits for the steps of others at most. */
  clear(): void {
    this.#cache.clear()
  }

  /** How many entries there are: a snapshot, it may be stale when you read it. Waits for the steps of others at most. */
  size(): number {
    return this.#cache.size()
  }

  /** How often the cache was of use, and how full it is. Waits for the steps of others at most. */
  getStats(): CacheStats {
    return this.#cache.stats()
  }

  /**
   * The value of `key`; if there is none, what `compute` gives, which is stored. One of all threads and processes that ask
   * computes, the others wait for it, without blocking their threads. A pending call keeps the process alive while it waits.
   *
   * If `compute` fails, or its thread dies, nothing is stored, and the next one who waits computes. `timeout` and `signal` end
   * the wait for another one; one's own `compute` ends by itself. In it, this cache may be used, but whoever awaits the
   * same key waits for himself: the call throws if that is seen, which it is before `compute` first awaits; after that, it
   * ends with the timeout only. Two that compute two keys, and need each other's, wait as long.
   *
   * The one who computes gets what `compute` gave, the others copies. Counts as use, and as a hit or a miss by what was there
   * when it came.
   *
   * @param compute - is called with the key, at most once
   * @param options.ttl - for how many milliseconds what was computed lives, from then on; default: as the cache says
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws what `compute`, or a getter or `toHandle` of its value, throws; nothing was stored, as after each other error
   * @throws TimeoutError `ERR_TIMEOUT`: others have computed for as long as the timeout; `compute` was not called
   * @throws the reason of `options.signal` as given, when it aborts; `compute` was not called
   * @throws LockStateError `ERR_ALREADY_OWNED`: called by the function that computes the value of `key`
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; `compute` was not called
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`, RangeError `ERR_OUT_OF_RANGE`: the value cannot be stored, as in
   *   {@link ThreadSafeCache.put}
   */
  async getOrCompute(
    key: CacheKey,
    compute: (key: CacheKey) => Value | PromiseLike<Value>,
    options?: ComputeOptions,
  ): Promise<Value> {
    mustBeFunction('compute', compute)
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    const ttl = this.#ttlOf(options)
    if (signal?.aborted) throw signal.reason
    const seeker = new Seeker(false)
    let sought = this.#seek(key, seeker)
    if (sought instanceof Computing) {
      const { result, ending } = await runAwaiting(this.#memory, this.#waitFor(key, seeker, sought), deadline, signal)
      if (result === gaveUp) throw isAbort(ending) ? ending.reason : computedTooLong()
      sought = result
    }
    if (sought !== CLAIMED) return sought.value
    let value: Value
    try {
      value = await seeker.call(() => compute(key))
    } catch (error) {
      giveUp(this.#cache, key, seeker)
      throw error
    }
    keep(this.#cache, key, seeker, value, ttl)
    return value
  }

  /**
   * The same as {@link ThreadSafeCache.getOrCompute}, but it blocks this thread and its event loop while another one computes,
   * and `compute` must return the value.
   *
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread computes the value of `key`, here or in a `getOrCompute` that is
   *   under way; `compute` was not called
   * @throws TypeError `ERR_INVALID_ARG`: also if `compute` has returned a promise
   */
  getOrComputeSync(key: CacheKey, compute: (key: CacheKey) => Value, options?: ComputeSyncOptions): Value {
    mustBeFunction('compute', compute)
    const deadline = deadlineOf(options)
    const ttl = this.#ttlOf(options)
    const seeker = new Seeker(true)
    let sought = this.#seek(key, seeker)
    if (sought instanceof Computing) {
      const result = runBlocking(this.#memory, this.#waitFor(key, seeker, sought), deadline)
      if (result === gaveUp) throw computedTooLong()
      sought = result
    }
    if (sought !== CLAIMED) return sought.value
    let value: Value
    const cutOff = (): void => giveUp(this.#cache, key, seeker)
    begun(cutOff)
    try {
      value = seeker.call(() => compute(key))
      refusePromise(value, 'compute must return the value, not a promise: use getOrCompute')
    } catch (error) {
      giveUp(this.#cache, key, seeker)
      ended(cutOff)
      throw error
    }
    try {
      keep(this.#cache, key, seeker, value, ttl)
    } finally {
      ended(cutOff)
    }
    return value
  }

  /**
   * Gives the memory back, where that can be: in a segment. Nobody may be using the cache at the time. From then on each use
   * throws ClosedError `ERR_CLOSED`, in every thread, and its handles are refused. Waits for the steps of others at most.
   */
  dispose(): void {
    this.#cache.dispose(this.#place.index)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread, and for a cache in a segment to another process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the cache that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a cache, or of one that was disposed of
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle<Value = unknown>(handle: SharedObjectHandle): ThreadSafeCache<Value> {
    const place = kind.open(handle)
    if (place.index + cacheWords >= place.memory.words.length || Store.isDisposed(place.memory, place.at(0)))
      throw badHandle('the handle names no whole cache')
    return new ThreadSafeCache<Value>(place)
  }

  #ttlOf(options: PutOptions | undefined): number {
    return options === undefined ? this.#cache.ttl : ttlOf(objectOption(options).ttl, this.#cache.ttl)
  }

  #seek(key: CacheKey, seeker: Seeker): Sought<Value> {
    const found = this.#cache.look(key, seeker)
    return found instanceof Computing || found === CLAIMED ? found : { value: decode(found) as Value }
  }

  /** Sleeps until the computation is over, and looks again. A block that is no longer a claim is not touched. */
  *#waitFor(key: CacheKey, seeker: Seeker, first: Computing): Steps<Exclude<Sought<Value>, Computing> | typeof gaveUp> {
    for (let sought: Sought<Value> = first; ; sought = this.#seek(key, seeker)) {
      if (!(sought instanceof Computing)) return sought
      if ((yield wait(sought.index, sought.word)) === GAVE_UP) return gaveUp
    }
  }
}

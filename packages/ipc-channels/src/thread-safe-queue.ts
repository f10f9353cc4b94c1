import { fromBytes, toBytes } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, Semaphore } from '@heddle/sync-primitives'
import { badHandle, ClosedError, outOfRange, QueueEmptyError, QueueFullError } from './errors.js'
import { registerKind } from './kinds.js'
import { type Attempt, Line } from './line.js'
import { deadlineOf, objectOf, signalOf, wholeNumber } from './options.js'
import { takePermit } from './permits.js'
import { mostBytes, mostCapacity, Ring, type RingLocks } from './ring.js'

const kindName = 'ipc-channels/ThreadSafeQueue'
const handleVersion = 1

registerKind(kindName, {
  version: handleVersion,
  fromHandle: (handle: ThreadSafeQueueHandle) => ThreadSafeQueue.fromHandle(handle),
})

export interface ThreadSafeQueueOptions {
  /** The most items inside at a time; a whole number, 1 or more. Default: 64. */
  readonly capacity?: number | undefined
  /** The most bytes that one item may take; a whole number, 1 or more. Each slot has this size. Default: 4,096. */
  readonly maxItemBytes?: number | undefined
}

/**
 * What a queue is on its way to another thread: plain data that `postMessage` and `workerData` carry as it is.
 * Its fields may change between versions; only `fromHandle` reads them.
 */
export interface ThreadSafeQueueHandle extends RingLocks {
  readonly kind: string
  readonly version: number
  readonly buffer: SharedArrayBuffer
}

/** What a queue has counted, in all threads together, since it was made. */
export interface ThreadSafeQueueStats {
  /** Items that were put. */
  readonly putCount: number
  /** Items that were taken. */
  readonly getCount: number
  /** Calls that ended without success because the queue was full or empty: timeouts, and `try` forms in vain. */
  readonly errors: number
}

/**
 * A bounded first-in-first-out queue that threads of one process share: any number of them put, any number get.
 *
 * Items are copied, by the codec's rules, when they are put. The same queue blocks ({@link ThreadSafeQueue.getSync}) and
 * awaits ({@link ThreadSafeQueue.get}); a full queue holds its producers back. Each operation takes effect at one moment
 * for all threads.
 *
 * Fairness: the calls of one thread on one queue object go in the order they came, whether they await or block. Between
 * threads there is no order: a late caller may pass a waiting one. Memory: what was written before a put is visible after
 * the get of that item. What a thread that ends in the middle of an operation had not finished has not happened.
 */
export class ThreadSafeQueue<T> {
  readonly #ring: Ring
  readonly #puts: Line<true>
  readonly #gets: Line<Uint8Array>

  /**
   * Makes a new, empty queue that {@link ThreadSafeQueue.toHandle} lets other threads open. Does not block. It takes about
   * `capacity` times `maxItemBytes` bytes of memory, for as long as any thread has it.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options (there is no unbounded queue, and none
   * of capacity 0), or more memory than 2 GiB or than there is
   */
  constructor(options?: ThreadSafeQueueOptions)
  /** @internal */
  constructor(ring: Ring)
  constructor(options: ThreadSafeQueueOptions | Ring = {}) {
    if (options instanceof Ring) this.#ring = options
    else {
      const { capacity = 64, maxItemBytes = 4096 } = objectOf(options)
      this.#ring = Ring.create(
        wholeNumber('capacity', capacity, mostCapacity),
        wholeNumber('maxItemBytes', maxItemBytes, mostBytes),
      )
    }
    const handOver = () => this.#handOver()
    this.#puts = new Line(this.#ring.free, handOver)
    this.#gets = new Line(this.#ring.filled, handOver)
  }

  /**
   * Puts a copy of the item at the end, without blocking the thread, when there is room; waits behind earlier puts of this
   * thread. The copy is made at the call, and if there is room it is inside when the call returns. A pending call keeps the
   * process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueFullError `ERR_TIMEOUT`: no room in time; nothing was put, the error has the `item`
   * @throws ClosedError `ERR_CLOSED`: the queue is closed, or was while this waited; nothing was put
   * @throws the reason of `options.signal` as given, when it aborts; nothing was put
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the item holds what cannot be copied; nothing was put
   * @throws RangeError `ERR_OUT_OF_RANGE`: the item takes more than `maxItemBytes` bytes, or a bad timeout; nothing was put
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was put
   */
  async put(item: T, options?: AcquireOptions): Promise<void> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const attempt = this.#putting(item)
    if (this.#now(this.#puts, attempt)) return
    if (deadline <= performance.now()) throw this.#full(item)
    await this.#puts.wait(attempt, deadline, signal, () => this.#full(item))
  }

  /**
   * Takes the oldest item, without blocking the thread, when there is one; waits behind earlier gets of this thread.
   * A pending call keeps the process alive. One that fails has taken nothing, but for an item that cannot be opened here.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueEmptyError `ERR_TIMEOUT`: no item in time; nothing was taken
   * @throws ClosedError `ERR_CLOSED`: the queue is closed and nothing is left in it
   * @throws the reason of `options.signal` as given, when it aborts; nothing was taken
   * @throws TypeError `ERR_BAD_HANDLE`: the item holds a shared object that cannot be opened here; the item is gone
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  async get(options?: AcquireOptions): Promise<T> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const found = this.#now(this.#gets, this.#taking)
    if (found) return fromBytes(found) as T
    if (deadline <= performance.now()) throw this.#empty()
    return fromBytes(await this.#gets.wait(this.#taking, deadline, signal, () => this.#empty())) as T
  }

  /**
   * Puts a copy of the item at the end, and blocks this thread and its event loop until there is room. On a main thread
   * prefer {@link ThreadSafeQueue.put}. Tasks of this thread do not run meanwhile: if only they can make room, it waits for
   * ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link ThreadSafeQueue.put}, but there is no signal
   */
  putSync(item: T, options?: AcquireSyncOptions): void {
    const deadline = deadlineOf(options)
    if (!this.#block(this.#puts, this.#ring.free, this.#putting(item), deadline)) throw this.#full(item)
  }

  /**
   * Takes the oldest item, and blocks this thread and its event loop until there is one. On a main thread prefer
   * {@link ThreadSafeQueue.get}. Tasks of this thread do not run meanwhile: if only they can put, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link ThreadSafeQueue.get}, but there is no signal
   */
  getSync(options?: AcquireSyncOptions): T {
    const deadline = deadlineOf(options)
    const bytes = this.#block(this.#gets, this.#ring.filled, this.#taking, deadline)
    if (!bytes) throw this.#empty()
    return fromBytes(bytes) as T
  }

  /**
   * Puts a copy of the item at the end if that needs no waiting: there is room, and no earlier put of this thread waits.
   * Does not block.
   *
   * @returns whether it was put
   * @throws ClosedError `ERR_CLOSED`, NotCloneableError `ERR_NOT_CLONEABLE`, RangeError `ERR_OUT_OF_RANGE`: as
   * {@link ThreadSafeQueue.put}; nothing was put
   */
  tryPut(item: T): boolean {
    if (this.#now(this.#puts, this.#putting(item))) return true
    this.#ring.countError()
    return false
  }

  /**
   * Takes the oldest item if that needs no waiting: there is one, and no earlier get of this thread waits. Does not block.
   *
   * @returns the item in a box, since it may itself be undefined; or undefined, and nothing was taken
   * @throws ClosedError `ERR_CLOSED`: the queue is closed and nothing is left in it
   * @throws TypeError `ERR_BAD_HANDLE`: the item holds a shared object that cannot be opened here; the item is gone
   */
  tryGet(): { item: T } | undefined {
    const bytes = this.#now(this.#gets, this.#taking)
    if (bytes) return { item: fromBytes(bytes) as T }
    this.#ring.countError()
    return undefined
  }

  /** The number of items inside: a snapshot, it may be stale when you read it. Does not block. */
  get size(): number {
    return this.#ring.size
  }

  /** The most items that are inside at a time. */
  get capacity(): number {
    return this.#ring.capacity
  }

  /** The counts of all threads together: a snapshot of one moment, it may be stale when you read it. Does not block. */
  getStats(): ThreadSafeQueueStats {
    return this.#ring.readCounts()
  }

  /**
   * Closes the queue, for all threads and for good: nothing can be put any more, what is inside can still be taken, and
   * then every get fails. Wakes all who wait, in all threads at once: puts reject with `ERR_CLOSED`, and so do gets for
   * which no item is left. A second call does nothing. Does not block.
   */
  close(): void {
    this.#ring.close()
    // The waiting calls of this thread end here, and not when their wake-up comes through.
    this.#handOver()
  }

  /**
   * Takes the items one by one, as {@link ThreadSafeQueue.get} does, and ends when the queue is closed and nothing is left
   * in it. Leaving the loop takes nothing more. Several loops, in any threads, share the items: each goes to one of them.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T
      try {
        item = await this.get()
      } catch (error) {
        if (error instanceof ClosedError) return
        throw error
      }
      yield item
    }
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): ThreadSafeQueueHandle {
    return { kind: kindName, version: handleVersion, buffer: this.#ring.buffer, ...this.#ring.locks() }
  }

  /**
   * Opens the queue that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a queue, or it did not come from a thread of this process
   */
  static fromHandle<T>(handle: ThreadSafeQueueHandle): ThreadSafeQueue<T> {
    if (typeof handle !== 'object' || handle === null || handle.kind !== kindName)
      throw badHandle(`not a handle of kind ${kindName}`)
    if (handle.version !== handleVersion)
      throw badHandle(`a handle of kind ${kindName} in version ${handle.version}; this is version ${handleVersion}`)
    return new ThreadSafeQueue<T>(Ring.open(handle.buffer, handle))
  }

  readonly #taking: Attempt<Uint8Array> = (holdsPermit) => this.#ring.take(holdsPermit)

  /** Copies the item, so that what is put is what it was at the call. */
  #putting(item: T): Attempt<true> {
    const bytes = toBytes(item)
    const { maxItemBytes } = this.#ring
    if (bytes.byteLength > maxItemBytes)
      throw outOfRange(`the item takes ${bytes.byteLength} bytes; this queue holds items of at most ${maxItemBytes}`)
    return (holdsPermit) => this.#ring.put(bytes, holdsPermit)
  }

  /** One attempt, after all that wait in this thread had theirs. */
  #now<Result>(line: Line<Result>, attempt: Attempt<Result>, holdsPermit = false): Result | undefined {
    this.#handOver()
    if (line.size > 0) return undefined
    const result = attempt(holdsPermit)
    if (result !== undefined) this.#handOver()
    return result
  }

  /** Blocks between attempts; undefined: the deadline has passed, and the last attempt was after it. */
  #block<Result>(
    line: Line<Result>,
    permits: Semaphore,
    attempt: Attempt<Result>,
    deadline: number,
  ): Result | undefined {
    for (let holdsPermit = false; ; ) {
      const left = deadline - performance.now()
      const result = this.#now(line, attempt, holdsPermit)
      if (result !== undefined || left <= 0) return result
      holdsPermit = takePermit(permits, left)
    }
  }

  /** Lets the waiting tasks of this thread go on as far as they can: each that goes may let one of the other line go. */
  #handOver(): void {
    let went: boolean
    do went = this.#puts.serve() || this.#gets.serve()
    while (went)
  }

  #full(item: T): QueueFullError {
    this.#ring.countError()
    return new QueueFullError(item)
  }

  #empty(): QueueEmptyError {
    this.#ring.countError()
    return new QueueEmptyError()
  }
}

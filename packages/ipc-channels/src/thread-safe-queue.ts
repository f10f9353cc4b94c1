import { type EncodedBytes, encodeBytes } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  booleanOption,
  invalidArgument,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { ClosedError } from './errors.js'
import { QueueCore } from './queue-core.js'
import type { ShutdownOptions, ThreadSafeQueueOptions, ThreadSafeQueueStats } from './queue-options.js'
import { Registration } from './registration.js'
import { CONSUMERS, mostCapacity, mostCapacityBytes, PRODUCERS, partsOf } from './ring/layout.js'
import { SharedRing } from './ring/shared-ring.js'

const kind = new ObjectKind({
  name: 'ipc-channels/ThreadSafeQueue',
  version: 2,
  tag: 0x51756575, // "Queu"
  fromHandle: (handle) => ThreadSafeQueue.fromHandle(handle),
})

/**
 * A bounded first-in-first-out queue that threads share, and processes in a segment: any number of them put, any number get.
 *
 * Items are copied, by the codec's rules, when they are put. The same queue blocks ({@link ThreadSafeQueue.getSync}) and
 * awaits ({@link ThreadSafeQueue.get}); a full queue holds its producers back. Each operation takes effect at one moment for
 * all threads and processes.
 *
 * Fairness: the calls of one thread go in the order they came, whether they await or block. Between threads there is no
 * order: a late caller may pass a waiting one. Memory: what was written before a put is visible after the get of that item.
 *
 * Death: who is killed in the middle of a put has put nothing, and in the middle of a get has taken nothing, or the one item
 * that it was getting. Nobody else loses anything or waits for it.
 *
 * Closed: when its memory is closed, as a segment can be, every method but `toHandle` throws ClosedError `ERR_CLOSED`, and so
 * does every call that waits.
 */
export class ThreadSafeQueue<T> {
  readonly #place: Place
  readonly #ring: SharedRing
  readonly #core: QueueCore<T>

  /**
   * Makes a new, empty queue. Does not block. All of its memory is taken at once.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options (there is no unbounded queue, and none of
   * capacity 0), or no room in `memory`
   * @throws ClosedError `ERR_CLOSED`: `memory` was closed
   */
  constructor(options?: ThreadSafeQueueOptions)
  /** @internal */
  constructor(place: Place)
  constructor(options?: ThreadSafeQueueOptions | Place) {
    this.#place = options instanceof Place ? options : placeFor(options)
    this.#ring = new SharedRing(this.#place)
    this.#core = new QueueCore<T>(this.#ring)
  }

  /**
   * Puts a copy of the item at the end, without blocking the thread, when there is room; waits behind earlier puts of this
   * thread. The copy is made at the call, and if there is room it is inside when the call returns. A pending call keeps the
   * process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueFullError `ERR_TIMEOUT`: no room in time; nothing was put, the error has the `item`
   * @throws ClosedError `ERR_CLOSED`: the queue is closed, or was while this waited, or all registered consumers have left;
   * nothing was put
   * @throws BrokenError `ERR_PEER_GONE`: it is full, and all registered consumers have ended, one of them by dying; nothing
   * was put
   * @throws the reason of `options.signal` as given, when it aborts; nothing was put
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the item holds what cannot be copied; nothing was put
   * @throws RangeError `ERR_OUT_OF_RANGE`: the item takes more than `capacityBytes` bytes, or a bad timeout; nothing was put
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was put
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the queue's memory; nothing was put
   */
  async put(item: T, options?: AcquireOptions): Promise<void> {
    await this.#core.put(this.#encode(item), item, options)
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
    this.#core.putSync(this.#encode(item), item, options)
  }

  /**
   * Puts a copy of the item at the end if that needs no waiting: there is room, and no earlier put of this thread waits.
   * Does not block.
   *
   * @returns whether it was put
   * @throws as {@link ThreadSafeQueue.put}, but for QueueFullError
   */
  tryPut(item: T): boolean {
    const isPut = this.#core.tryPut(this.#encode(item))
    if (!isPut) this.#core.countError()
    return isPut
  }

  /**
   * Puts copies of several items, in their order, without blocking the thread; as many at one moment as have room. Items of
   * other threads may come between those of two moments. Otherwise as {@link ThreadSafeQueue.put}; no item is put if one of
   * them cannot be.
   *
   * @throws QueueFullError `ERR_TIMEOUT`: `items` of the error were not put, those before them were
   * @throws the reason of `options.signal`, ClosedError, BrokenError: the first ones may have been put
   */
  async putMany(items: readonly T[], options?: AcquireOptions): Promise<void> {
    await this.#core.putMany(this.#encodeAll(items), items, options)
  }

  /** The same, and blocks as {@link ThreadSafeQueue.putSync} does. */
  putManySync(items: readonly T[], options?: AcquireSyncOptions): void {
    this.#core.putManySync(this.#encodeAll(items), items, options)
  }

  /**
   * Puts the first ones of these items, as many as have room, at one moment. Does not block.
   *
   * @returns how many; 0 also while an earlier put of this thread waits
   * @throws as {@link ThreadSafeQueue.tryPut}; nothing was put
   */
  tryPutMany(items: readonly T[]): number {
    const encoded = this.#encodeAll(items)
    if (encoded.length === 0) return 0
    const put = this.#core.tryPutMany(encoded)
    if (put === 0) this.#core.countError()
    return put
  }

  /**
   * Takes the oldest item, without blocking the thread, when there is one; waits behind earlier gets of this thread.
   * A pending call keeps the process alive. One that fails has taken nothing, but for an item that cannot be opened here.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueEmptyError `ERR_TIMEOUT`: no item in time; nothing was taken
   * @throws ClosedError `ERR_CLOSED`: the queue is closed, or all registered producers have left, and nothing is left in it
   * @throws BrokenError `ERR_PEER_GONE`: all registered producers have ended, one of them by dying, and nothing is left in it
   * @throws the reason of `options.signal` as given, when it aborts; nothing was taken
   * @throws TypeError `ERR_BAD_HANDLE`: the item holds a shared object that cannot be opened here; the item is gone
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the queue's memory; the item is gone, or nothing was
   * taken
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  get(options?: AcquireOptions): Promise<T> {
    return this.#core.get(options)
  }

  /**
   * Takes the oldest item, and blocks this thread and its event loop until there is one. On a main thread prefer
   * {@link ThreadSafeQueue.get}. Tasks of this thread do not run meanwhile: if only they can put, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link ThreadSafeQueue.get}, but there is no signal
   */
  getSync(options?: AcquireSyncOptions): T {
    return this.#core.getSync(options)
  }

  /**
   * Takes the oldest item if that needs no waiting: there is one, and no earlier get of this thread waits. Does not block.
   *
   * @returns the item in a box, since it may itself be undefined; or undefined, and nothing was taken
   * @throws as {@link ThreadSafeQueue.get}, but for QueueEmptyError
   */
  tryGet(): { readonly item: T } | undefined {
    const found = this.#core.tryGet()
    if (!found) this.#core.countError()
    return found
  }

  /**
   * Waits until there is an item, without blocking the thread, and takes the oldest ones that are there, at one moment.
   * Otherwise as {@link ThreadSafeQueue.get}.
   *
   * @param most - how many at most; a whole number, 1 or more
   * @returns one or more, in their order
   * @throws TypeError `ERR_BAD_HANDLE`, CorruptError `ERR_CORRUPT`: one cannot be read here, and is gone; `items` of the error
   * are the others
   */
  async getMany(most: number, options?: AcquireOptions): Promise<T[]> {
    return this.#core.getMany(checkMost(most), options)
  }

  /** The same, and blocks as {@link ThreadSafeQueue.getSync} does. */
  getManySync(most: number, options?: AcquireSyncOptions): T[] {
    return this.#core.getManySync(checkMost(most), options)
  }

  /**
   * Takes the oldest items that are there, at one moment. Does not block.
   *
   * @returns none, when there is none or an earlier get of this thread waits
   * @throws as {@link ThreadSafeQueue.getMany}, but for QueueEmptyError
   */
  tryGetMany(most: number): T[] {
    const found = this.#core.tryGetMany(checkMost(most))
    if (found.length === 0) this.#core.countError()
    return found
  }

  /**
   * Takes the items one by one, as {@link ThreadSafeQueue.get} does, and ends when the queue is closed, or all registered
   * producers have left, and nothing is left in it. Leaving the loop takes nothing more. Several loops, in any threads, share
   * the items: each goes to one of them.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T
      try {
        item = await this.get()
      } catch (error) {
        // Not if its memory is gone: there may be items that nobody has seen.
        if (error instanceof ClosedError && !this.#place.memory.isClosed) return
        throw error
      }
      yield item
    }
  }

  /**
   * Closes the queue, for all threads and processes and for good: nothing can be put any more, what is inside can still be
   * taken, and then every get fails. Wakes all who wait: puts reject with `ERR_CLOSED`, and so do gets for which no item is
   * left. A second call does nothing. Does not block.
   */
  close(): void {
    this.#core.close()
  }

  /**
   * Closes the queue as {@link ThreadSafeQueue.close} does. Does not block.
   *
   * @param options.immediate - takes all that is inside, at the same moment: every get fails from then on
   * @returns what was inside if it was immediate; otherwise nothing
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was changed
   */
  shutdown(options?: ShutdownOptions): T[] {
    if (booleanOption('immediate', objectOption(options).immediate)) return this.#core.closeAndDrain()
    this.close()
    return []
  }

  /**
   * Says that items which were taken are done: of this thread's own first, then of others'. {@link ThreadSafeQueue.join} waits
   * for it. Does not block.
   *
   * @param items - how many; default 1
   * @throws LockStateError `ERR_OVER_RELEASE`: fewer were taken and are not done; nothing was changed
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no whole number, 1 or more
   */
  taskDone(items = 1): void {
    this.#core.taskDone(wholeNumber('items', items, 1, Number.MAX_SAFE_INTEGER))
  }

  /**
   * Waits, without blocking the thread, until nothing is inside and all that was taken is done. What somebody had taken who
   * has died counts as done: it is lost. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not in time; or the reason of `options.signal` as given
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  join(options?: AcquireOptions): Promise<void> {
    return this.#core.join(options)
  }

  /** The same, and blocks this thread and its event loop. Tasks of this thread do not run meanwhile. */
  joinSync(options?: AcquireSyncOptions): void {
    this.#core.joinSync(options)
  }

  /**
   * Says that this thread is going to put. When all who have said so have ended, those who get are not left waiting: they take
   * what is inside, and then get ClosedError `ERR_CLOSED`, or BrokenError `ERR_PEER_GONE` if one of them has died. A queue at
   * which no producer has registered waits for ever. Does not block.
   *
   * @returns how to take it back; also with `using`
   */
  registerProducer(): Registration {
    return new Registration(this.#core, PRODUCERS)
  }

  /** The same for who is going to get: when all of them have ended, those who wait for room are not left waiting. */
  registerConsumer(): Registration {
    return new Registration(this.#core, CONSUMERS)
  }

  /** The number of items inside: a snapshot, it may be stale when you read it. Does not block. */
  get size(): number {
    return this.#core.size
  }

  /** The most items that are inside at a time. */
  get capacity(): number {
    return this.#ring.capacity
  }

  /** The most bytes that the items inside take together. */
  get capacityBytes(): number {
    return this.#ring.capacityBytes
  }

  /** Whether it was closed. Items may still be inside. */
  get closed(): boolean {
    return this.#core.closed
  }

  /** What all threads and processes together have counted: a snapshot, it may be stale when you read it. Does not block. */
  getStats(): ThreadSafeQueueStats {
    return this.#core.stats()
  }

  /** Plain data for other threads; of a queue in a segment, for other processes too, also as JSON. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the queue that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a queue, or a damaged one; or it came from another process, and the queue
   * is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws what opening the segment throws
   */
  static fromHandle<T>(handle: SharedObjectHandle): ThreadSafeQueue<T> {
    return new ThreadSafeQueue<T>(kind.open(handle))
  }

  /** @throws NotCloneableError; RangeError: it is larger than the queue */
  #encode(item: T): EncodedBytes {
    const encoded = encodeBytes(item)
    const { capacityBytes } = this.#ring
    if (encoded.byteLength > capacityBytes)
      throw outOfRange(
        `the item takes ${encoded.byteLength} bytes; this queue holds ${capacityBytes}: see its option capacityBytes`,
      )
    return encoded
  }

  #encodeAll(items: readonly T[]): EncodedBytes[] {
    if (!Array.isArray(items)) throw invalidArgument('items must be an array')
    return items.map((item) => this.#encode(item))
  }
}

function placeFor(options: ThreadSafeQueueOptions | undefined): Place {
  const { capacity = 1_000, capacityBytes = 262_144, memory } = objectOption(options)
  const items = wholeNumber('capacity', capacity, 1, mostCapacity)
  const bytes = wholeNumber('capacityBytes', capacityBytes, 1, mostCapacityBytes)
  const place = kind.allocate((slots) => partsOf(slots, items, bytes).end, memory)
  SharedRing.format(place, items, bytes)
  return kind.publish(place)
}

const checkMost = (most: number): number => wholeNumber('most', most, 1, Number.MAX_SAFE_INTEGER)

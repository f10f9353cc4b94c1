import { type EncodedBytes, encodeBytes } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  invalidArgument,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { BlockingQueue } from './blocking-queue.js'
import { QueueCore } from './queue-core.js'
import type { ThreadSafeQueueOptions } from './queue-options.js'
import { mostCapacity, mostCapacityBytes, partsOf } from './ring/layout.js'
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
export class ThreadSafeQueue<T> extends BlockingQueue<T> {
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
    const place = options instanceof Place ? options : placeFor(options)
    const core = new QueueCore<T>(new SharedRing(place))
    super(kind, place, core)
    this.#core = core
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
   * @throws ClosedError, BrokenError: the same
   * @throws the reason of `options.signal`: the first ones may have been put
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
   * Opens the queue that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a queue, or a damaged one; or it came from another process, and the queue
   * is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory as it has room for
   * @throws what opening the segment throws
   */
  static fromHandle<T>(handle: SharedObjectHandle): ThreadSafeQueue<T> {
    return new ThreadSafeQueue<T>(kind.open(handle))
  }

  /** @throws NotCloneableError; RangeError: it is larger than the queue */
  #encode(item: T): EncodedBytes {
    const encoded = encodeBytes(item)
    const { capacityBytes } = this.#core.store
    if (encoded.byteLength > capacityBytes)
      throw outOfRange(
        `the item takes ${encoded.byteLength} bytes; this queue holds ${capacityBytes}: see its option capacityBytes`,
      )
    return encoded
  }

  #encodeAll(items: readonly T[]): EncodedBytes[] {
    if (!Array.isArray(items)) throw invalidArgument('items must be an array')
    // Not by map: it passes over the holes of a list.
    return Array.from(items as ArrayLike<T>, (item) => this.#encode(item))
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

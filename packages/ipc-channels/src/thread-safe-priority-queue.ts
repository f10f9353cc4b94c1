import { encodeBytes } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, Memory, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  invalidArgument,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { BlockingQueue } from './blocking-queue.js'
import { priorityPartsOf } from './priority/layout.js'
import { SharedHeap } from './priority/shared-heap.js'
import { QueueCore } from './queue-core.js'
import { mostCapacity, mostCapacityBytes } from './ring/layout.js'
import type { Writable } from './ring/scratch.js'

const kind = new ObjectKind({
  name: 'ipc-channels/ThreadSafePriorityQueue',
  version: 1,
  tag: 0x5072696f, // "Prio"
  fromHandle: (handle) => ThreadSafePriorityQueue.fromHandle(handle),
})

/** How a queue with priorities is made. */
export interface ThreadSafePriorityQueueOptions {
  /** The most items inside at a time; a whole number from 1 to 16,777,216. Default: 1,000. */
  readonly capacity?: number | undefined
  /**
   * The most bytes that the items inside take together, whatever their sizes, and so the largest item; a whole number from 1 to
   * 1,073,741,824. Default: 262,144.
   */
  readonly capacityBytes?: number | undefined
  /** Where its words are: a segment that processes share, say. Default: memory that the threads of this process share. */
  readonly memory?: Memory | undefined
}

/** When an item leaves. */
export interface PriorityOption {
  /** The higher, the earlier; a whole number from -2,147,483,648 to 2,147,483,647. Default: 0. */
  readonly priority?: number | undefined
}

/** How items are put: when they leave, and how long to wait for room. */
export interface PriorityPutOptions extends AcquireOptions, PriorityOption {}

/** The same where the thread blocks. */
export interface PriorityPutSyncOptions extends AcquireSyncOptions, PriorityOption {}

/**
 * A bounded queue that threads share, and processes in a segment, of which the item of the highest priority leaves first, and
 * among equals the one that was put first.
 *
 * Items are copied, by the codec's rules, when they are put. The same queue blocks ({@link ThreadSafePriorityQueue.getSync})
 * and awaits ({@link ThreadSafePriorityQueue.get}); a full queue holds its producers back. Each operation takes effect at one
 * moment for all threads and processes. A put and a get of one item take a time that grows with the logarithm of the items
 * inside.
 *
 * Priorities are strict: while items of a higher priority keep coming, one of a lower is not taken. Whether that may be is
 * for those who choose the priorities. They order what is inside, and not those who wait: for room the calls of one thread
 * go in the order they came, whatever their items' priorities, and no item makes room for another.
 *
 * Fairness: the calls of one thread go in the order they came, whether they await or block. Between threads there is no
 * order: a late caller may pass a waiting one. Memory: what was written before a put is visible after the get of that item.
 *
 * Death: who is killed in the middle of a put has put nothing, and in the middle of a get has taken nothing, or just what it
 * was getting; of many at a time all or nothing. Nobody else loses anything. The next one to put or get then puts the queue
 * in order, which takes a step for each item that it can hold.
 *
 * Closed: when its memory is closed, as a segment can be, every method but `toHandle` throws ClosedError `ERR_CLOSED`, and so
 * does every call that waits.
 */
export class ThreadSafePriorityQueue<T> extends BlockingQueue<T> {
  readonly #core: QueueCore<T>

  /**
   * Makes a new, empty queue. Does not block. All of its memory is taken at once: `capacityBytes` and a fifteenth more,
   * and 100 bytes for each of `capacity`.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options (there is no unbounded queue, and none of
   * capacity 0), or no room in `memory`
   * @throws ClosedError `ERR_CLOSED`: `memory` was closed
   */
  constructor(options?: ThreadSafePriorityQueueOptions)
  /** @internal */
  constructor(place: Place)
  constructor(options?: ThreadSafePriorityQueueOptions | Place) {
    const place = options instanceof Place ? options : placeFor(options)
    const core = new QueueCore<T>(new SharedHeap(place))
    super(kind, place, core)
    this.#core = core
  }

  /**
   * Puts a copy of the item behind those of the same and of higher priorities, without blocking the thread, when there is
   * room; waits behind earlier puts of this thread. The copy is made at the call, and if there is room it is inside when the
   * call returns. A pending call keeps the process alive.
   *
   * @param options.priority - the higher, the earlier; a whole number of 32 bits with a sign; default 0
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueFullError `ERR_TIMEOUT`: no room in time; nothing was put, the error has the `item`
   * @throws ClosedError `ERR_CLOSED`: the queue is closed, or was while this waited, or all registered consumers have left;
   * nothing was put
   * @throws BrokenError `ERR_PEER_GONE`: it is full, and all registered consumers have ended, one of them by dying; nothing
   * was put
   * @throws the reason of `options.signal` as given, when it aborts; nothing was put
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the item holds what cannot be copied; nothing was put
   * @throws RangeError `ERR_OUT_OF_RANGE`: the item takes more than `capacityBytes` bytes, or a bad priority or timeout;
   * nothing was put
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was put
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the queue's memory; nothing was put
   */
  async put(item: T, options?: PriorityPutOptions): Promise<void> {
    await this.#core.put(this.#encode(item, priorityOf(options)), item, options)
  }

  /**
   * Puts a copy of the item as {@link ThreadSafePriorityQueue.put} does, and blocks this thread and its event loop until there
   * is room. On a main thread prefer `put`. Tasks of this thread do not run meanwhile: if only they can make room, it waits
   * for ever.
   *
   * @param options.priority - the higher, the earlier; a whole number of 32 bits with a sign; default 0
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link ThreadSafePriorityQueue.put}, but there is no signal
   */
  putSync(item: T, options?: PriorityPutSyncOptions): void {
    this.#core.putSync(this.#encode(item, priorityOf(options)), item, options)
  }

  /**
   * Puts a copy of the item if that needs no waiting: there is room, and no earlier put of this thread waits. Does not block.
   *
   * @param options.priority - the higher, the earlier; a whole number of 32 bits with a sign; default 0
   * @returns whether it was put
   * @throws as {@link ThreadSafePriorityQueue.put}, but for QueueFullError
   */
  tryPut(item: T, options?: PriorityOption): boolean {
    const isPut = this.#core.tryPut(this.#encode(item, priorityOf(options)))
    if (!isPut) this.#core.countError()
    return isPut
  }

  /**
   * Puts copies of several items, all of one priority and in their order, without blocking the thread; as many at one moment
   * as have room. Items of other threads may come between those of two moments. Otherwise as
   * {@link ThreadSafePriorityQueue.put}; no item is put if one of them cannot be.
   *
   * @throws QueueFullError `ERR_TIMEOUT`: `items` of the error were not put, those before them were
   * @throws the reason of `options.signal`, ClosedError, BrokenError: the first ones may have been put
   */
  async putMany(items: readonly T[], options?: PriorityPutOptions): Promise<void> {
    await this.#core.putMany(this.#encodeAll(items, options), items, options)
  }

  /** The same, and blocks as {@link ThreadSafePriorityQueue.putSync} does. */
  putManySync(items: readonly T[], options?: PriorityPutSyncOptions): void {
    this.#core.putManySync(this.#encodeAll(items, options), items, options)
  }

  /**
   * Puts the first ones of these items, as many as have room, all of one priority and at one moment. Does not block.
   *
   * @returns how many; 0 also while an earlier put of this thread waits
   * @throws as {@link ThreadSafePriorityQueue.tryPut}; nothing was put
   */
  tryPutMany(items: readonly T[], options?: PriorityOption): number {
    const encoded = this.#encodeAll(items, options)
    if (encoded.length === 0) return 0
    const put = this.#core.tryPutMany(encoded)
    if (put === 0) this.#core.countError()
    return put
  }

  /**
   * Opens the queue that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a queue with priorities, or a damaged one; or it came from another
   * process, and the queue is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory as it has room for
   * @throws what opening the segment throws
   */
  static fromHandle<T>(handle: SharedObjectHandle): ThreadSafePriorityQueue<T> {
    return new ThreadSafePriorityQueue<T>(kind.open(handle))
  }

  /** @throws NotCloneableError; RangeError: it is larger than the queue */
  #encode(item: T, priority: number): Writable {
    const encoded = encodeBytes(item)
    const { byteLength } = encoded
    const { capacityBytes } = this.#core.store
    if (byteLength > capacityBytes)
      throw outOfRange(
        `the item takes ${byteLength} bytes; this queue holds ${capacityBytes}: see its option capacityBytes`,
      )
    return { byteLength, priority, writeTo: (target, offset) => encoded.writeTo(target, offset) }
  }

  #encodeAll(items: readonly T[], options: PriorityOption | undefined): Writable[] {
    if (!Array.isArray(items)) throw invalidArgument('items must be an array')
    const priority = priorityOf(options)
    // Not by map: it passes over the holes of a list.
    return Array.from(items as ArrayLike<T>, (item) => this.#encode(item, priority))
  }
}

function placeFor(options: ThreadSafePriorityQueueOptions | undefined): Place {
  const { capacity = 1_000, capacityBytes = 262_144, memory } = objectOption(options)
  const items = wholeNumber('capacity', capacity, 1, mostCapacity)
  const bytes = wholeNumber('capacityBytes', capacityBytes, 1, mostCapacityBytes)
  const place = kind.allocate((slots) => priorityPartsOf(slots, items, bytes).end, memory)
  SharedHeap.format(place, items, bytes)
  return kind.publish(place)
}

function priorityOf(options: PriorityOption | undefined): number {
  const { priority = 0 } = objectOption(options)
  return wholeNumber('priority', priority, -(2 ** 31), 2 ** 31 - 1)
}

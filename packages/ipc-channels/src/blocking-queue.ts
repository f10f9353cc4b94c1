import type { AcquireOptions, AcquireSyncOptions, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  booleanOption,
  type ObjectKind,
  objectOption,
  type Place,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { ClosedError } from './errors.js'
import type { QueueCore } from './queue-core.js'
import type { ShutdownOptions, ThreadSafeQueueStats } from './queue-options.js'
import { Registration } from './registration.js'
import { CONSUMERS, PRODUCERS } from './ring/layout.js'

/**
 * What all queues have in common: how items are taken, how they end, and what they tell. Which item is the next one, and how
 * items are put, is for each class to say.
 */
export abstract class BlockingQueue<T> {
  readonly #kind: ObjectKind
  readonly #place: Place
  readonly #core: QueueCore<T>

  /** @internal */
  constructor(kind: ObjectKind, place: Place, core: QueueCore<T>) {
    this.#kind = kind
    this.#place = place
    this.#core = core
  }

  /**
   * Takes the next item, without blocking the thread, when there is one; waits behind earlier gets of this thread.
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
   * Takes the next item, and blocks this thread and its event loop until there is one. On a main thread prefer
   * {@link BlockingQueue.get}. Tasks of this thread do not run meanwhile: if only they can put, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link BlockingQueue.get}, but there is no signal
   */
  getSync(options?: AcquireSyncOptions): T {
    return this.#core.getSync(options)
  }

  /**
   * Takes the next item if that needs no waiting: there is one, and no earlier get of this thread waits. Does not block.
   *
   * @returns the item in a box, since it may itself be undefined; or undefined, and nothing was taken
   * @throws as {@link BlockingQueue.get}, but for QueueEmptyError
   */
  tryGet(): { readonly item: T } | undefined {
    const found = this.#core.tryGet()
    if (!found) this.#core.countError()
    return found
  }

  /**
   * Waits until there is an item, without blocking the thread, and takes the next ones that are there, at one moment.
   * Otherwise as {@link BlockingQueue.get}.
   *
   * @param most - how many at most; a whole number, 1 or more, or Infinity
   * @returns one or more, in their order
   * @throws TypeError `ERR_BAD_HANDLE`, CorruptError `ERR_CORRUPT`: one cannot be read here, and is gone; `items` of the error
   * are the others
   */
  async getMany(most: number, options?: AcquireOptions): Promise<T[]> {
    return this.#core.getMany(checkMost(most), options)
  }

  /** The same, and blocks as {@link BlockingQueue.getSync} does. */
  getManySync(most: number, options?: AcquireSyncOptions): T[] {
    return this.#core.getManySync(checkMost(most), options)
  }

  /**
   * Takes the next items that are there, at one moment. Does not block.
   *
   * @returns none, when there is none or an earlier get of this thread waits
   * @throws as {@link BlockingQueue.getMany}, but for QueueEmptyError
   */
  tryGetMany(most: number): T[] {
    const found = this.#core.tryGetMany(checkMost(most))
    if (found.length === 0) this.#core.countError()
    return found
  }

  /**
   * Takes the items one by one, as {@link BlockingQueue.get} does, and ends when the queue is closed, or all registered
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
   * Closes the queue as {@link BlockingQueue.close} does. Does not block.
   *
   * @param options.immediate - takes all that is inside, at the same moment: every get fails from then on
   * @returns what was inside if it was immediate, in the order in which it would have been taken; otherwise nothing
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was changed
   * @throws TypeError `ERR_BAD_HANDLE`, CorruptError `ERR_CORRUPT`: one of the items cannot be read here; it is closed, and
   * `items` of the error are the others
   */
  shutdown(options?: ShutdownOptions): T[] {
    if (booleanOption('immediate', objectOption(options).immediate)) return this.#core.closeAndDrain()
    this.close()
    return []
  }

  /**
   * Says that items which were taken are done: of this thread's own first, then of others'. {@link BlockingQueue.join} waits
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
    return this.#core.store.capacity
  }

  /** The most bytes that the items inside take together. */
  get capacityBytes(): number {
    return this.#core.store.capacityBytes
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
    return this.#kind.handleOf(this.#place)
  }
}

const checkMost = (most: number): number =>
  most === Number.POSITIVE_INFINITY ? most : wholeNumber('most', most, 1, Number.MAX_SAFE_INTEGER)

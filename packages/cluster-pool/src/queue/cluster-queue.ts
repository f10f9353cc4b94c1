import { randomUUID } from 'node:crypto'
import { fromBytes, toBytes } from '@heddle/codec'
import { ClosedError, QueueFullError } from '@heddle/pool-core'
import { invalidArgument, wholeNumber } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { nameOf } from '../connection/cluster-options.js'
import { serverOf } from '../connection/cluster-server.js'
import { QueueEmptyError } from '../errors.js'
import type { ClusterDelivery } from './cluster-delivery.js'
import { Mailbox } from './mailbox.js'
import { PostgresQueue } from './postgres-queue-store.js'
import { PutLine } from './put-line.js'
import { QueueGets } from './queue-gets.js'
import {
  type ClusterDeadLetter,
  type ClusterQueueOptions,
  type ClusterQueueStats,
  type QueueWaitOptions,
  queueLimitsOf,
} from './queue-options.js'
import type { QueueStore } from './queue-store.js'
import { RedisQueue } from './redis-queue.js'
import { waitLimitsOf } from './wait-limits.js'

const noWait: QueueWaitOptions = { timeout: 0 }

/**
 * A first-in-first-out queue on the cluster's server: any number of programs put, any number get. All objects of one name, in
 * clusters of one prefix, are the same queue.
 *
 * Items are copied by the codec's rules when they are put. An item is in the queue from when `put` has resolved, and is as
 * durable as the server is. Two ways to take it: {@link ClusterQueue.get} takes it off at once, at most once: whoever dies then
 * takes it along. {@link ClusterQueue.receive} leaves it there, claimed, until it is acknowledged, at least once: of whoever dies,
 * it is delivered to another one within a second after the lease has run out.
 *
 * Order: an item keeps its place. What comes back is before all that were put later; so one consumer that takes one at a time
 * sees the order of the puts, whatever happens. The calls of one object go in the order they came; between objects there is no
 * order: a late caller may pass a waiting one.
 *
 * A broken connection: everything is asked again until the server has answered for it, or has not for `serverTimeout`
 * milliseconds. The server knows a put, claim or acknowledgement that it has seen, so that none of them happens twice. It
 * remembers the last ones of each object for an hour.
 *
 * Nothing here blocks the thread. A call that waits keeps the process alive; the object itself does not, and needs no closing.
 */
export class ClusterQueue<T> {
  /** Its name on the server. */
  readonly name: string
  /** The most items that are waiting or claimed, for this object. */
  readonly capacity: number
  readonly #store: QueueStore
  readonly #puts: PutLine
  readonly #gets: QueueGets<T>

  /**
   * Opens the queue of that name; if there is none, it is made with the first use. Does not ask the server.
   *
   * @param name - 1 to 200 characters
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments
   */
  constructor(cluster: Cluster, name: string, options?: ClusterQueueOptions) {
    const server = serverOf(cluster)
    this.name = nameOf(name)
    const limits = queueLimitsOf(options)
    this.capacity = limits.capacity
    const mailbox = Mailbox.of(server)
    const id = randomUUID()
    this.#store =
      server.engine === 'redis'
        ? new RedisQueue(server, name, id, mailbox.channel)
        : new PostgresQueue(server, name, id, mailbox.channel)
    this.#puts = new PutLine(this.#store, mailbox, id, limits.capacity)
    this.#gets = new QueueGets<T>(this.#store, mailbox, id, limits)
  }

  /**
   * Puts a copy of the item at the end; waits until the server has it, while the queue is full behind earlier puts of this
   * object. The copy is made at the call.
   *
   * A timeout or an abort ends the wait for room. What has been sent to the server is in the queue, or is not, by its answer,
   * which takes at most `serverTimeout`: when that is yes, the put resolves, although the time is over.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: no room in time; nothing was put, the error has the `item`
   * @throws (rejects) ClosedError `ERR_CLOSED`: the queue is closed, or was while this waited; nothing was put
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was put
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it may be put, or not
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: the item holds what cannot be copied; nothing was put
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was put
   */
  async put(item: T, options?: QueueWaitOptions): Promise<void> {
    const body = toBytes(item)
    await this.#puts.put([body], waitLimitsOf(options), () => item)
  }

  /**
   * Puts a copy of the item at the end if there is room, and no earlier put of this object waits. Waits for the server's answer.
   *
   * @returns whether it was put
   * @throws (rejects) as {@link ClusterQueue.put}, but for QueueFullError
   */
  async tryPut(item: T): Promise<boolean> {
    try {
      await this.put(item, noWait)
      return true
    } catch (error) {
      if (error instanceof QueueFullError) return false
      throw error
    }
  }

  /**
   * Puts copies of several items, in their order, as many at a time as have room; items of other objects may come in between.
   * Otherwise as {@link ClusterQueue.put}; nothing is put if one of them cannot be copied.
   *
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: `item` of the error is the list of those that were not put
   * @throws (rejects) ClosedError `ERR_CLOSED`, ClusterError `ERR_SERVER_UNAVAILABLE`, the reason of `options.signal`: the first
   * ones may have been put
   */
  async putMany(items: readonly T[], options?: QueueWaitOptions): Promise<void> {
    if (!Array.isArray(items)) throw invalidArgument('items must be an array')
    // Not by map: it passes over the holes of a list.
    const bodies = Array.from(items as ArrayLike<T>, (item) => toBytes(item))
    const limits = waitLimitsOf(options)
    if (bodies.length > 0) await this.#puts.put(bodies, limits, (accepted) => items.slice(accepted))
  }

  /**
   * Takes the next item off for good; waits until there is one, behind earlier calls of this object. It is claimed first, and
   * confirmed before this resolves: if that is cut short, the item comes again, in its old place, when the lease has run out.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) QueueEmptyError `ERR_TIMEOUT`: no item in time; nothing was taken
   * @throws (rejects) ClosedError `ERR_CLOSED`: the queue is closed, nothing is left in it, and nothing can come back
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was taken
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; if it was while confirming, an item may be gone
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, `ERR_BAD_HANDLE`: the item cannot be read here: another version has put it,
   * or it names what is of another machine; it stays in the queue
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  async get(options?: QueueWaitOptions): Promise<T> {
    const [item] = await this.#gets.take(1, waitLimitsOf(options))
    return item as T
  }

  /**
   * Takes the next item off if there is one, and no earlier call of this object waits. Waits for the server's answer.
   *
   * @returns the item in a box, since it may itself be undefined; or undefined, and nothing was taken
   * @throws (rejects) as {@link ClusterQueue.get}, but for QueueEmptyError
   */
  async tryGet(): Promise<{ readonly item: T } | undefined> {
    try {
      return { item: await this.get(noWait) }
    } catch (error) {
      if (error instanceof QueueEmptyError) return undefined
      throw error
    }
  }

  /**
   * Takes the next items that are there, at one moment; waits until there is one. Otherwise as {@link ClusterQueue.get}.
   *
   * @param most - how many at most; a whole number, 1 or more; no more than 1,000 come at a time
   * @returns one or more, in their order
   */
  async getMany(most: number, options?: QueueWaitOptions): Promise<T[]> {
    wholeNumber('most', most, 1)
    return this.#gets.take(most, waitLimitsOf(options))
  }

  /**
   * Claims the next item; waits until there is one, behind earlier calls of this object. It stays in the queue until it is
   * acknowledged, and its lease is renewed for so long.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) as {@link ClusterQueue.get}; nothing is claimed then
   */
  async receive(options?: QueueWaitOptions): Promise<ClusterDelivery<T>> {
    return this.#gets.receive(waitLimitsOf(options))
  }

  /**
   * Takes the items one by one, as {@link ClusterQueue.get} does, and ends when the queue is closed and nothing is left in it.
   * Leaving the loop takes nothing more. Several loops, in any programs, share the items: each goes to one of them.
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

  /**
   * Closes the queue for all: nothing can be put any more, what is inside can still be taken, and then every get fails. What is
   * claimed counts as inside, since it may come back. It stays closed until {@link ClusterQueue.destroy}. Waits for the server's
   * answer; a second call does nothing.
   *
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it may be done, or not
   */
  close(): Promise<void> {
    return this.#store.close()
  }

  /** The number of items that can be taken now; those that are claimed are not counted. It may be stale when you read it. */
  async size(): Promise<number> {
    return (await this.#store.state()).waiting
  }

  /** What is inside, at one moment. It may be stale when you read it. */
  async getStats(): Promise<ClusterQueueStats> {
    const { waiting, claimed, deadLetters, isClosed } = await this.#store.state()
    return { waiting, claimed, deadLetters, capacity: this.capacity, closed: isClosed }
  }

  /**
   * Drops all items that can be taken. What is claimed, and the dead letters, stay.
   *
   * @returns how many were dropped; after a broken connection it may be less
   */
  clear(): Promise<number> {
    return this.#store.clear()
  }

  /**
   * Removes the queue and all that is in it from the server: items, claims, dead letters, and that it was closed. Who holds an item
   * has lost it. Who waits goes on to wait; the name is as one that was never used. After a broken connection it may be done twice.
   */
  destroy(): Promise<void> {
    return this.#store.destroy()
  }

  /**
   * The items that were delivered too often, the oldest first. They stay.
   *
   * @param most - how many at most; a whole number, 1 or more; default: 100
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, `ERR_BAD_HANDLE`: one of them cannot be read here
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: bad number
   */
  async getDeadLetters(most = 100): Promise<ClusterDeadLetter<T>[]> {
    const letters = await this.#store.deadLetters(wholeNumber('most', most, 1))
    return letters.map(({ body, attempt }) => ({ item: fromBytes(body) as T, attempts: attempt }))
  }

  /** Puts all dead letters back into their old places, whether or not there is room, as if they were new. Returns how many. */
  retryDeadLetters(): Promise<number> {
    return this.#store.retryDeadLetters()
  }

  /** Drops all dead letters. Returns how many. */
  clearDeadLetters(): Promise<number> {
    return this.#store.clearDeadLetters()
  }
}

import { type EncodedBytes, encodeBytes } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, Memory, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  deadlineOf,
  describe,
  invalidArgument,
  isAbort,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
  runBlocking,
  signalOf,
  throwIfClosed,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { ClosedError, corrupt, QueueFullError } from './errors.js'
import { mostCapacity, mostCapacityBytes } from './ring/layout.js'
import { FULL, OVER } from './ring/outcomes.js'
import { copyOf, type Writable } from './ring/scratch.js'
import { waitUntil } from './ring/signal.js'
import { DISCONNECT, mostMaxSubscribers, SKIP, topicPartsOf, WAIT } from './topic/layout.js'
import { LocalTopic } from './topic/local-topic.js'
import { SharedTopic } from './topic/shared-topic.js'
import { census, NO_RECORD } from './topic/subscribers.js'
import type { SubscribeOptions, TopicOptions, TopicStats } from './topic-options.js'
import { Subscription } from './topic-subscription.js'

const kind = new ObjectKind({
  name: 'ipc-channels/Topic',
  version: 1,
  tag: 0x546f7069, // "Topi"
  fromHandle: (handle) => Topic.fromHandle(handle),
})

const policies: ReadonlyMap<unknown, number> = new Map([
  ['wait', WAIT],
  ['skip', SKIP],
  ['disconnect', DISCONNECT],
])

/**
 * Broadcast: any number of threads publish, and processes in a segment, and each subscription gets all messages that are
 * published after it was made, in one order that all of them see.
 *
 * Messages are copied, by the codec's rules, when they are published. They are kept until room is needed for others; each
 * subscription says what happens then if it has not read them, see {@link Topic.subscribe}. Without subscriptions a message
 * is gone at once: nobody who subscribes later sees it.
 *
 * Fairness: the calls of one thread that publish go in the order they came, whether they await or block. Between threads there
 * is no order: a late caller may pass a waiting one. Memory: what was written before a message was published is visible to
 * whoever has received it.
 *
 * Death: who is killed in the middle of publishing has published nothing, or the whole message. A subscription ends with its
 * thread: publishers that wait for it notice it and go on. Nobody else loses anything or waits for the dead, but for messages
 * that were about to be overwritten: `skip` and `disconnect` subscriptions may have lost them though nothing was published.
 *
 * Closed: when its memory is closed, as a segment can be, every method but `toHandle` throws ClosedError `ERR_CLOSED`, and so
 * does every call that waits.
 */
export class Topic<T> {
  readonly #place: Place
  readonly #topic: SharedTopic
  readonly #local: LocalTopic
  readonly #memory: Memory

  /**
   * Makes a new topic without subscriptions. Does not block. All of its memory is taken at once.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or no room in `memory`
   * @throws ClosedError `ERR_CLOSED`: `memory` was closed
   */
  constructor(options?: TopicOptions)
  /** @internal */
  constructor(place: Place)
  constructor(options?: TopicOptions | Place) {
    this.#place = options instanceof Place ? options : placeFor(options)
    this.#topic = new SharedTopic(this.#place)
    this.#local = LocalTopic.of(this.#topic)
    this.#memory = this.#topic.memory
  }

  /**
   * Publishes a copy of the message, without blocking the thread, when there is room; waits behind earlier calls of this
   * thread. The copy is made at the call, and if there is room it is published when the call returns. There is always room
   * unless a subscription with `whenSlow: 'wait'` has not read what would be overwritten. A pending call keeps the process
   * alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueFullError `ERR_TIMEOUT`: no room in time; nothing was published, the error has the message as its `item`
   * @throws ClosedError `ERR_CLOSED`: the topic is closed, or was while this waited; nothing was published
   * @throws the reason of `options.signal` as given, when it aborts; nothing was published
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the message holds what cannot be copied; nothing was published
   * @throws RangeError `ERR_OUT_OF_RANGE`: it takes more than `capacityBytes` bytes, or a bad timeout; nothing was published
   * @throws TypeError `ERR_INVALID_ARG`: bad options; nothing was published
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the topic's memory; nothing was published
   */
  async publish(message: T, options?: AcquireOptions): Promise<void> {
    const encoded = this.#encode(message)
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.#tryPublish(encoded)) return
    if (deadline <= performance.now()) throw this.#full(message)
    const copy = copyOf(encoded)
    const begin = () => waitUntil(this.#memory, this.#topic.room, () => this.#publish(copy), neverMore)
    const { result, ending } = await this.#local.publishes.run(begin, undefined, deadline, abort)
    if (result) return
    if (isAbort(ending)) throw ending.reason
    throw this.#full(message)
  }

  /**
   * The same, and blocks this thread and its event loop until there is room. On a main thread prefer {@link Topic.publish}.
   * Tasks of this thread do not run meanwhile: if it waits for a subscription of this thread that nobody reads, it waits for
   * ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link Topic.publish}, but there is no signal
   */
  publishSync(message: T, options?: AcquireSyncOptions): void {
    const encoded = this.#encode(message)
    const deadline = deadlineOf(options)
    const attempt = () => this.#tryPublish(encoded)
    if (attempt()) return
    if (!runBlocking(this.#memory, waitUntil(this.#memory, this.#topic.room, attempt, neverMore), deadline))
      throw this.#full(message)
  }

  /**
   * Publishes a copy of the message if that needs no waiting: there is room, and no earlier call of this thread waits. Does not
   * block.
   *
   * @returns whether it was published
   * @throws as {@link Topic.publish}, but for QueueFullError
   */
  tryPublish(message: T): boolean {
    const isPublished = this.#tryPublish(this.#encode(message)) === true
    if (!isPublished) this.#topic.countError()
    return isPublished
  }

  /**
   * A new subscription, of this thread: it gets what is published from now on. One to a closed topic gets nothing, and its
   * loop ends at once. Does not block.
   *
   * @param options.whenSlow - `wait` (default): publishers wait for it, and nothing is lost. `skip`: the oldest messages that
   * it has not read are overwritten, and it is told how many, see {@link Subscription.lost}. `disconnect`: it is cut off when
   * one would be overwritten, and its next call says so
   * @throws RangeError `ERR_OUT_OF_RANGE`: there are `maxSubscribers` already, of threads that live
   * @throws TypeError `ERR_INVALID_ARG`: bad options
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the topic's memory
   */
  subscribe(options?: SubscribeOptions): Subscription<T> {
    const { whenSlow = 'wait' } = objectOption(options)
    const policy = policies.get(whenSlow)
    if (policy === undefined)
      throw invalidArgument(`whenSlow must be 'wait', 'skip' or 'disconnect', not ${describe(whenSlow)}`)
    throwIfClosed(this.#memory)
    const subscriber = this.#topic.subscribe(policy)
    throwIfClosed(this.#memory)
    if (subscriber === NO_RECORD)
      throw outOfRange(`the topic has ${this.maxSubscribers} subscriptions already: see its option maxSubscribers`)
    if (typeof subscriber === 'number') throw brokenTopic()
    return new Subscription<T>(this.#topic, this.#local, subscriber)
  }

  /**
   * Closes the topic, for all threads and processes and for good: nothing can be published any more; subscriptions still get
   * what they have not read, and then ClosedError. Wakes all who wait: those who publish reject with `ERR_CLOSED`, and so do
   * those for whom no message is left. A second call does nothing. Does not block.
   */
  close(): void {
    throwIfClosed(this.#memory)
    this.#topic.close()
    this.#local.publishWhatWaits()
    this.#local.receiveWhatWaits()
  }

  /** The most messages that are kept. */
  get capacity(): number {
    return this.#topic.capacity
  }

  /** The most bytes that the messages which are kept take together. */
  get capacityBytes(): number {
    return this.#topic.capacityBytes
  }

  /** The most subscriptions at a time. */
  get maxSubscribers(): number {
    return this.#topic.maxSubscribers
  }

  /** Whether it was closed. Subscriptions may still have messages to read. */
  get closed(): boolean {
    const closed = this.#topic.isOver
    throwIfClosed(this.#memory)
    return closed
  }

  /** What all threads and processes together have counted: a snapshot, it may be stale when you read it. Does not block. */
  getStats(): TopicStats {
    const { publishCount, lost, errors } = this.#topic
    const { subscribers, pending } = census(this.#topic)
    return { publishCount, lost, errors, subscribers, pending, closed: this.closed }
  }

  /** Plain data for other threads; of a topic in a segment, for other processes too, also as JSON. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the topic that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a topic, or a damaged one; or it came from another process, and the topic
   * is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws what opening the segment throws
   */
  static fromHandle<T>(handle: SharedObjectHandle): Topic<T> {
    return new Topic<T>(kind.open(handle))
  }

  /** Publishes if no earlier call of this thread waits; those that do are looked after first. */
  #tryPublish(message: Writable): true | undefined {
    this.#local.publishWhatWaits()
    return this.#local.publishes.size === 0 ? this.#publish(message) : undefined
  }

  #publish(message: Writable): true | undefined {
    throwIfClosed(this.#memory)
    let done = this.#topic.publish(message)
    if (done === FULL) {
      // Those of this thread that wait for a message cannot make room by themselves while it blocks.
      this.#local.receiveWhatWaits()
      done = this.#topic.publish(message)
    }
    throwIfClosed(this.#memory)
    if (done === FULL) return undefined
    if (done === OVER) throw new ClosedError('the topic was closed: nothing can be published')
    if (done < 0) throw brokenTopic()
    this.#local.receiveWhatWaits()
    return true
  }

  #full(message: T): QueueFullError {
    this.#topic.countError()
    return new QueueFullError([message], 'the topic had no room in time: a subscription has still to read')
  }

  /** @throws NotCloneableError; RangeError: it is larger than the topic */
  #encode(message: T): EncodedBytes {
    const encoded = encodeBytes(message)
    const { capacityBytes } = this.#topic
    if (encoded.byteLength > capacityBytes)
      throw outOfRange(
        `the message takes ${encoded.byteLength} bytes; this topic holds ${capacityBytes}: see its option capacityBytes`,
      )
    return encoded
  }
}

function placeFor(options: TopicOptions | undefined): Place {
  const { capacity = 1_000, capacityBytes = 262_144, maxSubscribers = 16, memory } = objectOption(options)
  const sizes = {
    capacity: wholeNumber('capacity', capacity, 1, mostCapacity),
    capacityBytes: wholeNumber('capacityBytes', capacityBytes, 1, mostCapacityBytes),
    maxSubscribers: wholeNumber('maxSubscribers', maxSubscribers, 1, mostMaxSubscribers),
  }
  const place = kind.allocate(() => topicPartsOf(sizes.capacity, sizes.capacityBytes, sizes.maxSubscribers).end, memory)
  SharedTopic.format(place, sizes)
  return kind.publish(place)
}

const neverMore = () => false
const brokenTopic = () => corrupt('the counts of a topic do not fit')

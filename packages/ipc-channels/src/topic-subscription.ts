import type { AcquireOptions, AcquireSyncOptions } from '@heddle/sync-primitives'
import {
  deadlineOf,
  isAbort,
  type Lane,
  laneOf,
  runBlocking,
  signalOf,
  throwIfClosed,
} from '@heddle/sync-primitives/building-blocks'
import { BrokenError, ClosedError, corrupt, QueueEmptyError } from './errors.js'
import { DAMAGED, EMPTY, OVER } from './ring/outcomes.js'
import { decodeTaken } from './ring/scratch.js'
import { nobodyElse, waitUntil } from './ring/signal.js'
import type { LocalTopic } from './topic/local-topic.js'
import { CUT_OFF, type Subscriber } from './topic/reading.js'
import type { SharedTopic } from './topic/shared-topic.js'

/** A message in a box, since it may be undefined. */
export interface Received<T> {
  readonly message: T
  /** How many messages between the one received before and this one were overwritten before they were read. */
  readonly lost: number
}

/** How often a thread that is about to block looks whether a message has just come. */
const mostSpins = 100

/**
 * One reader of a {@link Topic}, of the thread that has subscribed: it sees each message that is published after that, once,
 * in the order that all subscribers see, but for those it has lost.
 *
 * Several calls that wait get their messages in the order they came. While a subscription is open it is counted, and with
 * `whenSlow: 'wait'` it holds publishers back: close it, or declare it with `using`. It ends with its thread, too.
 */
export class Subscription<T> {
  readonly #topic: SharedTopic
  readonly #local: LocalTopic
  readonly #subscriber: Subscriber
  readonly #receives: Lane<Received<T> | undefined>
  /** Why nothing more comes. */
  #end: 'closed' | 'cut off' | undefined
  /** Of `lost`, what was said with a message. */
  #saidLost = 0

  /** @internal */
  constructor(topic: SharedTopic, local: LocalTopic, subscriber: Subscriber) {
    this.#topic = topic
    this.#local = local
    this.#subscriber = subscriber
    this.#receives = laneOf(topic.memory, subscriber.record)
    local.add(this)
  }

  /**
   * Waits, without blocking the thread, for the next message, behind earlier calls of this subscription. A pending call keeps
   * the process alive. One that fails has received nothing, but for a message that cannot be opened here.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws QueueEmptyError `ERR_TIMEOUT`: no message in time
   * @throws ClosedError `ERR_CLOSED`: the topic was closed and all its messages were received, or the subscription was closed
   * @throws BrokenError `ERR_PEER_GONE`: the subscription was too slow and is cut off (`whenSlow: 'disconnect'`); so it stays
   * @throws the reason of `options.signal` as given, when it aborts
   * @throws TypeError `ERR_BAD_HANDLE`: the message holds a shared object that cannot be opened here; it is passed over
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the topic's memory; the message is passed over, or
   * nothing was received
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async receive(options?: AcquireOptions): Promise<T> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const found = this.#tryTake()
    if (found) return found.message
    if (deadline <= performance.now()) throw this.#nothing()
    const begin = () => waitUntil(this.#topic.memory, this.#topic.messages, this.#take, nobodyElse)
    const { result, ending } = await this.#receives.run(begin, undefined, deadline, abort)
    if (result) return result.message
    if (isAbort(ending)) throw ending.reason
    throw this.#nothing()
  }

  /**
   * The same, and blocks this thread and its event loop until there is a message. On a main thread prefer
   * {@link Subscription.receive}. Tasks of this thread do not run meanwhile: if only they publish, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws as {@link Subscription.receive}, but there is no signal
   */
  receiveSync(options?: AcquireSyncOptions): T {
    const deadline = deadlineOf(options)
    const found = this.#tryTake() ?? this.#block(deadline)
    if (!found) throw this.#nothing()
    return found.message
  }

  /**
   * The next message if there is one, and no earlier call of this subscription waits. Does not block.
   *
   * @returns the message in a box, with how many were lost right before it; or undefined
   * @throws as {@link Subscription.receive}, but for QueueEmptyError
   */
  tryReceive(): Received<T> | undefined {
    const found = this.#tryTake()
    if (!found) this.#topic.countError()
    return found
  }

  /**
   * Receives message by message, as {@link Subscription.receive} does, and ends when the topic was closed and all its messages
   * were received, or when the subscription was closed. Leaving the loop leaves the subscription open.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let message: T
      try {
        message = await this.receive()
      } catch (error) {
        // Not if its memory is gone: there may be messages that nobody has seen.
        if (error instanceof ClosedError && !this.#topic.memory.isClosed) return
        throw error
      }
      yield message
    }
  }

  /**
   * How many messages it has missed in all, because they were overwritten before it had read them. It grows within a call that
   * receives: what was missed before a message is counted when that message is received. With `whenSlow: 'wait'` it is 0.
   */
  get lost(): number {
    return this.#subscriber.lost
  }

  /** How many messages are there for it to receive: a snapshot, it may be stale when you read it. Does not block. */
  get pending(): number {
    if (this.#end) return 0
    const pending = this.#topic.pendingOf(this.#subscriber)
    throwIfClosed(this.#topic.memory)
    return pending
  }

  /**
   * Ends the subscription: publishers do not wait for it any more, its place is free for another one, and its calls that wait
   * reject with `ERR_CLOSED`. A second call does nothing, nor one in a closed segment. Does not block.
   */
  close(): void {
    if (this.#end === 'closed') return
    this.#leave('closed')
    this.lookAgain()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @internal */
  lookAgain(): void {
    if (this.#receives.size > 0) this.#receives.lookAgain()
  }

  #leave(end: 'closed' | 'cut off'): void {
    const hasRecord = this.#end === undefined
    this.#end = end
    this.#local.delete(this)
    if (!hasRecord || this.#topic.memory.isClosed) return
    this.#topic.unsubscribe(this.#subscriber)
    this.#local.publishWhatWaits()
  }

  /** Receives if no earlier call of this subscription waits; those that do are looked after first. */
  #tryTake(): Received<T> | undefined {
    this.lookAgain()
    return this.#receives.size === 0 ? this.#take() : undefined
  }

  readonly #take = (): Received<T> | undefined => {
    const { memory } = this.#topic
    throwIfClosed(memory)
    this.#throwIfEnded()
    const { cursor } = this.#subscriber
    let found = this.#topic.receive(this.#subscriber)
    if (found === EMPTY && this.#local.publishes.size > 0) {
      // They cannot publish by themselves while this thread blocks, and may wait for others of this thread who cannot receive.
      this.#local.receiveWhatWaits()
      this.#local.publishWhatWaits()
      found = this.#topic.receive(this.#subscriber)
    }
    throwIfClosed(memory)
    if (found === EMPTY) return undefined
    if (found > 0) {
      // Now: whatever runs next may use the scratch.
      const message = decodeTaken(found) as T
      const lost = this.#subscriber.lost - this.#saidLost
      this.#saidLost = this.#subscriber.lost
      this.#local.publishWhatWaits()
      return { message, lost }
    }
    if (found === OVER) throw new ClosedError('the topic was closed, and nothing is left for this subscription')
    if (found === CUT_OFF) this.#leave('cut off')
    this.#throwIfEnded()
    if (this.#subscriber.cursor !== cursor) this.#local.publishWhatWaits()
    if (found === DAMAGED) throw corrupt('a message of a topic lies outside of it; it is passed over')
    throw corrupt('the counts of a topic do not fit')
  }

  #throwIfEnded(): void {
    if (this.#end === 'closed') throw new ClosedError('the subscription was closed')
    if (this.#end === 'cut off')
      throw new BrokenError(`the subscription was too slow and is cut off: ${this.lost} messages were overwritten`)
  }

  readonly #hasMessages = (): boolean => this.#end === undefined && this.#topic.publishCount !== this.#subscriber.cursor

  /** Blocks until there is a message, or the time is up. */
  #block(deadline: number): Received<T> | undefined {
    const { memory, messages } = this.#topic
    // A publisher is often in the middle of it: to sleep and be woken takes much longer.
    for (let spin = 0; spin < mostSpins; spin++) if (this.#hasMessages()) break
    // Behind those of this subscription that wait already.
    const attempt = () => this.#tryTake()
    return runBlocking(memory, waitUntil(memory, messages, attempt, nobodyElse), deadline)
  }

  #nothing(): QueueEmptyError {
    this.#topic.countError()
    return new QueueEmptyError('no message came in time')
  }
}

import { fromBytes } from '@heddle/codec'
import { ClosedError } from '@heddle/pool-core'
import { startTimer, type WaitLimits } from '@heddle/pool-core/building-blocks'
import type { NoticeListener, Notices, Unsubscribe } from '../connection/server.js'
import { ClusterError, QueueEmptyError } from '../errors.js'
import { waitLimitsOf } from '../queue/wait-limits.js'
import { Waiter } from '../queue/waiter.js'
import type { ClusterReceived, TopicWaitOptions } from './topic-options.js'
import { type TopicStore, topicNoticeOf } from './topic-store.js'

/** A message that was not received yet. */
interface Kept {
  readonly body: string
  /** How many were missed between the one before, as the subscriber gets it, and this one. */
  lost: number
}

/** How often the place of the last message is asked for until it is heard. */
const askMs = 1_000

/**
 * One reader of a topic: it sees each message that is published after it was made, once, in the order that all subscriptions
 * see, but for those that it has lost.
 *
 * Several calls that wait get their messages in the order they came. An open subscription does not keep the process alive; a
 * call that waits does. Close it, or declare it with `using`, when it is not needed any more: until then messages are kept for it.
 *
 * Invariant: `#place` is that of the last message or mark that was heard; what is missing in between when the next one is heard
 * was lost. After a gap a mark is asked for until one is heard, so that this is noticed although nothing is published any more.
 * Invariant: nobody waits while a message is kept.
 */
export class ClusterSubscription<T> {
  readonly #store: TopicStore
  readonly #capacity: number
  readonly #kept = new Set<Kept>()
  readonly #waiting = new Set<Waiter<T>>()
  #epoch: string | undefined
  #place = 0
  #lost = 0
  /** Of those, how many come after the last message that was heard. */
  #lostSince = 0
  #onHeard: () => void = () => undefined
  #unsubscribe: Unsubscribe | undefined
  #stopTimer: (() => void) | undefined
  #end: Error | undefined

  /** @internal */
  constructor(store: TopicStore, capacity: number) {
    this.#store = store
    this.#capacity = capacity
  }

  /** Resolves when it hears what is published from now on. @internal */
  async open(notices: Notices): Promise<void> {
    const listener: NoticeListener = {
      onMessage: (notice) => this.#hear(notice),
      onGap: () => this.#askForMark(),
      onClosed: () => this.#over(new ClusterError('ERR_SERVER_UNAVAILABLE', 'the cluster was closed')),
    }
    const unsubscribe = await notices.subscribe(this.#store.channel, listener)
    if (this.#end) {
      unsubscribe()
      throw this.#end
    }
    this.#unsubscribe = unsubscribe
    const heard = new Promise<void>((resolve) => {
      this.#onHeard = resolve
    })
    this.#askForMarkLater()
    await this.#store.mark()
    await heard
    if (this.#end) throw this.#end
  }

  /**
   * Waits for the next message, behind earlier calls of this subscription. One that fails has received nothing, but for a
   * message that cannot be read here.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 looks once
   * @throws (rejects) QueueEmptyError `ERR_TIMEOUT`: no message in time
   * @throws (rejects) ClosedError `ERR_CLOSED`: the subscription was closed
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the cluster was closed, and all that was kept was received
   * @throws (rejects) the reason of `options.signal` as given, when it aborts
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, `ERR_BAD_HANDLE`: the message cannot be read here: another version has
   * published it, or it names what is of another machine; it is passed over
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async receive(options?: TopicWaitOptions): Promise<T> {
    const limits = waitLimitsOf(options)
    const received = this.tryReceive()
    if (received) return received.message
    if (limits.timeout === 0) throw noMessage()
    return this.#wait(limits)
  }

  /**
   * The next message if there is one, and no earlier call of this subscription waits. Does not ask the server.
   *
   * @returns the message in a box, with how many were lost right before it; or undefined
   * @throws as {@link ClusterSubscription.receive}, but for QueueEmptyError
   */
  tryReceive(): ClusterReceived<T> | undefined {
    const [next] = this.#kept
    if (!next) {
      if (this.#end) throw this.#end
      return undefined
    }
    this.#kept.delete(next)
    return { message: read<T>(next.body), lost: next.lost }
  }

  /**
   * Receives message by message, as {@link ClusterSubscription.receive} does, and ends when the subscription was closed. Leaving
   * the loop leaves the subscription open.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let message: T
      try {
        message = await this.receive()
      } catch (error) {
        if (error instanceof ClosedError) return
        throw error
      }
      yield message
    }
  }

  /**
   * How many messages it has missed in all: those that were dropped since there was no room, and those that were published while
   * its connection was away. That is told a moment after the connection is back. It is too low where the server itself has lost
   * count, as a Redis that crashed and has lost its last second.
   */
  get lost(): number {
    return this.#lost
  }

  /** How many messages are there for it to receive. */
  get pending(): number {
    return this.#kept.size
  }

  /** Ends the subscription, and drops what was not received; calls that wait reject with `ERR_CLOSED`. A second call does nothing. */
  close(): void {
    this.#kept.clear()
    this.#over(new ClosedError('the subscription was closed'))
  }

  /** As {@link ClusterSubscription.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  #wait(limits: WaitLimits): Promise<T> {
    const waiter = new Waiter<T>(limits, () => this.#waiting.delete(waiter), noMessage)
    this.#waiting.add(waiter)
    return waiter.promise
  }

  #hear(notice: string): void {
    const { epoch, place, body } = topicNoticeOf(notice)
    const isFirst = this.#epoch === undefined
    // In another epoch, all of it until now. In the same one it goes back only if the server has lost what it knew.
    const missed = place - (epoch === this.#epoch ? this.#place : 0) - (body === undefined ? 0 : 1)
    this.#epoch = epoch
    this.#place = place
    if (body === undefined || isFirst) {
      this.#stopTimer?.()
      this.#onHeard()
    }
    if (isFirst) return
    if (missed > 0) {
      this.#lost += missed
      this.#lostSince += missed
    }
    if (body !== undefined) this.#take(body)
  }

  #take(body: string): void {
    const lost = this.#lostSince
    this.#lostSince = 0
    const [waiter] = this.#waiting
    if (waiter) {
      this.#waiting.delete(waiter)
      settle(waiter, body)
      return
    }
    this.#kept.add({ body, lost })
    if (this.#kept.size > this.#capacity) this.#dropOldest()
  }

  #dropOldest(): void {
    const [oldest, next] = this.#kept
    if (!oldest || !next) return
    this.#kept.delete(oldest)
    next.lost += oldest.lost + 1
    this.#lost += 1
  }

  #askForMark(): void {
    if (this.#end) return
    this.#askForMarkLater()
    this.#store.mark().catch(() => undefined)
  }

  /** Until it is heard. */
  #askForMarkLater(): void {
    this.#stopTimer?.()
    this.#stopTimer = startTimer(askMs, () => this.#askForMark(), { unref: true })
  }

  #over(end: Error): void {
    if (this.#end) return
    this.#end = end
    this.#stopTimer?.()
    this.#unsubscribe?.()
    this.#onHeard()
    for (const waiter of this.#waiting) waiter.reject(end)
    this.#waiting.clear()
  }
}

/** @throws TypeError `ERR_INVALID_ARG`, `ERR_BAD_HANDLE` */
function read<T>(body: string): T {
  return fromBytes(Buffer.from(body, 'base64')) as T
}

function settle<T>(waiter: Waiter<T>, body: string): void {
  try {
    waiter.resolve(read<T>(body))
  } catch (error) {
    waiter.reject(error)
  }
}

const noMessage = () => new QueueEmptyError('no message came in time')

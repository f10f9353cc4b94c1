import { giveSignal, removeSignal, SET, takeSignal, WAITERS } from './algorithms/auto-reset-event.js'
import { makeWayForBlocking } from './drivers/address-waiter.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { type Lane, laneOf } from './drivers/lane.js'
import { isAbort } from './drivers/patience.js'
import { sliceMs } from './drivers/perform.js'
import { type EventOptions, initiallySetOf } from './locks/event-options.js'
import { throwIfClosed } from './memory/closed.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, objectOption, signalOf } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/AutoResetEvent',
  version: 1,
  tag: 0x4175746f, // "Auto"
  fromHandle: (handle) => AutoResetEvent.fromHandle(handle),
})

/**
 * Something that happens for one: each `set` lets one waiter through, in all threads together, and is used up by it. A `set`
 * that finds nobody waiting stays until somebody comes; a second one before that changes nothing.
 *
 * Fairness: tasks of one thread that await it go through in the order they came. Between threads there is no order. Memory:
 * what was written before `set` is visible after the wait that it lets through. It has no owner: a thread that ends leaves it
 * as it is, and a signal that a thread has used up before it ended is gone.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits.
 */
export class AutoResetEvent {
  readonly #place: Place
  readonly #lane: Lane<boolean>

  /**
   * Makes a new event. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: bad arguments; RangeError `ERR_OUT_OF_RANGE`: no room in `memory`
   */
  constructor(initiallySet?: boolean, options?: EventOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first: boolean | Place = false, options?: EventOptions) {
    if (first instanceof Place) this.#place = first
    else {
      const isSet = initiallySetOf(first)
      const place = kind.allocate(() => 1, objectOption(options).memory)
      if (isSet) place.store(0, SET)
      this.#place = kind.publish(place)
    }
    this.#lane = laneOf(this.#place.memory, this.#place.at(0))
  }

  /** Whether it is set: a snapshot, it may be stale when you read it. */
  get isSet(): boolean {
    return (this.#place.load(0) & SET) !== 0
  }

  /** Lets one waiter through: one who waits, or the next one who comes. Does not block. */
  set(): void {
    const { memory } = this.#place
    const index = this.#place.at(0)
    throwIfClosed(memory)
    const seen = Atomics.compareExchange(memory.words, index, 0, SET)
    // What `giveSignal` does, without the cost of a generator: a third of a round trip between two processes.
    if (seen === WAITERS && Atomics.compareExchange(memory.words, index, WAITERS, SET) === WAITERS)
      memory.notify(index, 1)
    else if (seen !== 0) runWithoutWaiting(memory, giveSignal(index))
    throwIfClosed(memory)
  }

  /** Takes a signal away that nobody has used. Does not block. @returns whether there was one */
  reset(): boolean {
    return runWithoutWaiting(this.#place.memory, removeSignal(this.#place.at(0)))
  }

  /**
   * Waits for a signal and uses it up, without blocking the thread; behind earlier callers of this thread. A pending call
   * keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: there was none in time, and none was used up
   * @throws the reason of `options.signal` as given, when it aborts; no signal was used up
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; no signal was used up
   */
  async wait(options?: AcquireOptions): Promise<boolean> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.#lane.size === 0 && this.#takeIfSet()) return true
    const index = this.#place.at(0)
    const { result, ending } = await this.#lane.run(() => takeSignal(index), false, deadline, signal)
    if (!result && isAbort(ending)) throw ending.reason
    return result
  }

  /**
   * Waits for a signal and uses it up, and blocks this thread and its event loop. On a main thread prefer
   * {@link AutoResetEvent.wait}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: there was none in time, and none was used up
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; no signal was used up
   */
  waitSync(options?: AcquireSyncOptions): boolean {
    const deadline = deadlineOf(options)
    if (this.#takeIfSet()) return true
    const hasSlept = deadline === Number.POSITIVE_INFINITY && this.#sleepOnce()
    if (hasSlept && this.#takeAfterSleep()) return true
    return runBlocking(this.#place.memory, takeSignal(this.#place.at(0), hasSlept), deadline)
  }

  /** The first sleep of `takeSignal`, without the cost of a generator. @returns false: it may not, or need not */
  #sleepOnce(): boolean {
    const { memory } = this.#place
    const index = this.#place.at(0)
    throwIfClosed(memory)
    const seen = Atomics.compareExchange(memory.words, index, 0, WAITERS)
    if (seen !== 0 && seen !== WAITERS) return false
    if (this.#lane.size > 0) makeWayForBlocking(memory, index)
    try {
      memory.wait(index, WAITERS, sliceMs)
    } catch {
      // A thread that must not block is told why by the driver.
      return false
    }
    return true
  }

  /** Others may be asleep that cannot be seen: so the word says so. */
  #takeAfterSleep(): boolean {
    const { memory } = this.#place
    const isTaken = Atomics.compareExchange(memory.words, this.#place.at(0), SET, WAITERS) === SET
    throwIfClosed(memory)
    return isTaken
  }

  /**
   * Uses a signal up if there is one, and no task of this thread waits for one. Does not block.
   *
   * @returns whether there was one
   */
  tryWait(): boolean {
    throwIfClosed(this.#place.memory)
    return this.#lane.size === 0 && (this.#takeIfSet() || this.reset())
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the event that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of such an event, or it did not come from a thread of this process
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle): AutoResetEvent {
    return new AutoResetEvent(kind.open(handle))
  }

  /** The fast path: set, and nobody sleeps. */
  #takeIfSet(): boolean {
    const { memory } = this.#place
    if (memory.isClosed || Atomics.compareExchange(memory.words, this.#place.at(0), SET, 0) !== SET) return false
    return !memory.isClosed
  }
}

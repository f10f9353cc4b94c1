import { resetEvent, SET, setEvent, waitForEvent } from './algorithms/manual-reset-event.js'
import { runAwaiting } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { isAbort } from './drivers/patience.js'
import { type EventOptions, initiallySetOf } from './locks/event-options.js'
import { type AcquireOptions, type AcquireSyncOptions, deadlineOf, objectOption, signalOf } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/ManualResetEvent',
  version: 1,
  tag: 0x4d616e52, // "ManR"
  fromHandle: (handle) => ManualResetEvent.fromHandle(handle),
})

/**
 * Something that happens for everybody: while it is set, whoever waits goes through, until somebody resets it.
 *
 * Whoever waits when it is set goes through, also if it is reset before the waiter could look. Memory: what was written before
 * `set` is visible after the wait. It has no owner: a thread that ends leaves it as it is.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits.
 */
export class ManualResetEvent {
  readonly #place: Place

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
  }

  /** Whether it is set: a snapshot, it may be stale when you read it. */
  get isSet(): boolean {
    return (this.#place.load(0) & SET) !== 0
  }

  /** Sets it and wakes everybody who waits. Does not block. If it is set already, nothing happens. */
  set(): void {
    runWithoutWaiting(this.#place.memory, setEvent(this.#place.at(0)))
  }

  /** From now on whoever comes waits. Does not block. If it is not set, nothing happens. */
  reset(): void {
    runWithoutWaiting(this.#place.memory, resetEvent(this.#place.at(0)))
  }

  /**
   * Waits until it is set, without blocking the thread. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: it was not set in time
   * @throws the reason of `options.signal` as given, when it aborts
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async wait(options?: AcquireOptions): Promise<boolean> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.isSet) return true
    const { memory } = this.#place
    const { result, ending } = await runAwaiting(memory, waitForEvent(this.#place.at(0)), deadline, signal)
    if (!result && isAbort(ending)) throw ending.reason
    return result
  }

  /**
   * Waits until it is set, and blocks this thread and its event loop. On a main thread prefer {@link ManualResetEvent.wait}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: it was not set in time
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  waitSync(options?: AcquireSyncOptions): boolean {
    const deadline = deadlineOf(options)
    return this.isSet || runBlocking(this.#place.memory, waitForEvent(this.#place.at(0)), deadline)
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
  static fromHandle(handle: SharedObjectHandle): ManualResetEvent {
    return new ManualResetEvent(kind.open(handle))
  }
}

import { countDown, countOf, mostCount, waitForLatch, wordFor } from './algorithms/latch.js'
import { runAwaiting } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { isAbort } from './drivers/patience.js'
import { LockStateError } from './errors.js'
import type { Memory } from './memory/memory.js'
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  deadlineOf,
  objectOption,
  signalOf,
  wholeNumber,
} from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/Latch',
  version: 1,
  tag: 0x4c617463, // "Latc"
  fromHandle: (handle) => Latch.fromHandle(handle),
})

/** How a latch is made. */
export interface LatchOptions {
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

/**
 * Something that opens once, for ever, when it was counted down to 0: whoever waits goes through then.
 *
 * Memory: what was written before a `countDown` is visible after the wait. Nobody owns a part of the count: a thread that ends
 * before it has counted down leaves the others waiting, so give them a timeout where that may happen.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits.
 */
export class Latch {
  readonly #place: Place

  /**
   * Makes a new latch. Does not block.
   *
   * @param count - whole number, 0 to 1,073,741,823; at 0 it is open
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments, or no room in `memory`
   */
  constructor(count: number, options?: LatchOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first: number | Place, options?: LatchOptions) {
    if (first instanceof Place) this.#place = first
    else {
      const count = wholeNumber('count', first, 0, mostCount)
      const place = kind.allocate(() => 1, objectOption(options).memory)
      place.store(0, wordFor(count))
      this.#place = kind.publish(place)
    }
  }

  /** What is still to be counted down: a snapshot, it may be stale when you read it. */
  get count(): number {
    return countOf(this.#place.load(0))
  }

  /**
   * Counts down, and wakes everybody if that makes it 0. Does not block.
   *
   * @param by - whole number, 1 or more; default 1
   * @returns the count after it
   * @throws LockStateError `ERR_OVER_RELEASE`: the count would be negative; it is unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; the count is unchanged
   */
  countDown(by = 1): number {
    wholeNumber('by', by, 1, mostCount)
    const left = runWithoutWaiting(this.#place.memory, countDown(this.#place.at(0), by))
    if (left < 0) throw new LockStateError('ERR_OVER_RELEASE', `counting down by ${by} would make the count negative`)
    return left
  }

  /**
   * Waits until the count is 0, without blocking the thread. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: it was not 0 in time
   * @throws the reason of `options.signal` as given, when it aborts
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async wait(options?: AcquireOptions): Promise<boolean> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.count === 0) return true
    const { memory } = this.#place
    const { result, ending } = await runAwaiting(memory, waitForLatch(this.#place.at(0)), deadline, signal)
    if (!result && isAbort(ending)) throw ending.reason
    return result
  }

  /**
   * Waits until the count is 0, and blocks this thread and its event loop. On a main thread prefer {@link Latch.wait}.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: it was not 0 in time
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  waitSync(options?: AcquireSyncOptions): boolean {
    const deadline = deadlineOf(options)
    return this.count === 0 || runBlocking(this.#place.memory, waitForLatch(this.#place.at(0)), deadline)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the latch that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a latch, or it did not come from a thread of this process
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle): Latch {
    return new Latch(kind.open(handle))
  }
}

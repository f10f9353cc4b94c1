import { invalidArgument, outOfRange } from './errors.js'
import { throwIfClosed } from './memory/closed.js'
import type { Memory } from './memory/memory.js'
import { describe, objectOption, wholeNumber } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const least = -(2 ** 31)
const most = 2 ** 31 - 1

const kind = new ObjectKind({
  name: 'sync-primitives/ThreadSafeCounter',
  version: 2,
  tag: 0x436f756e, // "Coun"
  fromHandle: (handle) => ThreadSafeCounter.fromHandle(handle),
})

/** How a counter is made. */
export interface CounterOptions {
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

/**
 * A whole number of 32 bits that threads share. Every method is one atomic step: none blocks, and none waits for a lock.
 * It never wraps around: a step that would leave the range from -2,147,483,648 to 2,147,483,647 throws and changes nothing.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`.
 */
export class ThreadSafeCounter {
  readonly #place: Place
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #index: number

  /**
   * Makes a new counter. Does not block.
   *
   * @param initialValue - whole number of 32 bits
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: not such a number, or no room in `memory`
   */
  constructor(initialValue?: number, options?: CounterOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first: number | Place = 0, options?: CounterOptions) {
    let place: Place
    if (first instanceof Place) place = first
    else {
      const value = wholeNumber('initialValue', first, least, most)
      place = kind.allocate(() => 1, objectOption(options).memory)
      place.store(0, value)
      kind.publish(place)
    }
    this.#place = place
    this.#memory = place.memory
    this.#words = place.memory.words
    this.#index = place.at(0)
  }

  /**
   * Adds `amount`. Does not block.
   *
   * @param amount - whole number, may be negative; default 1
   * @returns the new value
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad amount, or the sum leaves the range; the value is unchanged
   * @throws TypeError `ERR_INVALID_ARG`: no number; the value is unchanged
   */
  increment(amount = 1): number {
    wholeNumber('amount', amount, -(2 ** 32), 2 ** 32)
    for (;;) {
      const seen = this.getValue()
      const sum = seen + amount
      if (sum < least || sum > most)
        throw outOfRange(`${seen} + ${amount} leaves the range of the counter, ${least} to ${most}`)
      if (Atomics.compareExchange(this.#words, this.#index, seen, sum) === seen) return sum
    }
  }

  /** Subtracts `amount`; otherwise as {@link ThreadSafeCounter.increment}. */
  decrement(amount = 1): number {
    if (typeof amount !== 'number') throw invalidArgument(`amount must be a number, not ${describe(amount)}`)
    return this.increment(-amount)
  }

  /** The value now. Does not block. */
  getValue(): number {
    const value = Atomics.load(this.#words, this.#index)
    throwIfClosed(this.#memory)
    return value
  }

  /** Sets the value to 0. Does not block. @returns the value before */
  reset(): number {
    throwIfClosed(this.#memory)
    const before = Atomics.exchange(this.#words, this.#index, 0)
    throwIfClosed(this.#memory)
    return before
  }

  /**
   * Sets the value to `value` if it is `expected`. Does not block.
   *
   * @returns whether it was; false: the value is unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no whole numbers of 32 bits; the value is unchanged
   */
  compareAndSet(expected: number, value: number): boolean {
    wholeNumber('expected', expected, least, most)
    wholeNumber('value', value, least, most)
    throwIfClosed(this.#memory)
    const seen = Atomics.compareExchange(this.#words, this.#index, expected, value)
    throwIfClosed(this.#memory)
    return seen === expected
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the counter that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a counter, or it did not come from a thread of this process
   */
  static fromHandle(handle: SharedObjectHandle): ThreadSafeCounter {
    return new ThreadSafeCounter(kind.open(handle))
  }
}

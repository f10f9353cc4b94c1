import { invalidArgument, outOfRange } from './errors.js'
import { throwIfClosed } from './memory/closed.js'
import { describe, objectOption } from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'
import type { CounterOptions } from './thread-safe-counter.js'

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

const kind = new ObjectKind({
  name: 'sync-primitives/ThreadSafeCounter64',
  version: 1,
  tag: 0x43743634, // "Ct64"
  fromHandle: (handle) => ThreadSafeCounter64.fromHandle(handle),
})

/** The value is the two words from the first even index on, read and written as one number of 64 bits. */
const wordsWithRoomToAlign = 3

/**
 * A whole number of 64 bits that threads share, as bigints. Every method is one atomic step: none blocks, none waits for a
 * lock, and nobody ever sees one half of a number with the other half of another.
 * It never wraps around: a step that would leave the range from -2^63 to 2^63 - 1 throws and changes nothing.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`.
 */
export class ThreadSafeCounter64 {
  readonly #place: Place
  readonly #numbers: BigInt64Array

  /**
   * Makes a new counter. Does not block.
   *
   * @param initialValue - bigint of 64 bits; default 0n
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: not such a bigint, or no room in `memory`
   */
  constructor(initialValue?: bigint, options?: CounterOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first: bigint | Place = 0n, options?: CounterOptions) {
    if (first instanceof Place) {
      this.#place = first
      this.#numbers = numbersOf(first)
    } else {
      const value = bigNumber('initialValue', first)
      const place = kind.allocate(() => wordsWithRoomToAlign, objectOption(options).memory)
      this.#numbers = numbersOf(place)
      Atomics.store(this.#numbers, 0, value)
      this.#place = kind.publish(place)
    }
  }

  /**
   * Adds `amount`. Does not block.
   *
   * @param amount - bigint, may be negative; default 1n
   * @returns the new value
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad amount, or the sum leaves the range; the value is unchanged
   * @throws TypeError `ERR_INVALID_ARG`: no bigint; the value is unchanged
   */
  increment(amount = 1n): bigint {
    mustBeBigint('amount', amount)
    for (;;) {
      const seen = this.getValue()
      const sum = seen + amount
      if (sum < least || sum > most)
        throw outOfRange(`${seen} + ${amount} leaves the range of the counter, ${least} to ${most}`)
      if (Atomics.compareExchange(this.#numbers, 0, seen, sum) === seen) return sum
    }
  }

  /** Subtracts `amount`; otherwise as {@link ThreadSafeCounter64.increment}. */
  decrement(amount = 1n): bigint {
    mustBeBigint('amount', amount)
    return this.increment(-amount)
  }

  /** The value now. Does not block. */
  getValue(): bigint {
    const value = Atomics.load(this.#numbers, 0)
    throwIfClosed(this.#place.memory)
    return value
  }

  /** Sets the value to 0n. Does not block. @returns the value before */
  reset(): bigint {
    throwIfClosed(this.#place.memory)
    const before = Atomics.exchange(this.#numbers, 0, 0n)
    throwIfClosed(this.#place.memory)
    return before
  }

  /**
   * Sets the value to `value` if it is `expected`. Does not block.
   *
   * @returns whether it was; false: the value is unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no bigints of 64 bits; the value is unchanged
   */
  compareAndSet(expected: bigint, value: bigint): boolean {
    bigNumber('expected', expected)
    bigNumber('value', value)
    throwIfClosed(this.#place.memory)
    const seen = Atomics.compareExchange(this.#numbers, 0, expected, value)
    throwIfClosed(this.#place.memory)
    return seen === expected
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the counter that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a 64-bit counter, or it did not come from a thread of this process
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle): ThreadSafeCounter64 {
    return new ThreadSafeCounter64(kind.open(handle))
  }
}

function numbersOf(place: Place): BigInt64Array {
  const { buffer, byteOffset } = place.memory.words
  const bytes = byteOffset + place.at(0) * 4
  return new BigInt64Array(buffer, Math.ceil(bytes / 8) * 8, 1)
}

function mustBeBigint(name: string, value: unknown): asserts value is bigint {
  if (typeof value !== 'bigint') throw invalidArgument(`${name} must be a bigint, not ${describe(value)}`)
}

function bigNumber(name: string, value: unknown): bigint {
  mustBeBigint(name, value)
  if (value < least || value > most) throw outOfRange(`${name} must be from ${least} to ${most}, not ${value}`)
  return value
}

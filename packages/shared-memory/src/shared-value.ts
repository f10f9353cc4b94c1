import type { Memory, Mutex, SharedObjectHandle } from '@heddle/sync-primitives'
import { objectOption } from '@heddle/sync-primitives/building-blocks'
import { Block, BlockKind } from './block.js'
import { checkerOf } from './cells.js'
import {
  type CanonicalType,
  canonicalType,
  type ElementOf,
  type ElementType,
  type ElementTypeOrCode,
} from './element-types.js'

/**
 * A shared value on its way to another thread, or, of one in a segment, to another process: plain data that `postMessage` and
 * `workerData` carry as it is, and JSON that of a segment. Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedValueHandle<Type extends ElementType = ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly lock: SharedObjectHandle
  readonly [field: string]: unknown
}

/** How a shared value is made. */
export interface SharedValueOptions {
  /** Where it and its lock are: a segment, for processes. Default: a SharedArrayBuffer of its own. */
  readonly memory?: Memory | undefined
}

/**
 * One number of a fixed type that threads share, and processes if it is in a segment, with a lock of its own.
 *
 * Every method is one atomic step on the whole value; {@link SharedValue.add} and {@link SharedValue.compareAndSet} need no
 * lock. `value.value += 1` is two steps and needs {@link SharedValue.getLock}.
 *
 * Memory: what a thread wrote before it changed the value is visible to a thread that sees the change.
 * Nothing here blocks or takes the lock by itself: while one thread holds it, the methods still work in all threads.
 *
 * Closed: when its memory was closed, as a segment can be, or somebody has called {@link SharedValue.dispose}, in whichever
 * thread or process, every method throws ClosedError `ERR_CLOSED`.
 */
export interface SharedValue<Type extends ElementType = ElementType> {
  /** The canonical name of the type: `int32` for a value that was made with `i`. */
  readonly type: Type

  /**
   * The value now; assigning replaces it. Both take it as a whole and do not block.
   *
   * An integer type takes whole numbers in its range, and -0 as 0; bigint64 and biguint64 take bigints. A float type takes
   * any number; float32 rounds it as a Float32Array does, beyond its range to an infinity.
   *
   * @throws TypeError `ERR_INVALID_ARG`: assigning one of the wrong type; the value is unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: assigning one that the type cannot hold; the value is unchanged
   */
  value: ElementOf<Type>

  /**
   * Adds `amount` in one atomic step. Does not block, and needs no lock. Floats are rounded as `+=` on a typed array does.
   * Lock-free: a call repeats its step as long as others change the value in between.
   *
   * @param amount - a whole number for integer types, a bigint for bigint64 and biguint64, any number for floats; may be
   * negative
   * @returns the new value
   * @throws TypeError `ERR_INVALID_ARG`: of the wrong type; the value is unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: not whole, or an integer type cannot hold the sum; the value is unchanged
   */
  add(amount: ElementOf<Type>): ElementOf<Type>

  /**
   * Sets the value to `value` if it is `expected`, in one atomic step. Does not block, and needs no lock.
   *
   * Compares as `Object.is` does: NaN is NaN, and of the floats 0 is not -0. For float32 both arguments are rounded first.
   *
   * @returns whether it was; false: the value is unchanged
   * @throws TypeError `ERR_INVALID_ARG`: one of the wrong type; the value is unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: one that the type cannot hold; the value is unchanged
   */
  compareAndSet(expected: ElementOf<Type>, value: ElementOf<Type>): boolean

  /**
   * The lock of this value: the same one in every thread that opened it, and the same object at every call. It is not
   * recursive. It guards what all threads agree to do under it, nothing by itself.
   */
  getLock(): Mutex

  /** Plain data by which another thread opens it, or another process if it is in a segment. */
  toHandle(): SharedValueHandle<Type>

  /**
   * Ends the value, for all threads and processes: every method throws `ERR_CLOSED` from now on, and its handles are refused.
   * In a segment its words and its lock are free for something else; so call it when nobody holds the lock. Does not block.
   * A second call, by whomever, does nothing.
   *
   * @throws ClosedError `ERR_CLOSED`: the memory was closed; the value is as it was
   */
  dispose(): void
}

/** The class of {@link SharedValue}. A type of its own, so that `new SharedValue('i')` is a `SharedValue<'int32'>`. */
export interface SharedValueConstructor {
  readonly prototype: SharedValue

  /**
   * Makes a new value. Does not block.
   *
   * @param type - an element type, or Python's code: `i` is int32, `d` is float64, `c` is uint8
   * @param initialValue - what {@link SharedValue.value} may be; default 0, of bigint64 and biguint64 0n
   * @throws TypeError `ERR_INVALID_ARG`: no such type, an initial value of the wrong type, or bad options
   * @throws RangeError `ERR_OUT_OF_RANGE`: an initial value that the type cannot hold, or no room in memory
   * @throws ClosedError `ERR_CLOSED`: `options.memory` was closed
   */
  new <Type extends ElementTypeOrCode>(
    type: Type,
    initialValue?: ElementOf<CanonicalType<Type>>,
    options?: SharedValueOptions,
  ): SharedValue<CanonicalType<Type>>

  /**
   * Opens the value that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a value, or a damaged one, or of one that was disposed of; or it came from
   * another process, and the value is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws what opening the segment throws
   */
  fromHandle<Type extends ElementType>(handle: SharedValueHandle<Type>): SharedValue<Type>
}

const kind = new BlockKind({
  name: 'shared-memory/SharedValue',
  version: 2,
  tag: 0x53685661, // "ShVa"
  fromHandle: (handle: SharedValueHandle) => ValueOfThreads.fromHandle(handle),
})

/** A value is a block of one element. */
const VALUE = 0

class ValueOfThreads<Type extends ElementType> implements SharedValue<Type> {
  static readonly name = 'SharedValue'

  readonly #block: Block<Type>

  constructor(type: unknown, initialValue?: unknown, options?: SharedValueOptions) {
    this.#block = type instanceof Block ? type : create(canonicalType<Type>(type), initialValue, options)
  }

  get type(): Type {
    return this.#block.type
  }

  get value(): ElementOf<Type> {
    const value = this.#block.cells.load(VALUE)
    this.#block.mustBeThere()
    return value
  }

  set value(value: ElementOf<Type>) {
    const { cells } = this.#block
    const checked = cells.check('value', value)
    this.#block.mustBeThere()
    cells.store(VALUE, checked)
  }

  add(amount: ElementOf<Type>): ElementOf<Type> {
    const { cells } = this.#block
    const checked = cells.checkAmount(amount)
    for (;;) {
      const seen = this.value
      const sum = cells.sum(seen, checked)
      if (cells.compareExchange(VALUE, seen, sum)) return sum
    }
  }

  compareAndSet(expected: ElementOf<Type>, value: ElementOf<Type>): boolean {
    const { cells } = this.#block
    const [from, to] = [cells.check('expected', expected), cells.check('value', value)]
    this.#block.mustBeThere()
    const was = cells.compareExchange(VALUE, from, to)
    this.#block.mustBeThere()
    return was
  }

  getLock(): Mutex {
    return this.#block.lock
  }

  toHandle(): SharedValueHandle<Type> {
    return kind.handleOf(this.#block)
  }

  dispose(): void {
    this.#block.dispose()
  }

  static fromHandle<Type extends ElementType>(handle: SharedValueHandle<Type>): SharedValue<Type> {
    return new ValueOfThreads(kind.open(handle, () => 1))
  }
}

export const SharedValue: SharedValueConstructor = ValueOfThreads

function create<Type extends ElementType>(
  type: Type,
  initialValue: unknown,
  options: SharedValueOptions | undefined,
): Block<Type> {
  const { memory } = objectOption(options)
  // New memory is zero, which is 0, 0n or 0.0 as the type has it.
  const values = initialValue === undefined ? [] : [checkerOf(type).check('initialValue', initialValue)]
  return kind.create(type, 1, values, memory)
}

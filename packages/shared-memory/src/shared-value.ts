import type { Mutex, SharedObjectHandle } from '@heddle/sync-primitives'
import { Block, BlockKind } from './block.js'
import {
  type CanonicalType,
  canonicalType,
  type ElementOf,
  type ElementType,
  type ElementTypeOrCode,
} from './element-types.js'

/**
 * A shared value on its way to another thread: plain data that `postMessage` and `workerData` carry as it is.
 * Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedValueHandle<Type extends ElementType = ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly buffer: SharedArrayBuffer
  readonly lock: SharedObjectHandle
}

/**
 * One number of a fixed type that the threads of one process share, with a lock of its own.
 *
 * Every method is one atomic step on the whole value; {@link SharedValue.add} and {@link SharedValue.compareAndSet} need no
 * lock. `value.value += 1` is two steps and needs {@link SharedValue.getLock}.
 *
 * Memory: what a thread wrote before it changed the value is visible to a thread that sees the change.
 * Nothing here blocks or takes the lock by itself: while one thread holds it, the methods still work in all threads.
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

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedValueHandle<Type>
}

/** The class of {@link SharedValue}. A type of its own, so that `new SharedValue('i')` is a `SharedValue<'int32'>`. */
export interface SharedValueConstructor {
  readonly prototype: SharedValue

  /**
   * Makes a new value. Does not block.
   *
   * @param type - an element type, or Python's code: `i` is int32, `d` is float64, `c` is uint8
   * @param initialValue - what {@link SharedValue.value} may be; default 0, of bigint64 and biguint64 0n
   * @throws TypeError `ERR_INVALID_ARG`: no such type, or an initial value of the wrong type
   * @throws RangeError `ERR_OUT_OF_RANGE`: an initial value that the type cannot hold
   */
  new <Type extends ElementTypeOrCode>(
    type: Type,
    initialValue?: ElementOf<CanonicalType<Type>>,
  ): SharedValue<CanonicalType<Type>>

  /**
   * Opens the value that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a value, or a damaged one, or it came from another process
   */
  fromHandle<Type extends ElementType>(handle: SharedValueHandle<Type>): SharedValue<Type>
}

const kind = new BlockKind({
  name: 'shared-memory/SharedValue',
  version: 1,
  tag: 0x53685661, // "ShVa"
  fromHandle: (handle: SharedValueHandle) => ValueOfThreads.fromHandle(handle),
})

/** A value is a block of one element. */
const VALUE = 0

class ValueOfThreads<Type extends ElementType> implements SharedValue<Type> {
  static readonly name = 'SharedValue'

  readonly #block: Block<Type>

  constructor(type: unknown, initialValue?: unknown) {
    this.#block = type instanceof Block ? type : create(canonicalType<Type>(type), initialValue)
  }

  get type(): Type {
    return this.#block.type
  }

  get value(): ElementOf<Type> {
    return this.#block.cells.load(VALUE)
  }

  set value(value: ElementOf<Type>) {
    const { cells } = this.#block
    cells.store(VALUE, cells.check('value', value))
  }

  add(amount: ElementOf<Type>): ElementOf<Type> {
    const { cells } = this.#block
    const checked = cells.checkAmount(amount)
    for (;;) {
      const seen = cells.load(VALUE)
      const sum = cells.sum(seen, checked)
      if (cells.compareExchange(VALUE, seen, sum)) return sum
    }
  }

  compareAndSet(expected: ElementOf<Type>, value: ElementOf<Type>): boolean {
    const { cells } = this.#block
    return cells.compareExchange(VALUE, cells.check('expected', expected), cells.check('value', value))
  }

  getLock(): Mutex {
    return this.#block.lock
  }

  toHandle(): SharedValueHandle<Type> {
    return kind.handleOf(this.#block)
  }

  static fromHandle<Type extends ElementType>(handle: SharedValueHandle<Type>): SharedValue<Type> {
    return new ValueOfThreads(kind.open(handle, () => 1))
  }
}

export const SharedValue: SharedValueConstructor = ValueOfThreads

function create<Type extends ElementType>(type: Type, initialValue: unknown): Block<Type> {
  return kind.create(type, 1, (cells) => {
    // New memory is zero, which is 0, 0n or 0.0 as the type has it.
    if (initialValue !== undefined) cells.store(VALUE, cells.check('initialValue', initialValue))
  })
}

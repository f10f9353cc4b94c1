import type { Mutex, SharedObjectHandle } from '@heddle/sync-primitives'
import { Block, BlockKind, mostElements } from './block.js'
import {
  type CanonicalType,
  canonicalType,
  type ElementOf,
  type ElementType,
  type ElementTypeOrCode,
  type ElementViews,
} from './element-types.js'
import { describe, invalidArgument, outOfRange } from './errors.js'

/**
 * A shared array on its way to another thread: plain data that `postMessage` and `workerData` carry as it is.
 * Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedArrayHandle<Type extends ElementType = ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly length: number
  readonly buffer: SharedArrayBuffer
  readonly lock: SharedObjectHandle
}

/**
 * Numbers of one type that the threads of one process share, with a lock of their own.
 *
 * {@link SharedArray.get}, {@link SharedArray.set} and iteration read and write whole elements, each in one atomic step.
 * Whatever takes more than one step, `set(i, get(i) + 1)` too, needs {@link SharedArray.getLock}. The length is fixed.
 *
 * Memory: what a thread wrote before `set` is visible to a thread whose `get` returns what that call wrote.
 * Nothing here blocks or takes the lock by itself: while one thread holds it, the methods still work in all threads.
 */
export interface SharedArray<Type extends ElementType = ElementType> extends Iterable<ElementOf<Type>> {
  /** The canonical name of the element type: `int32` for an array that was made with `i`. */
  readonly type: Type

  /** The number of elements. */
  readonly length: number

  /**
   * A typed array over the elements themselves, not a copy; always the same one. For speed, and for what takes a typed array.
   *
   * Plain access to its elements is not atomic: without the lock, other threads may see it late, in another order, or in
   * halves. It converts as typed arrays do: values wrap around or are clamped where {@link SharedArray.set} throws.
   * `Atomics` takes the view of an integer type, uint8Clamped excepted. Its `buffer` also holds words that are not yours.
   */
  readonly view: ElementViews[Type]

  /**
   * The element at `index`, read whole in one atomic step. Does not block.
   *
   * @param index - whole number from 0 to `length - 1`; it does not count from the end
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad index
   */
  get(index: number): ElementOf<Type>

  /**
   * Writes the element at `index` whole, in one atomic step. Does not block.
   *
   * An integer type takes whole numbers in its range, and -0 as 0; bigint64 and biguint64 take bigints. A float type takes
   * any number; float32 rounds it as a Float32Array does, beyond its range to an infinity.
   *
   * @param index - whole number from 0 to `length - 1`; it does not count from the end
   * @throws TypeError `ERR_INVALID_ARG`: index or value of the wrong type; nothing was written
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad index, or a value that the type cannot hold; nothing was written
   */
  set(index: number, value: ElementOf<Type>): void

  /** The elements in order, each read whole when its turn comes: not a snapshot of the array, hold the lock for that. */
  [Symbol.iterator](): Generator<ElementOf<Type>, void, undefined>

  /**
   * The lock of this array: the same one in every thread that opened it, and the same object at every call. It is not
   * recursive. It guards what all threads agree to do under it, nothing by itself.
   */
  getLock(): Mutex

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedArrayHandle<Type>
}

/** The class of {@link SharedArray}. A type of its own, so that `new SharedArray('i', 10)` is a `SharedArray<'int32'>`. */
export interface SharedArrayConstructor {
  readonly prototype: SharedArray

  /**
   * Makes a new array: of that many zeros, or a copy of the values. Does not block.
   *
   * @param type - an element type, or Python's code: `i` is int32, `d` is float64, `c` is uint8
   * @param lengthOrValues - whole number from 1 to 4,294,967,295, or an iterable of at least one value, each as
   * {@link SharedArray.set} takes it
   * @throws TypeError `ERR_INVALID_ARG`: no such type, neither length nor values, or a value of the wrong type
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad length, no values, a value that the type cannot hold, or no memory of that size
   */
  new <Type extends ElementTypeOrCode>(
    type: Type,
    lengthOrValues: number | Iterable<ElementOf<CanonicalType<Type>>>,
  ): SharedArray<CanonicalType<Type>>

  /**
   * Opens the array that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of an array, or a damaged one, or it came from another process
   */
  fromHandle<Type extends ElementType>(handle: SharedArrayHandle<Type>): SharedArray<Type>
}

const kind = new BlockKind({
  name: 'shared-memory/SharedArray',
  version: 1,
  tag: 0x53684172, // "ShAr"
  fromHandle: (handle: SharedArrayHandle) => ArrayOfThreads.fromHandle(handle),
})

class ArrayOfThreads<Type extends ElementType> implements SharedArray<Type> {
  static readonly name = 'SharedArray'

  readonly #block: Block<Type>
  readonly #view: ElementViews[Type]

  constructor(type: unknown, lengthOrValues?: unknown) {
    this.#block = type instanceof Block ? type : create(canonicalType<Type>(type), lengthOrValues)
    this.#view = this.#block.view()
  }

  get type(): Type {
    return this.#block.type
  }

  get length(): number {
    return this.#block.length
  }

  get view(): ElementViews[Type] {
    return this.#view
  }

  get(index: number): ElementOf<Type> {
    return this.#block.cells.load(this.#checkIndex(index))
  }

  set(index: number, value: ElementOf<Type>): void {
    const { cells } = this.#block
    const at = this.#checkIndex(index)
    cells.store(at, cells.check('value', value))
  }

  *[Symbol.iterator](): Generator<ElementOf<Type>, void, undefined> {
    const { cells, length } = this.#block
    for (let index = 0; index < length; index++) yield cells.load(index)
  }

  getLock(): Mutex {
    return this.#block.lock
  }

  toHandle(): SharedArrayHandle<Type> {
    return { ...kind.handleOf(this.#block), length: this.#block.length }
  }

  static fromHandle<Type extends ElementType>(handle: SharedArrayHandle<Type>): SharedArray<Type> {
    return new ArrayOfThreads(kind.open(handle, () => handle.length))
  }

  #checkIndex(index: number): number {
    if (typeof index !== 'number') throw invalidArgument(`index must be a number, not ${describe(index)}`)
    if (!Number.isInteger(index) || index < 0 || index >= this.#block.length)
      throw outOfRange(`index must be a whole number from 0 to ${this.#block.length - 1}, not ${index}`)
    return index
  }
}

export const SharedArray: SharedArrayConstructor = ArrayOfThreads

function create<Type extends ElementType>(type: Type, lengthOrValues: unknown): Block<Type> {
  if (typeof lengthOrValues === 'number') {
    if (!Number.isInteger(lengthOrValues) || lengthOrValues < 1 || lengthOrValues > mostElements)
      throw outOfRange(`length must be a whole number from 1 to ${mostElements}, not ${lengthOrValues}`)
    return kind.create(type, lengthOrValues, () => {})
  }
  if (!isIterableObject(lengthOrValues))
    throw invalidArgument(`a length or an iterable of values is needed, not ${describe(lengthOrValues)}`)
  const values = Array.from(lengthOrValues)
  if (values.length === 0) throw outOfRange('an array needs at least one value')
  return kind.create(type, values.length, (cells) => {
    for (const [index, value] of values.entries()) cells.store(index, cells.check(`values[${index}]`, value))
  })
}

function isIterableObject(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, Symbol.iterator) === 'function'
}

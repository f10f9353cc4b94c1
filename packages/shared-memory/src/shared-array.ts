import type { Memory, Mutex, SharedObjectHandle } from '@heddle/sync-primitives'
import {
  describe,
  invalidArgument,
  objectOption,
  outOfRange,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { Block, BlockKind, mostElements } from './block.js'
import { checkerOf } from './cells.js'
import {
  type CanonicalType,
  canonicalType,
  type ElementOf,
  type ElementType,
  type ElementTypeOrCode,
  type ElementViews,
} from './element-types.js'

/**
 * A shared array on its way to another thread, or, of one in a segment, to another process: plain data that `postMessage` and
 * `workerData` carry as it is, and JSON that of a segment. Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedArrayHandle<Type extends ElementType = ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly length: number
  readonly lock: SharedObjectHandle
  readonly [field: string]: unknown
}

/** How a shared array is made. */
export interface SharedArrayOptions {
  /** Where its elements and its lock are: a segment, for processes. Default: a SharedArrayBuffer of its own. */
  readonly memory?: Memory | undefined
}

/**
 * Numbers of one type that threads share, and processes if they are in a segment, with a lock of their own.
 *
 * {@link SharedArray.get}, {@link SharedArray.set} and iteration read and write whole elements, each in one atomic step.
 * Whatever takes more than one step, `set(i, get(i) + 1)` too, needs {@link SharedArray.getLock}. The length is fixed.
 *
 * Memory: what a thread wrote before `set` is visible to a thread whose `get` returns what that call wrote.
 * Nothing here blocks or takes the lock by itself: while one thread holds it, the methods still work in all threads.
 *
 * Closed: when its memory was closed, as a segment can be, or somebody has called {@link SharedArray.dispose}, in whichever
 * thread or process, every method throws ClosedError `ERR_CLOSED`.
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
   * One that was taken before the segment was closed reads zeros then; after `dispose` its elements may be somebody else's.
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
   * A plain array of the elements from `start` up to, and without, `end`, each read whole when its turn comes. Negative ones
   * count from the end, and both are brought into range, as `Array.prototype.slice` does it. Does not block.
   *
   * @param start - whole number; default 0
   * @param end - whole number; default `length`
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: not a whole number
   */
  slice(start?: number, end?: number): ElementOf<Type>[]

  /**
   * The lock of this array: the same one in every thread that opened it, and the same object at every call. It is not
   * recursive. It guards what all threads agree to do under it, nothing by itself.
   */
  getLock(): Mutex

  /** Plain data by which another thread opens it, or another process if it is in a segment. The elements are not copied. */
  toHandle(): SharedArrayHandle<Type>

  /**
   * Ends the array, for all threads and processes: every method throws `ERR_CLOSED` from now on, and its handles are refused.
   * In a segment its words and its lock are free for something else; so call it when nobody holds the lock or uses a view.
   * Does not block. A second call, by whomever, does nothing.
   *
   * @throws ClosedError `ERR_CLOSED`: the memory was closed; the array is as it was
   */
  dispose(): void
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
   * @throws TypeError `ERR_INVALID_ARG`: no such type, neither length nor values, a value of the wrong type, or bad options
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad length, no values, a value that the type cannot hold, or no room in memory
   * @throws ClosedError `ERR_CLOSED`: `options.memory` was closed
   */
  new <Type extends ElementTypeOrCode>(
    type: Type,
    lengthOrValues: number | Iterable<ElementOf<CanonicalType<Type>>>,
    options?: SharedArrayOptions,
  ): SharedArray<CanonicalType<Type>>

  /**
   * Opens the array that a handle names, in this thread. Does not block, but for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of an array, or a damaged one, or of one that was disposed of; or it came from
   * another process, and the array is in no segment
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws what opening the segment throws
   */
  fromHandle<Type extends ElementType>(handle: SharedArrayHandle<Type>): SharedArray<Type>
}

const kind = new BlockKind({
  name: 'shared-memory/SharedArray',
  version: 2,
  tag: 0x53684172, // "ShAr"
  fromHandle: (handle: SharedArrayHandle) => ArrayOfThreads.fromHandle(handle),
})

class ArrayOfThreads<Type extends ElementType> implements SharedArray<Type> {
  static readonly name = 'SharedArray'

  readonly #block: Block<Type>
  readonly #view: ElementViews[Type]

  constructor(type: unknown, lengthOrValues?: unknown, options?: SharedArrayOptions) {
    this.#block = type instanceof Block ? type : create(canonicalType<Type>(type), lengthOrValues, options)
    this.#view = this.#block.view()
  }

  get type(): Type {
    return this.#block.type
  }

  get length(): number {
    return this.#block.length
  }

  get view(): ElementViews[Type] {
    this.#block.mustBeThere()
    return this.#view
  }

  get(index: number): ElementOf<Type> {
    const element = this.#block.cells.load(this.#checkIndex(index))
    this.#block.mustBeThere()
    return element
  }

  set(index: number, value: ElementOf<Type>): void {
    const { cells } = this.#block
    const at = this.#checkIndex(index)
    const checked = cells.check('value', value)
    this.#block.mustBeThere()
    cells.store(at, checked)
  }

  *[Symbol.iterator](): Generator<ElementOf<Type>, void, undefined> {
    for (let index = 0; index < this.#block.length; index++) yield this.get(index)
  }

  slice(start = 0, end = this.#block.length): ElementOf<Type>[] {
    const first = this.#place('start', start)
    const elements: ElementOf<Type>[] = []
    for (let index = first, after = this.#place('end', end); index < after; index++) elements.push(this.get(index))
    // Of none that was read, nothing has said so.
    this.#block.mustBeThere()
    return elements
  }

  getLock(): Mutex {
    return this.#block.lock
  }

  toHandle(): SharedArrayHandle<Type> {
    return { ...kind.handleOf(this.#block), length: this.#block.length }
  }

  dispose(): void {
    this.#block.dispose()
  }

  static fromHandle<Type extends ElementType>(handle: SharedArrayHandle<Type>): SharedArray<Type> {
    return new ArrayOfThreads(kind.open(handle, () => handle.length))
  }

  /** Counted from the end if it is negative, and brought into range. */
  #place(name: string, value: number): number {
    const { length } = this.#block
    const place = wholeNumber(name, value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    return place < 0 ? Math.max(place + length, 0) : Math.min(place, length)
  }

  #checkIndex(index: number): number {
    if (typeof index !== 'number') throw invalidArgument(`index must be a number, not ${describe(index)}`)
    if (!Number.isInteger(index) || index < 0 || index >= this.#block.length)
      throw outOfRange(`index must be a whole number from 0 to ${this.#block.length - 1}, not ${index}`)
    return index
  }
}

export const SharedArray: SharedArrayConstructor = ArrayOfThreads

function create<Type extends ElementType>(
  type: Type,
  lengthOrValues: unknown,
  options: SharedArrayOptions | undefined,
): Block<Type> {
  const { memory } = objectOption(options)
  if (typeof lengthOrValues === 'number') {
    if (!Number.isInteger(lengthOrValues) || lengthOrValues < 1 || lengthOrValues > mostElements)
      throw outOfRange(`length must be a whole number from 1 to ${mostElements}, not ${lengthOrValues}`)
    return kind.create(type, lengthOrValues, [], memory)
  }
  if (!isIterableObject(lengthOrValues))
    throw invalidArgument(`a length or an iterable of values is needed, not ${describe(lengthOrValues)}`)
  const values = Array.from(lengthOrValues)
  if (values.length === 0) throw outOfRange('an array needs at least one value')
  // Before there is room for them: words of a memory may be gone for good when they were given out.
  const checker = checkerOf(type)
  const checked = values.map((value, index) => checker.check(`values[${index}]`, value))
  return kind.create(type, values.length, checked, memory)
}

function isIterableObject(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, Symbol.iterator) === 'function'
}

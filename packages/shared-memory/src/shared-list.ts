import type { SharedObjectHandle } from '@heddle/sync-primitives'
import {
  badHandle,
  describe,
  invalidArgument,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
} from '@heddle/sync-primitives/building-blocks'
import { listWords } from './list/layout.js'
import { ABSENT, List, noElement } from './list/list.js'
import { Values } from './list/values.js'
import { chosenMemory, type MemoryChoice } from './store/memory-choice.js'
import { decode } from './store/values.js'

/** How a list is made. */
export type SharedListOptions = MemoryChoice

const kind = new ObjectKind({
  name: 'shared-memory/SharedList',
  version: 1,
  tag: 0x4c697374, // "List"
  fromHandle: (handle) => SharedList.fromHandle(handle),
})

/**
 * A list of values that threads share; in the memory of a segment, processes do.
 *
 * A value is what a structured clone takes, `undefined` and shared objects of a segment included, and each `get` makes a new
 * one: to change a value in the list, set it again. That is two steps: what must be one needs a lock around both.
 *
 * An index below 0 counts from the end, as in `Array.prototype.at`: -1 is the last element. That one of the list as it is in
 * the step itself, where `length - 1` may be stale.
 *
 * Each method is one step for all others. One that only reads takes no lock as long as it finds a quiet moment, and waits for
 * the steps of others at most. Between those that write there is no order. What a thread did before it put a value into the
 * list is visible to whoever reads that value.
 *
 * The cost of {@link SharedList.get}, {@link SharedList.set}, {@link SharedList.append} and a {@link SharedList.pop} of the last
 * does not depend on the length, on average. `insert` and `pop` elsewhere copy 4 bytes for each element.
 *
 * A participant may die anywhere: the list is then as before the call, or as after it. The next one to write repairs what is
 * left, in a time that grows with the number of elements.
 *
 * Each method but `toHandle` throws ClosedError `ERR_CLOSED` after this process has closed the memory, or somebody has disposed
 * of the list; and CorruptError `ERR_CORRUPT` when something else has written to the memory.
 */
export class SharedList<Value = unknown> implements Iterable<Value> {
  readonly #place: Place
  readonly #list: List

  /**
   * Makes an empty list. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, `bytes` beside `memory`, or no room
   * @throws ClosedError `ERR_CLOSED`: the memory was closed
   */
  constructor(options?: SharedListOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first?: SharedListOptions | Place) {
    this.#place = first instanceof Place ? first : create(first)
    this.#list = new List(this.#place.memory, this.#place.at(0))
  }

  /**
   * Makes a list of the values. Does not block. After an error there is no list, and the memory has its room again where it
   * takes any back.
   *
   * @throws what the constructor and {@link SharedList.extend} throw
   */
  static from<Value>(values: Iterable<Value>, options?: SharedListOptions): SharedList<Value> {
    const encoded = Values.encodeAll(iterable(values))
    const list = new SharedList<Value>(options)
    try {
      list.#list.append(encoded)
    } catch (error) {
      list.dispose()
      throw error
    }
    return list
  }

  /** How many elements there are: a snapshot, it may be stale when you read it. Waits for the steps of others at most. */
  get length(): number {
    return this.#list.length()
  }

  /**
   * The value at `index`. Waits for the steps of others at most.
   *
   * @param index - whole number from `-length` to `length - 1`
   * @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: not whole, or no element is there
   * @throws TypeError `ERR_BAD_HANDLE`: the value holds a shared object that cannot be opened here
   */
  get(index: number): Value {
    const found = this.#list.copyValue(wholeIndex('index', index))
    if (found === ABSENT) throw noElement(index)
    return decode(found) as Value
  }

  /**
   * Makes `value` the one at `index`. Blocks this thread for the steps of others. There must be room for both the old value
   * and the new one.
   *
   * What a getter or a `toHandle` of the value throws comes out as it is. After any error the list is unchanged.
   *
   * @param index - whole number from `-length` to `length - 1`
   * @throws TypeError `ERR_INVALID_ARG`: the index is no number
   * @throws RangeError `ERR_OUT_OF_RANGE`: it is not whole, or no element is there; or the memory has no room
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the value holds what cannot be bytes: a function, a SharedArrayBuffer
   */
  set(index: number, value: Value): void {
    this.#list.check()
    wholeIndex('index', index)
    this.#list.set(index, Values.encodeOne(value))
  }

  /**
   * Puts `value` behind the last one. Blocks for the steps of others. Errors as {@link SharedList.set}, but for the index.
   *
   * @returns how many elements there were then: the value's index is one less
   */
  append(value: Value): number {
    this.#list.check()
    return this.#list.append(Values.encodeOne(value))
  }

  /**
   * Puts all `values` behind the last one, in one step: others see none of them or all. They are read before that; what they
   * throw comes out as it is. Blocks for the steps of others. Errors as {@link SharedList.set}, but for the index.
   *
   * @returns how many elements there were then
   * @throws TypeError `ERR_INVALID_ARG`: `values` are not iterable
   */
  extend(values: Iterable<Value>): number {
    this.#list.check()
    return this.#list.append(Values.encodeAll(iterable(values)))
  }

  /**
   * Puts `value` in front of the one at `index`; with `length`, behind the last one. Blocks for the steps of others. Errors as
   * {@link SharedList.set}.
   *
   * @param index - whole number from `-length` to `length`
   */
  insert(index: number, value: Value): void {
    this.#list.check()
    wholeIndex('index', index)
    this.#list.insert(index, Values.encodeOne(value))
  }

  /**
   * Takes the last element out, or the one at `index`. Blocks for the steps of others. Needs no room.
   *
   * The index is a whole number from `-length` to `length - 1`.
   *
   * @returns its value; of an empty list without an index undefined, as an array does: nobody needs to look at `length` first,
   * which others may change
   * @throws TypeError `ERR_INVALID_ARG`: the index is no number; nothing was taken out
   * @throws RangeError `ERR_OUT_OF_RANGE`: it is not whole, or no element is there; nothing was taken out
   * @throws TypeError `ERR_BAD_HANDLE`: the value holds a shared object that cannot be opened here; it is out of the list
   */
  pop(): Value | undefined
  pop(index: number): Value
  pop(index?: number): Value | undefined
  pop(index?: number): Value | undefined {
    this.#list.check()
    const found = this.#list.pop(index === undefined ? undefined : wholeIndex('index', index))
    return found === ABSENT ? undefined : (decode(found) as Value)
  }

  /**
   * The values from `start` up to `end`, and not at `end`, as they are at one moment. No index is too far: what is not there
   * is left out. Waits for the steps of others at most, and may hold them up for as long as it takes to copy the bytes.
   *
   * @param start - whole number; default: 0
   * @param end - whole number; default: to the last one
   * @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: not whole
   * @throws TypeError `ERR_BAD_HANDLE`: a value holds a shared object that cannot be opened here
   */
  slice(start = 0, end?: number): Value[] {
    wholeIndex('start', start)
    const values = this.#list.copyRange(start, end === undefined ? Number.POSITIVE_INFINITY : wholeIndex('end', end))
    return Array.from({ length: values.count }, (_, place) => values.decodeAt(place) as Value)
  }

  /** All values, as they are at one moment: the same as `slice()`. */
  toArray(): Value[] {
    return this.slice()
  }

  /**
   * The values as they are at the time of this call, whatever becomes of the list meanwhile. The call copies their bytes, as
   * {@link SharedList.slice} does; each value is made when it is reached.
   */
  [Symbol.iterator](): IterableIterator<Value> {
    const values = this.#list.copyRange(0, Number.POSITIVE_INFINITY)
    return (function* () {
      for (let place = 0; place < values.count; place++) yield values.decodeAt(place) as Value
    })()
  }

  /** Takes all elements out, in one step. Blocks for the steps of others. */
  clear(): void {
    this.#list.clear()
  }

  /**
   * Gives the memory back, where that can be: in a segment. Nobody may be using the list at the time. From then on each use
   * throws ClosedError `ERR_CLOSED`, in every thread, and its handles are refused. Blocks for the steps of others.
   */
  dispose(): void {
    this.#list.dispose(this.#place.index)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread, and for a list in a segment to another process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the list that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a list, or of one that was disposed of
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   */
  static fromHandle<Value = unknown>(handle: SharedObjectHandle): SharedList<Value> {
    const place = kind.open(handle)
    if (place.index + listWords >= place.memory.words.length) throw badHandle('the handle names no whole list')
    const list = new SharedList<Value>(place)
    // Its end came between the two steps of a disposal.
    if (list.#list.isDisposed) throw badHandle('the handle names a list that was disposed of')
    return list
  }
}

function create(options: SharedListOptions | undefined): Place {
  const place = kind.allocate(() => listWords, chosenMemory(objectOption(options)))
  List.format(place.memory, place.at(0))
  return kind.publish(place)
}

/** @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: not whole */
function wholeIndex(name: string, index: unknown): number {
  if (typeof index !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(index)}`)
  if (!Number.isInteger(index)) throw outOfRange(`${name} must be a whole number, not ${index}`)
  return index
}

/** A string is iterable, and hardly ever meant. @throws TypeError `ERR_INVALID_ARG`: not an iterable object */
function iterable<Value>(values: Iterable<Value>): Iterable<Value> {
  if (typeof values !== 'object' || values === null || typeof values[Symbol.iterator] !== 'function')
    throw invalidArgument(`values must be an iterable object, not ${describe(values)}`)
  return values
}

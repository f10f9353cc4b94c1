import type { SharedObjectHandle } from '@heddle/sync-primitives'
import {
  badHandle,
  deadlineOf,
  mustBeFunction,
  ObjectKind,
  objectOption,
  outOfRange,
  Place,
  refusePromise,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { Dict } from './dict/dict.js'
import { dictWords } from './dict/layout.js'
import { ABSENT, type CopiedKey } from './dict/reading.js'
import { decodeKey } from './store/keys.js'
import { chosenMemory, type MemoryChoice } from './store/memory-choice.js'
import { Store } from './store/store.js'
import { begun, ended } from './store/unfinished.js'
import { decode, encode } from './store/values.js'

/** What a {@link SharedDict} takes for a key: as in a Map, 1 and '1' are two, NaN is one, and -0 is 0. */
export type DictKey = string | number

/** How a dict is made. */
export interface SharedDictOptions extends MemoryChoice {
  /** How many entries are expected: so many are found quickly from the start. It grows with its entries in any case. */
  readonly initialCapacity?: number | undefined
}

export interface UpdateOptions {
  /** Milliseconds that others may still update the same entry; default: for ever; 0 tries once. */
  readonly timeout?: number | undefined
}

const mostCapacity = 2 ** 27

const kind = new ObjectKind({
  name: 'shared-memory/SharedDict',
  version: 1,
  tag: 0x44696374, // "Dict"
  fromHandle: (handle) => SharedDict.fromHandle(handle),
})

/**
 * A Map of strings and numbers to values that threads share; in the memory of a segment, processes do.
 *
 * A value is what a structured clone takes, `undefined` and shared objects included, and each `get` makes a new one: to change
 * a value in the dict, set it again, or {@link SharedDict.update} it.
 *
 * Each method is one step for all others. One that only reads takes no lock as long as it finds a quiet moment, and waits for
 * the steps of others at most. Between those that write there is no order. What a thread did before it wrote an entry is
 * visible to whoever reads what it wrote.
 *
 * A participant may die anywhere: an entry has then its value from before the call, or from after it. The next one to write
 * repairs what is left, in a time that grows with the number of entries.
 *
 * On a thread that must not block, as the main thread of a web page, what would have to wait for an update of another thread
 * throws an Error `ERR_UNSUPPORTED_PLATFORM` instead, and has done nothing.
 *
 * Each method throws ClosedError `ERR_CLOSED` after this process has closed the memory, or somebody has disposed of the dict;
 * and CorruptError `ERR_CORRUPT` when something else has written to the memory: whether a change was made is unknown then.
 * Damage to what can be made again from the entries is repaired by the next call.
 */
export class SharedDict<Value = unknown> implements Iterable<[DictKey, Value]> {
  readonly #place: Place
  readonly #dict: Dict

  /**
   * Makes an empty dict. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, `bytes` beside `memory`, or no room
   */
  constructor(options?: SharedDictOptions)
  /** @internal */
  constructor(place: Place)
  constructor(first?: SharedDictOptions | Place) {
    if (first instanceof Place) {
      this.#place = first
      this.#dict = new Dict(first.memory, first.at(0))
      return
    }
    const options = objectOption(first)
    const { initialCapacity = 0 } = options
    wholeNumber('initialCapacity', initialCapacity, 0, mostCapacity)
    const place = kind.allocate(() => dictWords, chosenMemory(options))
    Dict.format(place.memory, place.at(0))
    this.#place = kind.publish(place)
    this.#dict = new Dict(place.memory, place.at(0))
    if (this.#dict.reserve(initialCapacity)) return
    this.dispose()
    throw outOfRange(`the memory has no room for a table of ${initialCapacity} entries`)
  }

  /** How many entries there are: a snapshot, it may be stale when you read it. Waits for the steps of others at most. */
  get size(): number {
    this.#dict.store.check()
    return this.#dict.reading.count()
  }

  /**
   * The value of `key`; undefined: there is none, or it is undefined. Waits for the steps of others at most.
   *
   * @throws TypeError `ERR_INVALID_ARG`: neither a string nor a number
   * @throws TypeError `ERR_BAD_HANDLE`: the value holds a shared object that cannot be opened here
   */
  get(key: DictKey): Value | undefined {
    const dict = this.#dict
    dict.store.check()
    const found = dict.reading.copyValue(dict.encodeKey(key))
    return found === ABSENT ? undefined : (decode(found) as Value)
  }

  /** Whether there is an entry of `key`. Waits for the steps of others at most. @throws TypeError `ERR_INVALID_ARG`: as `get` */
  has(key: DictKey): boolean {
    this.#dict.store.check()
    return this.#dict.reading.has(this.#dict.encodeKey(key))
  }

  /**
   * Makes `value` the value of `key`. Blocks this thread for the steps of others, and while another one updates the same entry.
   * A key that was there keeps its place in the order.
   *
   * What a getter or a `toHandle` of the value throws comes out as it is. After any error the dict is unchanged.
   *
   * @throws TypeError `ERR_INVALID_ARG`: a key that is neither a string nor a number
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the value holds what cannot be shared, such as a function
   * @throws RangeError `ERR_OUT_OF_RANGE`: the memory has no room
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread is inside an update of the same entry
   */
  set(key: DictKey, value: Value): this {
    this.#dict.store.check()
    this.#dict.set(key, encode(value))
    return this
  }

  /**
   * Deletes the entry of `key`. Blocks as {@link SharedDict.set}.
   *
   * @returns whether there was one
   * @throws TypeError `ERR_INVALID_ARG`, LockStateError `ERR_ALREADY_OWNED`: as {@link SharedDict.set}; nothing was deleted
   */
  delete(key: DictKey): boolean {
    return this.#dict.delete(key)
  }

  /**
   * Makes what `fn` returns the value of `key`. `fn` gets the value that is there, or undefined, and runs once. Nobody else
   * writes the entry meanwhile: they wait. Readers get the old value until the new one is there. `fn` may use this dict, but
   * not write the same entry. Two threads that update two entries, each inside the other one's, wait for ever without a timeout.
   *
   * Blocks as {@link SharedDict.set}. When the thread dies inside, the entry stays as it was, and the next one goes on.
   *
   * @returns what `fn` has returned
   * @throws what `fn`, or a getter or `toHandle` of its value, throws; the entry is unchanged, as after each other error
   * @throws TimeoutError `ERR_TIMEOUT`: others have updated the entry for as long as the timeout; `fn` was not called
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread is inside an update of the same entry; `fn` was not called
   * @throws TypeError `ERR_INVALID_ARG`: a bad argument, and `fn` was not called; or it has returned a promise
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`, RangeError `ERR_OUT_OF_RANGE`: as {@link SharedDict.set}; or a bad timeout
   */
  update(key: DictKey, fn: (value: Value | undefined) => Value, options?: UpdateOptions): Value {
    mustBeFunction('fn', fn)
    const deadline = deadlineOf(options)
    const dict = this.#dict
    const cutOff = (): void => dict.abandon(key)
    // Before: what comes between the two is ended, too.
    begun(cutOff)
    let found: number
    try {
      found = dict.claim(key, deadline)
    } catch (error) {
      ended(cutOff)
      throw error
    }
    let byteLength: number | undefined
    try {
      const next = fn(found === ABSENT ? undefined : (decode(found) as Value))
      refusePromise(next, 'fn must return the value, not a promise: the update is over when it returns')
      byteLength = encode(next)
      return next
    } finally {
      dict.settle(key, byteLength)
      ended(cutOff)
    }
  }

  /**
   * Deletes all entries, in one step. Blocks for the steps of others, and until there is a moment when nobody updates an entry.
   *
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread is inside an update; nothing was deleted
   */
  clear(): void {
    this.#dict.clear()
  }

  /**
   * The keys that are there at the time of the call, in the order in which they were set first. Each that is still there
   * when it is reached comes once; one that was deleted meanwhile does not, nor one that is new. The call blocks for the steps
   * of others, and holds them up for as long as it takes to look at each entry.
   */
  keys(): IterableIterator<DictKey> {
    return this.#iterate((key) => decodeKey(key.words, key.form))
  }

  /** The values of {@link SharedDict.keys}, each as it is when it is reached. */
  values(): IterableIterator<Value> {
    return this.#iterate((_, byteLength) => decode(byteLength) as Value)
  }

  /** Key and value of each of {@link SharedDict.keys}, the value as it is when it is reached. */
  entries(): IterableIterator<[DictKey, Value]> {
    return this.#iterate((key, byteLength) => [decodeKey(key.words, key.form), decode(byteLength) as Value])
  }

  /** The same as {@link SharedDict.entries}. */
  [Symbol.iterator](): IterableIterator<[DictKey, Value]> {
    return this.entries()
  }

  /** Calls `fn` for each of {@link SharedDict.entries}. @throws TypeError `ERR_INVALID_ARG`: no function; and what `fn` throws */
  forEach(fn: (value: Value, key: DictKey, dict: SharedDict<Value>) => void): void {
    mustBeFunction('fn', fn)
    for (const [key, value] of this.entries()) fn(value, key, this)
  }

  /**
   * Gives the memory back, where that can be: in a segment. Nobody may be using the dict at the time. From then on each use
   * throws ClosedError `ERR_CLOSED`, in every thread, and its handles are refused. Blocks for the steps of others.
   */
  dispose(): void {
    this.#dict.dispose(this.#place.index)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread, and for a dict in a segment to another process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the dict that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a dict, or of one that was disposed of
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle<Value = unknown>(handle: SharedObjectHandle): SharedDict<Value> {
    const place = kind.open(handle)
    if (place.index + dictWords >= place.memory.words.length || Store.isDisposed(place.memory, place.at(0)))
      throw badHandle('the handle names no whole dict')
    return new SharedDict<Value>(place)
  }

  #iterate<Item>(select: (key: CopiedKey, byteLength: number) => Item): IterableIterator<Item> {
    const { reading, store } = this.#dict
    const snapshot = this.#dict.snapshot()
    return (function* () {
      const key: CopiedKey = { words: new Int32Array(16), form: 0 }
      for (let place = 0; place < snapshot.length; place++) {
        store.check()
        const byteLength = reading.copyEntry(snapshot.hashAt(place), snapshot.orderAt(place), key)
        if (byteLength !== ABSENT) yield select(key, byteLength)
      }
    })()
  }
}

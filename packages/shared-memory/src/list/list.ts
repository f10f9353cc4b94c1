import type { Memory } from '@heddle/sync-primitives'
import { outOfRange } from '@heddle/sync-primitives/building-blocks'
import { corrupt } from '../errors.js'
import { copyWords } from '../store/copy-words.js'
import { LIVE, PAYLOAD, storeWords } from '../store/layout.js'
import { Store } from '../store/store.js'
import { scratchWords } from '../store/values.js'
import { BYTES, DATA, mostValueBytes, wordsOfBytes } from './layout.js'
import { ListTable, NONSENSE } from './list-table.js'
import { Values } from './values.js'

/** How often a read begins again, because somebody has written meanwhile, before it takes the lock. */
const mostRounds = 16
/** The same for many elements: to copy them in vain costs more than to wait. */
const mostRangeRounds = 2

/** What a read has found: the length of a value that stands in the scratch; or one of these. */
export const ABSENT = -1
const UNSTABLE = -2

/** A list of encoded values: what `SharedList` does with indexes that are whole numbers, and with bytes. */
export class List {
  readonly #words: Int32Array
  readonly #store: Store
  readonly #table: ListTable

  /** @param root - the index of the first word behind the tag */
  constructor(memory: Memory, root: number) {
    this.#words = memory.words
    this.#table = new ListTable(memory.words, root + storeWords)
    this.#store = new Store(memory, root, this.#table)
    this.#table.connect(this.#store)
  }

  static format(memory: Memory, root: number): void {
    Store.format(memory, root)
  }

  /** @throws ClosedError `ERR_CLOSED`: the memory was closed by this process, or the list was disposed of */
  check(): void {
    this.#store.check()
  }

  /** Whether it was disposed of before it was opened here. */
  get isDisposed(): boolean {
    return this.#store.seed === 0
  }

  length(): number {
    this.check()
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1 || !this.#table.look()) continue
      const { length } = this.#table
      if (this.#isStable(seen)) return length
    }
    return this.#locked(() => this.#table.length)
  }

  /** Copies the value at `index` to the scratch. @returns its length in bytes, or {@link ABSENT} */
  copyValue(index: number): number {
    this.check()
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1 || !this.#table.look()) continue
      const place = this.#placeOf(index)
      const found = place === ABSENT ? ABSENT : this.#copyElement(this.#table.elementAt(place))
      if (found !== UNSTABLE && this.#isStable(seen)) return found
    }
    return this.#locked(() => {
      const place = this.#placeOf(index)
      return place === ABSENT ? ABSENT : this.#copyElement(this.#table.elementAtLocked(place))
    })
  }

  /** Copies the values from `start` up to `end`, as a slice of an array does, at one moment. */
  copyRange(start: number, end: number): Values {
    this.check()
    const store = this.#store
    for (let round = 0; round < mostRangeRounds; round++) {
      const seen = store.sequence()
      if (seen & 1 || !this.#table.look()) continue
      const values = this.#copyElements(start, end, (place) => this.#table.elementAt(place))
      if (values && this.#isStable(seen)) return values
    }
    return this.#locked(() => {
      const found = this.#copyElements(start, end, (place) => this.#table.elementAtLocked(place))
      if (!found) throw corrupt('a list is larger than its memory')
      return found
    })
  }

  /** Puts values behind the last one, in one step. @returns the length then */
  append(values: Values): number {
    return this.#locked(() => {
      const { length } = this.#table
      this.#insert(length, values)
      return length + values.count
    })
  }

  /** Puts values in front of the one at `index`, or behind the last one. @throws RangeError `ERR_OUT_OF_RANGE` */
  insert(index: number, values: Values): void {
    this.#locked(() => {
      const { length } = this.#table
      const at = index < 0 ? index + length : index
      if (at < 0 || at > length) throw outOfRange(`index must be from ${-length} to ${length}, not ${index}`)
      this.#insert(at, values)
    })
  }

  /** Makes another value the one at `index`. @throws RangeError `ERR_OUT_OF_RANGE` */
  set(index: number, value: Values): void {
    this.#locked(() => {
      const place = this.#placeOf(index)
      if (place === ABSENT) throw noElement(index)
      const old = this.#table.elementAtLocked(place)
      this.#store.begin()
      const [element] = this.#write(value)
      if (element !== undefined) {
        this.#table.set(place, element)
        this.#store.free(old)
      }
      this.#store.end()
      if (element === undefined) throw noRoom()
    })
  }

  /**
   * Takes the element at `index` out, and copies its value to the scratch.
   *
   * @param index - undefined: the last one
   * @returns the value's length in bytes; {@link ABSENT}: no index, and the list is empty
   * @throws RangeError `ERR_OUT_OF_RANGE`
   */
  pop(index: number | undefined): number {
    return this.#locked(() => {
      const { length } = this.#table
      if (index === undefined && length === 0) return ABSENT
      const place = this.#placeOf(index ?? -1)
      if (place === ABSENT) throw noElement(index ?? -1)
      const element = this.#table.elementAtLocked(place)
      const byteLength = this.#copyElement(element)
      this.#store.begin()
      this.#table.remove(place)
      this.#store.free(element)
      this.#store.end()
      return byteLength
    })
  }

  clear(): void {
    this.#locked(() => this.#clear())
  }

  /** Takes all out and gives the memory back. @param object - the index of the tag */
  dispose(object: number): void {
    this.check()
    this.#table.forget()
    this.#store.enter()
    let isGone = false
    try {
      // First, and repaired at once: whoever dies between here and the end leaves an empty list.
      this.#clear()
      isGone = this.#store.dispose(object)
    } finally {
      if (!isGone) this.#store.leave()
    }
  }

  #clear(): void {
    this.#store.begin()
    this.#table.clear()
    this.#store.rebuild()
    this.#store.end()
  }

  #insert(at: number, values: Values): void {
    if (values.count === 0) return
    this.#store.begin()
    const elements = this.#write(values)
    const isDone = elements.length > 0 && this.#table.insert(at, elements)
    if (!isDone) for (const element of elements) this.#store.free(element)
    this.#store.end()
    if (!isDone) throw noRoom()
  }

  /** Makes an element of each value. @returns their blocks; none: there is no room for all, and none was made */
  #write(values: Values): number[] {
    const words = this.#words
    const elements: number[] = []
    for (let place = 0; place < values.count; place++) {
      const byteLength = values.byteLengthAt(place)
      const isPossible = byteLength <= mostValueBytes
      const element = isPossible ? this.#store.allocate(DATA - PAYLOAD + wordsOfBytes(byteLength)) : 0
      if (element === 0) {
        for (const made of elements) this.#store.free(made)
        return []
      }
      words[element + BYTES] = byteLength
      values.copyTo(place, words, element + DATA)
      this.#store.setState(element, LIVE)
      elements.push(element)
    }
    return elements
  }

  /** Where the element of an index stands; {@link ABSENT}. */
  #placeOf(index: number): number {
    const { length } = this.#table
    const place = index < 0 ? index + length : index
    return place >= 0 && place < length ? place : ABSENT
  }

  #copyElement(element: number): number {
    const byteLength = this.#table.bytesOf(element)
    if (byteLength === NONSENSE) return UNSTABLE
    const count = wordsOfBytes(byteLength)
    copyWords(this.#words, element + DATA, scratchWords(count), 0, count)
    return byteLength
  }

  /** @returns undefined: what was read cannot be */
  #copyElements(start: number, end: number, elementAt: (place: number) => number): Values | undefined {
    const { length } = this.#table
    const clamp = (index: number): number => Math.max(0, Math.min(length, index < 0 ? index + length : index))
    const values = new Values()
    for (let place = clamp(start); place < clamp(end); place++) {
      const element = elementAt(place)
      const byteLength = this.#table.bytesOf(element)
      // No list is larger than its memory: what is torn may look as if it was.
      if (byteLength === NONSENSE || values.wordCount > this.#words.length) return undefined
      values.add(this.#words, element + DATA, byteLength)
    }
    return values
  }

  /** Whether what was read since the sequence was `seen` holds. @throws ClosedError `ERR_CLOSED`: there was nothing to read */
  #isStable(seen: number): boolean {
    if (!this.#store.isUnchanged(seen)) return false
    // The words of a closed memory are zero, and so is its sequence.
    this.check()
    return true
  }

  /** Runs `change` under the lock, with the table looked at. */
  #locked<Result>(change: () => Result): Result {
    this.check()
    this.#table.forget()
    this.#store.enter()
    try {
      this.#table.lookLocked()
      return change()
    } finally {
      this.#store.leave()
      // If the memory has gone meanwhile, its words were zero: what was found, or not found, means nothing.
      this.check()
    }
  }
}

export function noElement(index: number): RangeError {
  return outOfRange(`the list has no element at index ${index}`)
}

function noRoom(): RangeError {
  return outOfRange('the memory has no room for what was to be put into the list')
}

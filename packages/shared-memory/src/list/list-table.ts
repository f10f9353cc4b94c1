import { corrupt } from '../errors.js'
import { copyWords } from '../store/copy-words.js'
import { granuleWords, HEAD, LIVE, sizeOf, stateOf } from '../store/layout.js'
import type { Store, Structure } from '../store/store.js'
import {
  BYTES,
  capacityOf,
  DATA,
  halfOf,
  LENGTH,
  lengthOf,
  lengthWord,
  PLACES,
  TABLE,
  tableWords,
  wordsOfBytes,
} from './layout.js'

/** Of what was read without the lock: it cannot be. */
export const NONSENSE = -1

/** A table with room for no more than so many is never made smaller. */
const fewestToShrink = 16

/**
 * The elements of a list by their places. `look` says what there is; all else goes by what it has seen last, and is for the
 * holder of the lock unless it is said to be for everybody.
 */
export class ListTable implements Structure {
  readonly #words: Int32Array
  readonly #root: number
  #store: Store | undefined

  #block = 0
  #capacity = 0
  #length = 0
  #half = 0

  /** What counts, while the store repairs itself: the blocks that the table leads to, and how many of them were found. */
  #reached: Set<number> | undefined
  #found = 0

  /** @param root - the index of the list's own first word */
  constructor(words: Int32Array, root: number) {
    this.#words = words
    this.#root = root
  }

  /** Once, before anything else: each of the two needs the other. */
  connect(store: Store): void {
    this.#store = store
  }

  get #blocks(): Store {
    return this.#store as Store
  }

  /** For everybody. @returns false: what is there cannot be */
  look(): boolean {
    const words = this.#words
    const block = words[this.#root + TABLE] as number
    this.#block = block
    this.#capacity = 0
    this.#length = 0
    this.#half = 0
    if (block === 0) return true
    if (!(block > 0 && block + PLACES <= words.length)) return false
    const head = words[block + HEAD] as number
    const word = words[block + LENGTH] as number
    this.#capacity = capacityOf(sizeOf(head))
    this.#length = lengthOf(word)
    this.#half = halfOf(word)
    const end = block + sizeOf(head) * granuleWords
    return stateOf(head) === LIVE && this.#length <= this.#capacity && end <= words.length
  }

  /** The same, under the lock. @throws CorruptError `ERR_CORRUPT`: there is no table where one should be */
  lookLocked(): void {
    if (!this.look()) throw corrupt(`the table at ${this.#block} is none`)
    if (this.#block !== 0) this.#blocks.sizeAt(this.#block)
  }

  /** For everybody. */
  get length(): number {
    return this.#length
  }

  /** For everybody: the index of the element's block, which may be nonsense. `place` is from 0 to `length - 1`. */
  elementAt(place: number): number {
    return this.#words[this.#placesOf(this.#half) + place] as number
  }

  /** For everybody: the length of an element's value in bytes, which stands whole at DATA; {@link NONSENSE}. */
  bytesOf(element: number): number {
    const words = this.#words
    if (!(element > 0 && element + DATA <= words.length)) return NONSENSE
    const head = words[element + HEAD] as number
    const byteLength = words[element + BYTES] as number
    const room = sizeOf(head) * granuleWords
    if (stateOf(head) !== LIVE || byteLength < 0 || element + room > words.length) return NONSENSE
    return DATA + wordsOfBytes(byteLength) <= room ? byteLength : NONSENSE
  }

  /** Under the lock: the element's block. @throws CorruptError `ERR_CORRUPT`: there is none */
  elementAtLocked(place: number): number {
    const element = this.elementAt(place)
    this.#check(element)
    return element
  }

  #check(element: number): void {
    this.#blocks.sizeAt(element)
    if (element === this.#block || this.bytesOf(element) === NONSENSE)
      throw corrupt(`the block at ${element} is no element`)
  }

  /** Puts elements in front of the one at `at`, or behind the last. One store. @returns false: no room; nothing changed */
  insert(at: number, elements: readonly number[]): boolean {
    return this.#replace(at, 0, elements)
  }

  /** Takes the element at `at` out. One store, which needs no room. */
  remove(at: number): void {
    this.#replace(at, 1, [])
    if (this.#capacity <= fewestToShrink || this.#length * 4 > this.#capacity) return
    const small = this.#newTable(this.#length)
    if (small !== 0) this.#moveTo(small, this.#length, 0, [])
  }

  /** Makes another element the one at `at`: one store. */
  set(at: number, element: number): void {
    Atomics.store(this.#words, this.#placesOf(this.#half) + at, element)
  }

  /** Forgets all elements: one store. {@link Store.rebuild} must follow. */
  clear(): void {
    Atomics.store(this.#words, this.#root + TABLE, 0)
  }

  /** Takes `removed` places out from `at` on, or puts `elements` in: never both. */
  #replace(at: number, removed: number, elements: readonly number[]): boolean {
    const words = this.#words
    const length = this.#length - removed + elements.length
    if (length > this.#capacity) {
      const larger = this.#newTable(length)
      if (larger !== 0) this.#moveTo(larger, at, removed, elements)
      return larger !== 0
    }
    const isAtEnd = at + removed === this.#length
    const half = isAtEnd ? this.#half : 1 - this.#half
    // At the end, all that is written is behind LENGTH.
    if (isAtEnd) for (const [place, element] of elements.entries()) words[this.#placesOf(half) + at + place] = element
    else this.#copyPlaces(this.#placesOf(half), at, removed, elements)
    if (this.#block !== 0) Atomics.store(words, this.#block + LENGTH, lengthWord(length, half))
    this.#length = length
    this.#half = half
    return true
  }

  /** Fills a new table, and makes it the one that counts. */
  #moveTo(table: number, at: number, removed: number, elements: readonly number[]): void {
    const words = this.#words
    const old = this.#block
    this.#copyPlaces(table + PLACES, at, removed, elements)
    words[table + LENGTH] = lengthWord(this.#length - removed + elements.length, 0)
    this.#blocks.setState(table, LIVE)
    Atomics.store(words, this.#root + TABLE, table)
    if (old !== 0) this.#blocks.free(old)
    this.look()
  }

  #copyPlaces(to: number, at: number, removed: number, elements: readonly number[]): void {
    const words = this.#words
    const from = this.#placesOf(this.#half)
    const behind = at + removed
    copyWords(words, from, words, to, at)
    for (const [place, element] of elements.entries()) words[to + at + place] = element
    copyWords(words, from + behind, words, to + at + elements.length, this.#length - behind)
  }

  #placesOf(half: number): number {
    return this.#block + PLACES + half * this.#capacity
  }

  /** With room to grow, if there is any: so that one element more costs the same on average, however many there are. */
  #newTable(length: number): number {
    const ample = length + (length >>> 1) + 2
    return this.#blocks.allocate(tableWords(ample)) || this.#blocks.allocate(tableWords(length))
  }

  /** Before each turn in which the store may repair itself: what it found in one that failed does not hold any more. */
  forget(): void {
    this.#reached = undefined
  }

  keeps(block: number): boolean {
    this.#reached ??= this.#reach()
    if (!this.#reached.has(block)) return false
    this.#found += 1
    return true
  }

  relink(): void {
    this.#reached ??= this.#reach()
    // Of two places that lead to one block, or one into the middle of a block, nothing was found.
    if (this.#found !== this.#reached.size) throw corrupt('the table leads to what is no block')
    this.#reached = undefined
  }

  #reach(): Set<number> {
    this.#found = 0
    this.lookLocked()
    const reached = new Set<number>()
    if (this.#block !== 0) reached.add(this.#block)
    for (let place = 0; place < this.#length; place++) {
      const element = this.elementAtLocked(place)
      if (reached.has(element)) throw corrupt(`the element at ${element} is in the list twice`)
      reached.add(element)
    }
    return reached
  }
}

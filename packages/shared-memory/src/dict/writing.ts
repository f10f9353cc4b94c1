import { FREE } from '@heddle/sync-primitives/building-blocks'
import { copyWords } from '../store/copy-words.js'
import { type EncodedKey, keyWords } from '../store/keys.js'
import { CLAIM, granuleWords, LIVE, PAYLOAD, USED } from '../store/layout.js'
import type { Store } from '../store/store.js'
import { scratchWords } from '../store/values.js'
import type { Entries } from './entries.js'
import { bytesOf, DATA, KEY, mostValueBytes, OWNER, VALUE, valueWord, wordsOfBytes } from './layout.js'
import type { Table } from './table.js'

/** A value of up to this many words gets room for the next one beside it, when it replaces another. */
const mostDoubledWords = 64
/** An entry keeps its block as long as that is not larger than what it needs by this many words and this factor. */
const spareWords = 64
const spareFactor = 4
/** Milliseconds until a full dict is searched again for what the dead have left, after there was nothing. */
const fruitlessMs = 1_000

/** The changes of entries, each of which is one store. For the holder of the lock, who has looked after their owners. */
export class Writing {
  readonly #store: Store
  readonly #table: Table
  readonly #entries: Entries
  readonly #words: Int32Array
  /** On the clock of `performance.now()`. */
  #nextVisit = 0

  constructor(store: Store, table: Table, entries: Entries) {
    this.#store = store
    this.#table = table
    this.#entries = entries
    this.#words = store.words
  }

  /**
   * Gives an entry the value in the scratch; of 0, and of a CLAIM, it makes one of this key.
   *
   * @returns the entry that has the value, the same one or another in its place; 0: no room, nothing changed
   */
  put(entry: number, key: EncodedKey, byteLength: number): number {
    if (byteLength > mostValueBytes) return 0
    const count = wordsOfBytes(byteLength)
    const isLive = entry !== 0 && this.#store.stateAt(entry) === LIVE
    if (isLive && this.#overwrite(entry, byteLength, count, spareFactor * count + spareWords)) return entry
    this.#store.begin()
    const least = DATA - PAYLOAD + key.count + count
    const block = (isLive && count <= mostDoubledWords && this.#store.allocate(least + count)) || this.allocate(least)
    if (block === 0) {
      this.#store.end()
      return isLive && this.#overwrite(entry, byteLength, count, Number.POSITIVE_INFINITY) ? entry : 0
    }
    if (isLive) this.#entries.writeSuccessor(block, entry)
    else this.#entries.write(block, key)
    copyWords(scratchWords(count), 0, this.#words, block + DATA + key.count, count)
    this.#words[block + VALUE] = valueWord(byteLength, false)
    this.#store.setState(block, LIVE)
    if (entry !== 0) this.remove(entry)
    this.#table.link(block)
    if (!isLive) this.#table.addToCount(1)
    this.#store.end()
    return block
  }

  /** Between `begin` and `end`: a block; for which places go that the dead have claimed and never used. @returns 0: no room */
  allocate(words: number): number {
    const block = this.#store.allocate(words)
    if (block !== 0) return block
    // In a dict that stays full each call would look at every entry again.
    const now = performance.now()
    if (now < this.#nextVisit) return 0
    const ofTheDead: number[] = []
    this.#store.visit((entry, state) => {
      if (state === CLAIM && !this.#entries.isOwned(entry)) ofTheDead.push(entry)
      return true
    })
    if (ofTheDead.length === 0) {
      this.#nextVisit = now + fruitlessMs
      return 0
    }
    for (const entry of ofTheDead) this.remove(entry)
    return this.#store.allocate(words)
  }

  /** Writes the value beside the one that is there. @returns false: there is no room for both, or far too much for them */
  #overwrite(entry: number, byteLength: number, count: number, mostRoom: number): boolean {
    const words = this.#words
    const value = words[entry + VALUE] as number
    const begin = entry + DATA + keyWords(words[entry + KEY] as number)
    const end = entry + this.#store.sizeAt(entry) * granuleWords
    const room = end - begin
    if (wordsOfBytes(bytesOf(value)) + count > room || room > mostRoom) return false
    const atEnd = (value & 1) === 0
    this.#store.announce()
    copyWords(scratchWords(count), 0, words, atEnd ? end - count : begin, count)
    Atomics.store(words, entry + VALUE, valueWord(byteLength, atEnd))
    return true
  }

  /** Deletes an entry that has no value yet. */
  removeClaim(entry: number): void {
    this.#store.begin()
    this.remove(entry)
    this.#store.end()
  }

  /** Deletes an entry: its first store is the change. */
  remove(entry: number): void {
    this.#store.setState(entry, USED)
    // Whoever is about to sleep on the word must find it changed. Now, before the block can be somebody else's.
    this.#words[entry + OWNER] = FREE
    this.#table.unlink(entry)
    this.#store.free(entry)
  }
}

import { DATA, OWNER, VALUE, valueWord, wordsOfBytes } from '../dict/layout.js'
import { copyWords } from '../store/copy-words.js'
import type { EncodedKey } from '../store/keys.js'
import { CLAIM, LIVE, PAYLOAD } from '../store/layout.js'
import type { Store } from '../store/store.js'
import { scratchWords } from '../store/values.js'
import type { Contents } from './contents.js'
import { expiryOf, roomOf, tailOf, usedBy, valueWords } from './entry.js'
import { EXPIRATIONS, expiryWords, tailWords, writeFloat } from './layout.js'

/** A value of up to this many words gets room for the next one beside it, when it replaces another. */
const mostDoubledWords = 64
/** An entry keeps its block as long as the room in that is not larger than this many words, and this factor of the value. */
const spareWords = 64
const spareFactor = 4

/** How many values go without asking for more memory, after there was none. */
const fullFor = 256

/** How values get into a cache, and others go for them. For the holder of the lock. */
export class Placing {
  readonly #contents: Contents
  readonly #store: Store
  readonly #words: Int32Array
  /** For so many further values the memory is taken to be full. */
  #full = 0

  constructor(contents: Contents) {
    this.#contents = contents
    this.#store = contents.store
    this.#words = contents.store.words
  }

  /**
   * Makes the value in the scratch that of a key. What was not used for the longest time goes, until it fits.
   *
   * @param entry - what {@link Contents.find} has found; a CLAIM is taken away first
   * @param expiry - 0: never
   * @returns false: no room, though nothing is left
   */
  put(entry: number, key: EncodedKey, byteLength: number, expiry: number): boolean {
    this.#store.begin()
    const isDone = this.#put(entry, key, byteLength, expiry)
    this.#store.end()
    return isDone
  }

  #put(entry: number, key: EncodedKey, byteLength: number, expiry: number): boolean {
    const words = this.#words
    const now = this.#contents.now()
    const count = wordsOfBytes(byteLength)
    const needed = key.count + count
    const old = this.#oldFor(entry, now)
    if (old !== 0) {
      this.#contents.recency.touch(old)
      this.#makeRoom(0, needed - usedBy(words, old), old, now)
      if (this.#overwrite(old, byteLength, expiry, spareFactor * count + spareWords)) return true
    } else this.#makeRoom(1, needed, 0, now)
    const least = DATA - PAYLOAD + key.count + count + expiryWords + tailWords
    const beside = old !== 0 && count <= mostDoubledWords ? count + expiryWords : 0
    let block = beside > 0 ? this.#store.allocate(least + beside, false) : 0
    if (block === 0) block = this.#allocate(least, old, now)
    if (block === 0) {
      if (old === 0) return false
      if (this.#overwrite(old, byteLength, expiry, Number.POSITIVE_INFINITY)) return true
      this.#contents.remove(old)
      return this.#put(0, key, byteLength, expiry)
    }
    if (old !== 0) this.#contents.entries.writeSuccessor(block, old)
    else this.#contents.entries.write(block, key)
    words[block + VALUE] = valueWord(byteLength, false)
    this.#writeValue(roomOf(words, block), count, expiry)
    this.#store.setState(block, LIVE)
    if (old !== 0) this.#contents.unlink(old)
    this.#contents.table.link(block)
    this.#contents.link(block)
    if (old === 0) this.#contents.table.addToCount(1)
    return true
  }

  /** What is left of an entry that gets a value: itself if it is LIVE, and has not expired since it was found. */
  #oldFor(entry: number, now: number): number {
    if (entry === 0) return 0
    if (this.#store.stateAt(entry) === CLAIM) this.#contents.release(entry)
    else if (!this.#contents.isExpired(entry, now)) return entry
    else {
      this.#contents.count(EXPIRATIONS)
      this.#contents.remove(entry)
    }
    return 0
  }

  #writeValue(at: number, count: number, expiry: number): void {
    copyWords(scratchWords(count), 0, this.#words, at, count)
    writeFloat(this.#words, at + count, expiry)
  }

  /** Writes the value beside the one that is there. @returns false: there is no room for both, or far too much for them */
  #overwrite(entry: number, byteLength: number, expiry: number, mostRoom: number): boolean {
    const words = this.#words
    const begin = roomOf(words, entry)
    const end = tailOf(words, entry)
    const count = wordsOfBytes(byteLength)
    const room = end - begin
    if (valueWords(words, entry) + count + 2 * expiryWords > room || room > mostRoom) return false
    const atEnd = ((words[entry + VALUE] as number) & 1) === 0
    if (expiryOf(words, entry) !== 0) this.#contents.expiries.remove(entry)
    this.#contents.use(-usedBy(words, entry))
    this.#writeValue(atEnd ? end - count - expiryWords : begin, count, expiry)
    Atomics.store(words, entry + VALUE, valueWord(byteLength, atEnd))
    if (expiry !== 0) this.#contents.expiries.insert(entry)
    this.#contents.use(usedBy(words, entry))
    return true
  }

  /** Makes room within the cache's limits for so many more entries and words, beside `kept`, which is the newest entry. */
  #makeRoom(entries: number, words: number, kept: number, now: number): void {
    if (this.#hasRoom(entries, words)) return
    this.#contents.expire(now)
    while (!this.#hasRoom(entries, words)) if (!this.#contents.evict(kept)) return
  }

  #hasRoom(entries: number, words: number): boolean {
    return (
      this.#contents.table.count + entries <= this.#contents.maxSize &&
      this.#contents.used + words <= this.#contents.maxWords
    )
  }

  /** A block of the store, for which what was not used for the longest time goes; but not `kept`. */
  #allocate(words: number, kept: number, now: number): number {
    let block = this.#store.allocate(words, this.#mayAskForMore())
    if (block !== 0) return block
    this.#full = fullFor
    this.#contents.expire(now)
    for (;;) {
      block = this.#store.allocate(words, false)
      if (block !== 0) return block
      if (!this.#contents.evict(kept)) break
    }
    // What the dead have left: places of values that they computed.
    this.#store.rebuild()
    return this.#store.allocate(words)
  }

  /** A memory that had no room is not asked again at once: to find none it looks at all that is in it. */
  #mayAskForMore(): boolean {
    if (this.#full > 0) this.#full -= 1
    return this.#full === 0
  }

  /** The place of a value that somebody is about to compute. @returns 0: no room, though nothing is left */
  claim(key: EncodedKey, owner: number, ticket: number): number {
    const contents = this.#contents
    this.#store.begin()
    const claim = this.#allocate(DATA - PAYLOAD + key.count, 0, contents.now())
    if (claim !== 0) {
      contents.entries.write(claim, key)
      this.#words[claim + OWNER] = owner
      this.#words[claim + VALUE] = ticket
      this.#store.setState(claim, CLAIM)
      contents.table.link(claim)
    }
    this.#store.end()
    return claim
  }
}

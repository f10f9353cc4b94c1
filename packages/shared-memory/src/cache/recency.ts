import { NEXT_HIGH, NEXT_LOW, ORDER_LOW, orderHighOf, STAMP, stampOf } from '../dict/layout.js'
import { corrupt } from '../errors.js'
import { linkedTail, tailOf } from './entry.js'
import { NEWER, NEWEST, OLDER, OLDEST } from './layout.js'

/** What of a stamp is not the order. */
const restOfStamp = stampOf(1, 0) - 1

/** The entries of a cache in the order of their last uses: a list with links. For the holder of the lock. */
export class Recency {
  readonly #words: Int32Array
  readonly #root: number
  readonly #dictRoot: number

  /** @param root - the index of the cache's own first word */
  constructor(words: Int32Array, root: number, dictRoot: number) {
    this.#words = words
    this.#root = root
    this.#dictRoot = dictRoot
  }

  /** 0: there is none. @throws CorruptError `ERR_CORRUPT`: it can be none */
  get oldest(): number {
    const entry = this.#words[this.#root + OLDEST] as number
    if (entry !== 0) linkedTail(this.#words, entry)
    return entry
  }

  isNewest(entry: number): boolean {
    return this.#words[this.#root + NEWEST] === entry
  }

  /** Makes an entry of the list the newest. Between `begin` and `end`. */
  touch(entry: number): void {
    if (!this.isNewest(entry)) {
      this.remove(entry)
      this.push(entry)
    }
    this.#stamp(entry)
  }

  /** Puts in an entry that was not there, as the newest. */
  push(entry: number): void {
    const words = this.#words
    const newest = words[this.#root + NEWEST] as number
    const tail = tailOf(words, entry)
    if (newest === 0) words[this.#root + OLDEST] = entry
    else {
      const before = linkedTail(words, newest)
      if (words[before + NEWER] !== 0) throw corrupt('the newest entry is not the last one')
      words[before + NEWER] = entry
    }
    words[tail + OLDER] = newest
    words[tail + NEWER] = 0
    words[this.#root + NEWEST] = entry
  }

  remove(entry: number): void {
    const words = this.#words
    const tail = tailOf(words, entry)
    const older = words[tail + OLDER] as number
    const newer = words[tail + NEWER] as number
    const toThis = older === 0 ? this.#root + OLDEST : linkedTail(words, older) + NEWER
    const backToThis = newer === 0 ? this.#root + NEWEST : linkedTail(words, newer) + OLDER
    if (words[toThis] !== entry || words[backToThis] !== entry) throw corrupt(`the entry at ${entry} is in no list`)
    words[toThis] = newer
    words[backToThis] = older
  }

  /** Forgets them all. */
  empty(): void {
    this.#words[this.#root + NEWEST] = 0
    this.#words[this.#root + OLDEST] = 0
  }

  /** The order of the entry is the next one: by that the list can be made again. */
  #stamp(entry: number): void {
    const words = this.#words
    const low = words[this.#dictRoot + NEXT_LOW] as number
    const high = words[this.#dictRoot + NEXT_HIGH] as number
    const stamp = words[entry + STAMP] as number
    words[entry + ORDER_LOW] = low
    if (orderHighOf(stamp) !== high) words[entry + STAMP] = stampOf(high, stamp & restOfStamp)
    words[this.#dictRoot + NEXT_LOW] = (low + 1) | 0
    if (low === -1) words[this.#dictRoot + NEXT_HIGH] = high + 1
  }
}

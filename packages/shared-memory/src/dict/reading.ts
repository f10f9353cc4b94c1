import { copyWords } from '../store/copy-words.js'
import { type EncodedKey, isKeyForm, keyWords } from '../store/keys.js'
import { granuleWords, HEAD, LIVE, sizeOf, stateOf } from '../store/layout.js'
import type { Store } from '../store/store.js'
import { scratchWords } from '../store/values.js'
import { bytesOf, DATA, KEY, VALUE, wordsOfBytes } from './layout.js'
import { NONSENSE, type Table } from './table.js'

/** How often a read begins again, because somebody has written meanwhile, before it takes the lock. */
const mostRounds = 16

/** What a read has found: the length of a value that stands in the scratch; or one of these. */
export const ABSENT = -1
const UNSTABLE = -2

/** Reads without the lock as long as that works. Everything is copied first, and looked at when it is known to be whole. */
export class Reading {
  readonly #store: Store
  readonly #table: Table
  readonly #words: Int32Array

  constructor(store: Store, table: Table) {
    this.#store = store
    this.#table = table
    this.#words = store.words
  }

  /** Copies the value of a key to the scratch. @returns its length in bytes, or {@link ABSENT} */
  copyValue(key: EncodedKey): number {
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1) continue
      const entry = this.#table.find(key)
      const found = entry === 0 ? ABSENT : entry === NONSENSE ? UNSTABLE : this.#copyFrom(entry)
      if (found !== UNSTABLE && store.isUnchanged(seen)) return found
    }
    store.enter()
    try {
      const entry = this.#table.findLocked(key)
      return entry === 0 ? ABSENT : this.copyLocked(entry)
    } finally {
      store.leave()
    }
  }

  has(key: EncodedKey): boolean {
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1) continue
      const entry = this.#table.find(key)
      const found = entry > 0 && store.stateAt(entry) === LIVE
      if (entry !== NONSENSE && store.isUnchanged(seen)) return found
    }
    store.enter()
    try {
      const entry = this.#table.findLocked(key)
      return entry !== 0 && store.stateAt(entry) === LIVE
    } finally {
      store.leave()
    }
  }

  count(): number {
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1) continue
      const { count, isCountPossible } = this.#table
      if (isCountPossible && store.isUnchanged(seen)) return count
    }
    store.enter()
    try {
      if (!this.#table.isCountPossible) store.fail('it has an impossible number of entries')
      return this.#table.count
    } finally {
      store.leave()
    }
  }

  /**
   * The same as {@link Reading.copyValue} for the entry of this hash and order, with its key.
   *
   * @param keyInto - gets the key's words and is returned filled
   */
  copyEntry(hash: number, order: number, keyInto: CopiedKey): number {
    const store = this.#store
    for (let round = 0; round < mostRounds; round++) {
      const seen = store.sequence()
      if (seen & 1) continue
      const entry = this.#table.findByOrder(hash, order)
      const found =
        entry === 0 ? ABSENT : entry === NONSENSE || !this.#copyKey(entry, keyInto) ? UNSTABLE : this.#copyFrom(entry)
      if (found !== UNSTABLE && store.isUnchanged(seen)) return found
    }
    store.enter()
    try {
      const entry = this.#table.findByOrderLocked(hash, order)
      if (entry === 0) return ABSENT
      if (!this.#copyKey(entry, keyInto)) store.fail(`the key of the entry at ${entry} is damaged`)
      return this.copyLocked(entry)
    } finally {
      store.leave()
    }
  }

  /** Copies the value of an entry that the lock's holder has checked. */
  copyLocked(entry: number): number {
    const found = this.#copyFrom(entry)
    if (found === UNSTABLE) this.#store.fail(`the value of the entry at ${entry} is damaged`)
    return found
  }

  #copyFrom(entry: number): number {
    const words = this.#words
    const head = words[entry + HEAD] as number
    if (stateOf(head) !== LIVE) return ABSENT
    // It says which half of the room counts: what is read there must not have been read before it.
    const value = Atomics.load(words, entry + VALUE)
    const byteLength = bytesOf(value)
    const count = wordsOfBytes(byteLength)
    const end = entry + sizeOf(head) * granuleWords
    const begin = entry + DATA + keyWords(words[entry + KEY] as number)
    if (value < 0 || begin + count > end || end > words.length) return UNSTABLE
    copyWords(words, value & 1 ? end - count : begin, scratchWords(count), 0, count)
    return byteLength
  }

  #copyKey(entry: number, into: CopiedKey): boolean {
    const words = this.#words
    const form = words[entry + KEY] as number
    const count = keyWords(form)
    if (!isKeyForm(form) || entry + DATA + count > words.length) return false
    if (into.words.length < count) into.words = new Int32Array(count)
    into.form = form
    copyWords(words, entry + DATA, into.words, 0, count)
    return true
  }
}

/** A key of this thread's own, whole once a read has returned. */
export interface CopiedKey {
  words: Int32Array
  form: number
}

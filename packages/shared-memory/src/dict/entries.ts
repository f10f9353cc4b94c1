import { ownerOf, slotOf } from '@heddle/sync-primitives/building-blocks'
import { corrupt } from '../errors.js'
import { type EncodedKey, isKeyForm, keyWords } from '../store/keys.js'
import { CLAIM, granuleWords, LIVE } from '../store/layout.js'
import type { Store } from '../store/store.js'
import {
  bytesOf,
  DATA,
  GENERATION,
  generations,
  HASH,
  KEY,
  NEXT_HIGH,
  NEXT_LOW,
  nextVersion,
  ORDER_LOW,
  OWNER,
  orderOf,
  STAMP,
  stampOf,
  VALUE,
  wordsOfBytes,
} from './layout.js'

/** The heads of a dict's entries. */
export class Entries {
  readonly #words: Int32Array
  readonly #root: number
  readonly #store: Store

  /** @param root - the index of the dict's own first word */
  constructor(store: Store, root: number) {
    this.#words = store.words
    this.#root = root
    this.#store = store
  }

  /** For everybody: when its key was set first. */
  orderAt(entry: number): number {
    return orderOf(this.#words[entry + ORDER_LOW] as number, this.#words[entry + STAMP] as number)
  }

  /** Whether somebody who lives makes its next value. */
  isOwned(entry: number): boolean {
    const owner = ownerOf(this.#words[entry + OWNER] as number)
    return owner !== 0 && !this.#store.memory.isDead(owner)
  }

  /** @throws CorruptError `ERR_CORRUPT`: no entry stands there */
  check(entry: number): void {
    const words = this.#words
    const room = this.#store.sizeAt(entry) * granuleWords
    const state = this.#store.stateAt(entry)
    const form = words[entry + KEY] as number
    const value = state === LIVE ? (words[entry + VALUE] as number) : 0
    const slot = slotOf(ownerOf(words[entry + OWNER] as number))
    if (
      (state !== LIVE && state !== CLAIM) ||
      !isKeyForm(form) ||
      value < 0 ||
      DATA + keyWords(form) + wordsOfBytes(bytesOf(value)) > room ||
      (words[entry + OWNER] !== 0 && (slot === 0 || slot > this.#store.memory.slots))
    )
      throw corrupt(`the entry at ${entry} is damaged`)
  }

  /** Writes the head of a new entry into a USED block. The key comes from {@link EncodedKey}. */
  write(entry: number, key: EncodedKey): void {
    const words = this.#words
    words[entry + HASH] = key.hash
    words[entry + OWNER] = 0
    words[entry + KEY] = key.form
    words[entry + VALUE] = 0
    words[entry + ORDER_LOW] = words[this.#root + NEXT_LOW] as number
    const generation = (words[this.#root + GENERATION] as number) & (generations - 1)
    words[entry + STAMP] = stampOf(words[this.#root + NEXT_HIGH] as number, generation)
    for (let at = 0; at < key.count; at++) words[entry + DATA + at] = key.words[at] as number
    this.setNextOrder(this.orderAt(entry) + 1)
  }

  /** Writes the head of an entry that will take the place of another one. */
  writeSuccessor(entry: number, old: number): void {
    const words = this.#words
    words[entry + HASH] = words[old + HASH] as number
    words[entry + OWNER] = 0
    words[entry + KEY] = words[old + KEY] as number
    words[entry + VALUE] = 0
    words[entry + ORDER_LOW] = words[old + ORDER_LOW] as number
    words[entry + STAMP] = nextVersion(words[old + STAMP] as number)
    const end = DATA + keyWords(words[old + KEY] as number)
    for (let at = DATA; at < end; at++) words[entry + at] = words[old + at] as number
  }

  get nextOrder(): number {
    return (
      ((this.#words[this.#root + NEXT_HIGH] as number) >>> 0) * 2 ** 32 +
      ((this.#words[this.#root + NEXT_LOW] as number) >>> 0)
    )
  }

  /** What the next new entry gets. */
  setNextOrder(order: number): void {
    this.#words[this.#root + NEXT_LOW] = order | 0
    this.#words[this.#root + NEXT_HIGH] = Math.floor(order / 2 ** 32)
  }
}

import type { Memory } from '@heddle/sync-primitives'
import { FREE, ownerOf, WAITERS } from '@heddle/sync-primitives/building-blocks'
import { bytesOf, dictWords, OWNER, VALUE } from '../dict/layout.js'
import { Recovery } from '../dict/recovery.js'
import { Table } from '../dict/table.js'
import { corrupt } from '../errors.js'
import { copyWords } from '../store/copy-words.js'
import type { EncodedKey } from '../store/keys.js'
import { CLAIM, LIVE, storeWords, USED } from '../store/layout.js'
import { Store } from '../store/store.js'
import { scratchWords } from '../store/values.js'
import { sharedNow } from './clock.js'
import { expiryAt, expiryOf, roomOf, tailOf, usedBy, valueAt, valueWords } from './entry.js'
import { Expiries } from './expiries.js'
import {
  addToCount,
  EVICTIONS,
  EXPIRATIONS,
  expiryWords,
  MAX_SIZE,
  MAX_WORDS,
  readFloat,
  TTL,
  USED_WORDS,
  writeFloat,
} from './layout.js'
import { Recency } from './recency.js'

/**
 * What is in a cache: entries by key, by use and by expiry, and how much room they take up. For the holder of the lock, and
 * what changes something, between `begin` and `end`, if it does not say that it does so itself.
 */
export class Contents extends Recovery {
  readonly recency: Recency
  readonly expiries: Expiries
  /** Words at which somebody waits for a computation that is over: to be notified when the lock is free. */
  readonly released: number[] = []
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #root: number

  /** @param root - the index of the first word behind the tag */
  constructor(memory: Memory, root: number) {
    super(memory, root, root + storeWords)
    this.#memory = memory
    this.#words = memory.words
    this.#root = root + dictWords
    this.recency = new Recency(memory.words, this.#root, root + storeWords)
    this.expiries = new Expiries(memory.words, this.#root)
  }

  static format(memory: Memory, root: number, maxSize: number, maxWords: number, ttl: number): void {
    Store.format(memory, root)
    Table.format(memory.words, root + storeWords)
    memory.words[root + dictWords + MAX_SIZE] = maxSize
    memory.words[root + dictWords + MAX_WORDS] = maxWords
    writeFloat(memory.words, root + dictWords + TTL, ttl)
  }

  /** Adds one to one of the counters. */
  count(which: number): void {
    addToCount(this.#words, this.#root + which)
  }

  get used(): number {
    return this.#words[this.#root + USED_WORDS] as number
  }

  use(words: number): void {
    this.#words[this.#root + USED_WORDS] = this.used + words
  }

  get maxSize(): number {
    return this.#words[this.#root + MAX_SIZE] as number
  }

  get maxWords(): number {
    return this.#words[this.#root + MAX_WORDS] as number
  }

  /** The time, if there is anything that it is of interest to. */
  now(): number {
    return this.expiries.isEmpty ? 0 : sharedNow()
  }

  /**
   * The entry that counts. One that has expired is dropped.
   *
   * @returns LIVE; 0: there is none
   */
  findLive(key: EncodedKey): number {
    const entry = this.find(key)
    return entry !== 0 && this.store.stateAt(entry) === LIVE ? entry : 0
  }

  /** The same, or the CLAIM of somebody who computes the value, or has died while he did. */
  find(key: EncodedKey): number {
    const entry = this.table.findLocked(key)
    if (entry === 0 || this.store.stateAt(entry) !== LIVE) return entry
    if (!this.#hasRoomForValue(entry)) this.store.fail(`the entry at ${entry} is damaged`)
    const at = expiryAt(this.#words, entry)
    // Most never expire: then nobody need look at the clock.
    if (((this.#words[at] as number) | (this.#words[at + 1] as number)) === 0) return entry
    if (sharedNow() < readFloat(this.#words, at)) return entry
    this.drop(entry, EXPIRATIONS)
    return 0
  }

  #hasRoomForValue(entry: number): boolean {
    const words = this.#words
    return roomOf(words, entry) + valueWords(words, entry) + expiryWords <= tailOf(words, entry)
  }

  /** Copies the value of a LIVE entry to the scratch. @returns its length in bytes */
  copy(entry: number): number {
    const words = this.#words
    const count = valueWords(words, entry)
    copyWords(words, valueAt(words, entry), scratchWords(count), 0, count)
    return bytesOf(words[entry + VALUE] as number)
  }

  /** It was used: from now on all others go before it. With `begin` and `end`. */
  touch(entry: number): void {
    if (this.recency.isNewest(entry)) return
    this.store.begin()
    this.recency.touch(entry)
    this.store.end()
  }

  /** Drops what has expired, with `begin` and `end`. */
  dropExpired(): void {
    if (this.expiries.isEmpty) return
    this.store.begin()
    this.expire(sharedNow())
    this.store.end()
  }

  #hasExpired(now: number): boolean {
    const { soonest } = this.expiries
    return soonest !== 0 && this.isExpired(soonest, now)
  }

  isExpired(entry: number, now: number): boolean {
    const expiry = expiryOf(this.#words, entry)
    return expiry !== 0 && !(now < expiry)
  }

  /** Drops what has expired. */
  expire(now: number): void {
    while (this.#hasExpired(now)) {
      const { soonest } = this.expiries
      this.#checkLinked(soonest)
      this.count(EXPIRATIONS)
      this.remove(soonest)
    }
  }

  /** Before an entry is taken away that was found by a link. @throws CorruptError `ERR_CORRUPT`: it is none */
  #checkLinked(entry: number): void {
    this.table.check(entry)
    if (this.store.stateAt(entry) !== LIVE || !this.#hasRoomForValue(entry)) throw corrupt(`a link leads to ${entry}`)
  }

  /** Deletes a LIVE entry, with `begin` and `end`. @param counter - what it counts as */
  drop(entry: number, counter?: number): void {
    this.store.begin()
    this.remove(entry)
    if (counter !== undefined) this.count(counter)
    this.store.end()
  }

  /** The same as {@link Contents.release}, with `begin` and `end`. */
  cancel(claim: number): void {
    this.store.begin()
    this.release(claim)
    this.store.end()
  }

  /** Takes a CLAIM away: what its owner computes is not stored. */
  release(claim: number): void {
    const word = this.#words[claim + OWNER] as number
    if (word & WAITERS) this.released.push(claim + OWNER)
    this.store.setState(claim, USED)
    // Whoever is about to sleep on the word must find it changed.
    Atomics.store(this.#words, claim + OWNER, FREE)
    this.table.unlink(claim)
    this.store.free(claim)
  }

  /** Whether the CLAIM's owner is dead. */
  isAbandoned(claim: number): boolean {
    return this.#memory.isDead(ownerOf(this.#words[claim + OWNER] as number))
  }

  /** @returns false: there is nothing left but `kept` */
  evict(kept: number): boolean {
    const { oldest } = this.recency
    if (oldest === 0 || oldest === kept) return false
    this.#checkLinked(oldest)
    this.count(EVICTIONS)
    this.remove(oldest)
    return true
  }

  /** Deletes a LIVE entry. */
  remove(entry: number): void {
    this.unlink(entry)
    this.table.addToCount(-1)
  }

  /** The same, but it stays counted. Its first store is the change. */
  unlink(entry: number): void {
    const words = this.#words
    this.store.setState(entry, USED)
    this.table.unlink(entry)
    this.recency.remove(entry)
    if (expiryOf(words, entry) !== 0) this.expiries.remove(entry)
    this.use(-usedBy(words, entry))
    this.store.free(entry)
  }

  /** Enters a LIVE entry everywhere but in the table. */
  link(entry: number): void {
    this.recency.push(entry)
    if (expiryOf(this.#words, entry) !== 0) this.expiries.insert(entry)
    this.use(usedBy(this.#words, entry))
  }

  /** Deletes everything, and takes every CLAIM away. With `begin` and `end`. */
  clear(): void {
    this.store.begin()
    this.#disown()
    this.commitClear()
    this.store.rebuild()
    this.store.end()
  }

  /** Takes every CLAIM from its owner; the blocks must be given back then. */
  #disown(): void {
    const words = this.#words
    this.store.visit((claim, state) => {
      if (state !== CLAIM) return true
      if ((words[claim + OWNER] as number) & WAITERS) this.released.push(claim + OWNER)
      Atomics.store(words, claim + OWNER, FREE)
      return true
    })
  }

  override keeps(entry: number, state: number): boolean {
    if (!super.keeps(entry, state)) return false
    if (state === LIVE && !this.#hasRoomForValue(entry)) throw corrupt(`the entry at ${entry} is damaged`)
    return true
  }

  override relink(): void {
    super.relink()
    this.recency.empty()
    this.expiries.empty()
    this.#words[this.#root + USED_WORDS] = 0
    const found: { entry: number; order: number }[] = []
    this.store.visit((entry, state) => {
      if (state === LIVE) found.push({ entry, order: this.entries.orderAt(entry) })
      return true
    })
    found.sort((one, other) => one.order - other.order)
    for (const { entry } of found) this.link(entry)
  }
}

import { LockStateError, type Memory } from '@heddle/sync-primitives'
import { EVERYBODY, outOfRange, ownedBy, ownerOf, WAITERS } from '@heddle/sync-primitives/building-blocks'
import { dictWords, mostValueBytes, OWNER, VALUE, wordsOfBytes } from '../dict/layout.js'
import { EncodedKey } from '../store/keys.js'
import { CLAIM } from '../store/layout.js'
import { sharedNow } from './clock.js'
import { Contents } from './contents.js'
import { EVICTIONS, EXPIRATIONS, HITS, MISSES, noLimit, readCount, readFloat, TTL } from './layout.js'
import type { CacheStats } from './options.js'
import { Placing } from './placing.js'
import { Computing, type Seeker } from './seeker.js'

/** What is encoded last. No user's code runs between that and its use. */
const key = new EncodedKey()

/** What a look has found: the length of a value that stands in the scratch; or one of these. */
export const ABSENT = -1
/** The caller has to compute the value now, and to call {@link Cache.settle} then. */
export const CLAIMED = -2

/** A cache of encoded values: what `ThreadSafeCache` does with keys, and with bytes in the scratch of `store/values.ts`. */
export class Cache {
  readonly contents: Contents
  readonly #placing: Placing
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #root: number
  readonly #mine: number

  /** @param root - the index of the first word behind the tag */
  constructor(memory: Memory, root: number) {
    this.contents = new Contents(memory, root)
    this.#placing = new Placing(this.contents)
    this.#memory = memory
    this.#words = memory.words
    this.#root = root + dictWords
    this.#mine = ownedBy(memory.participant)
  }

  get #store(): Contents['store'] {
    return this.contents.store
  }

  /** For how many milliseconds entries live that do not say; Infinity: for ever. */
  get ttl(): number {
    return readFloat(this.#words, this.#root + TTL)
  }

  /** Copies a value to the scratch. @param isUse - false: it does not count */
  get(of: unknown, isUse: boolean): number {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      const { contents } = this
      const entry = contents.findLive(key)
      if (isUse) contents.count(entry === 0 ? MISSES : HITS)
      if (entry === 0) return ABSENT
      if (isUse) contents.touch(entry)
      return contents.copy(entry)
    } finally {
      this.#leave()
    }
  }

  has(of: unknown): boolean {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      return this.contents.findLive(key) !== 0
    } finally {
      this.#leave()
    }
  }

  /** Sets the value in the scratch. */
  put(of: unknown, byteLength: number, ttl: number): void {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      this.#checkFit(byteLength)
      this.#putLocked(this.contents.find(key), byteLength, ttl)
    } finally {
      this.#leave()
    }
  }

  #putLocked(entry: number, byteLength: number, ttl: number): void {
    const expiry = ttl === Number.POSITIVE_INFINITY ? 0 : sharedNow() + ttl
    if (!this.#placing.put(entry, key, byteLength, expiry))
      throw outOfRange(`the memory has no room for a value of ${byteLength} bytes, though the cache is empty by now`)
  }

  #checkFit(byteLength: number): void {
    const words = key.count + wordsOfBytes(byteLength)
    const { maxWords } = this.contents
    if (words > maxWords)
      throw outOfRange(`key and value take up ${words * 4} bytes, more than maxBytes, which is ${maxWords * 4}`)
    if (byteLength > mostValueBytes || words >= this.#words.length)
      throw outOfRange(`the memory has no room for a value of ${byteLength} bytes`)
  }

  /** @returns whether there was one, or somebody computed one */
  delete(of: unknown): boolean {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      const entry = this.contents.find(key)
      if (entry === 0) return false
      if (this.#store.stateAt(entry) !== CLAIM) {
        this.contents.drop(entry)
        return true
      }
      const isComputed = !this.contents.isAbandoned(entry)
      this.contents.cancel(entry)
      return isComputed
    } finally {
      this.#leave()
    }
  }

  clear(): void {
    this.#store.enter()
    try {
      this.contents.clear()
    } finally {
      this.#leave()
    }
  }

  size(): number {
    this.#store.enter()
    try {
      this.contents.dropExpired()
      return this.contents.table.count
    } finally {
      this.#leave()
    }
  }

  stats(): CacheStats {
    const { contents } = this
    const read = (counter: number): number => readCount(this.#words, this.#root + counter)
    this.#store.enter()
    try {
      contents.dropExpired()
      return {
        hits: read(HITS),
        misses: read(MISSES),
        evictions: read(EVICTIONS),
        expirations: read(EXPIRATIONS),
        size: contents.table.count,
        bytes: contents.used * 4,
        maxSize: contents.maxSize,
        maxBytes: contents.maxWords === noLimit ? Number.POSITIVE_INFINITY : contents.maxWords * 4,
        ttl: this.ttl,
      }
    } finally {
      this.#leave()
    }
  }

  /**
   * The value in the scratch, or the right to compute it.
   *
   * @throws LockStateError `ERR_ALREADY_OWNED`: whoever computes it cannot go on before this call is over
   */
  look(of: unknown, seeker: Seeker): number | Computing {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      const { contents } = this
      const entry = contents.find(key)
      const isLive = entry !== 0 && this.#store.stateAt(entry) !== CLAIM
      if (!seeker.isCounted) contents.count(isLive ? HITS : MISSES)
      seeker.isCounted = true
      if (isLive) {
        contents.touch(entry)
        return contents.copy(entry)
      }
      if (entry !== 0) {
        if (!contents.isAbandoned(entry)) return this.#waitFor(entry, seeker)
        contents.cancel(entry)
      }
      if (this.#placing.claim(key, this.#mine, seeker.ticket) === 0)
        throw outOfRange('the memory has no room for the key')
      return CLAIMED
    } finally {
      this.#leave()
    }
  }

  #waitFor(claim: number, seeker: Seeker): Computing {
    const words = this.#words
    const index = claim + OWNER
    const word = words[index] as number
    if (ownerOf(word) === ownerOf(this.#mine) && seeker.wouldHoldUp(words[claim + VALUE] as number))
      throw new LockStateError('ERR_ALREADY_OWNED', 'this thread computes the value that this would have to wait for')
    Atomics.store(words, index, word | WAITERS)
    return new Computing(index, word | WAITERS)
  }

  /**
   * Ends what {@link Cache.look} has begun with `CLAIMED`, in any case.
   *
   * @param byteLength - of the value in the scratch; `ABSENT`: there is none
   */
  settle(of: unknown, ticket: number, byteLength: number, ttl: number): void {
    this.#encodeKey(of)
    this.#store.enter()
    try {
      const claim = this.contents.find(key)
      const isThere =
        claim !== 0 &&
        this.#store.stateAt(claim) === CLAIM &&
        ownerOf(this.#words[claim + OWNER] as number) === ownerOf(this.#mine) &&
        this.#words[claim + VALUE] === ticket
      // Somebody has put, deleted or cleared meanwhile: that is the newer one.
      if (!isThere) return
      this.contents.cancel(claim)
      if (byteLength === ABSENT) return
      this.#checkFit(byteLength)
      this.#putLocked(0, byteLength, ttl)
    } finally {
      this.#leave()
    }
  }

  /** Deletes all and gives the memory back. @param object - the index of the tag */
  dispose(object: number): void {
    this.#store.enter()
    let isGone = false
    try {
      this.contents.clear()
      isGone = this.#store.dispose(object)
    } finally {
      if (!isGone) this.#leave()
    }
  }

  #encodeKey(of: unknown): void {
    key.encode(of, this.#store.seed)
  }

  /** Lets go of the lock, and wakes those whose wait is over. */
  #leave(): void {
    this.#store.leave()
    const { released } = this.contents
    if (released.length === 0) return
    for (const index of released.splice(0)) this.#memory.notify(index, EVERYBODY)
  }
}

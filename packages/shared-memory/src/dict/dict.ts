import { LockStateError, type Memory, TimeoutError } from '@heddle/sync-primitives'
import {
  EVERYBODY,
  FREE,
  GAVE_UP,
  outOfRange,
  ownedBy,
  ownerOf,
  runBlocking,
  type Steps,
  WAITERS,
  wait,
} from '@heddle/sync-primitives/building-blocks'
import { EncodedKey } from '../store/keys.js'
import { CLAIM, LIVE, PAYLOAD, storeWords } from '../store/layout.js'
import { Store } from '../store/store.js'
import type { Entries } from './entries.js'
import { DATA, HASH, mostTableBits, OWNER, smallTableBits } from './layout.js'
import { ABSENT, Reading } from './reading.js'
import { Recovery } from './recovery.js'
import { Snapshot } from './snapshot.js'
import { Table } from './table.js'
import { Writing } from './writing.js'

/** What is encoded last. No user's code runs between that and its use. */
const key = new EncodedKey()

/** A dict of encoded values: what `SharedDict` does with keys, and with bytes in the scratch of `store/values.ts`. */
export class Dict {
  readonly store: Store
  readonly table: Table
  readonly reading: Reading
  readonly #recovery: Recovery
  readonly #entries: Entries
  readonly #writing: Writing
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #mine: number

  /** @param root - the index of the first word behind the tag */
  constructor(memory: Memory, root: number) {
    this.#recovery = new Recovery(memory, root, root + storeWords)
    this.store = this.#recovery.store
    this.table = this.#recovery.table
    this.#entries = this.#recovery.entries
    this.reading = new Reading(this.store, this.table)
    this.#writing = new Writing(this.store, this.table, this.#entries)
    this.#memory = memory
    this.#words = memory.words
    this.#mine = ownedBy(memory.participant)
  }

  static format(memory: Memory, root: number): void {
    Store.format(memory, root)
    Table.format(memory.words, root + storeWords)
  }

  /** The key as it is looked for. @throws TypeError `ERR_INVALID_ARG` */
  encodeKey(of: unknown): EncodedKey {
    key.encode(of, this.store.seed)
    return key
  }

  /** Sets the value in the scratch. */
  set(of: unknown, byteLength: number): void {
    this.encodeKey(of)
    const entry = this.#enterFor(Number.POSITIVE_INFINITY)
    try {
      if (this.#writing.put(entry, key, byteLength) === 0) throw noRoom(byteLength)
    } finally {
      this.store.leave()
    }
  }

  delete(of: unknown): boolean {
    this.encodeKey(of)
    const entry = this.#enterFor(Number.POSITIVE_INFINITY)
    try {
      if (entry === 0) return false
      this.store.begin()
      this.#writing.remove(entry)
      this.table.addToCount(-1)
      this.store.end()
      return true
    } finally {
      this.store.leave()
    }
  }

  /** Deletes all. Waits for each entry that somebody updates. */
  clear(): void {
    for (;;) {
      this.store.enter()
      let owned = 0
      let word = FREE
      try {
        // All of them, although one that is owned is enough: if one is this thread's own, waiting for another could never end.
        this.store.visit((entry, state) => {
          if ((state === LIVE || state === CLAIM) && this.#isOwned(entry)) owned = entry
          return true
        })
        if (owned === 0) {
          const { nextOrder } = this.#entries
          this.store.begin()
          this.#recovery.commitClear()
          this.store.rebuild()
          // An iteration that goes on must not take a new entry for one that it knows.
          this.#entries.setNextOrder(nextOrder)
          this.store.end()
          return
        }
        word = this.#setAwaited(owned)
      } finally {
        this.store.leave()
      }
      this.#wait(owned, word, Number.POSITIVE_INFINITY)
    }
  }

  /**
   * Makes this thread the owner of the key's entry, which may have no value yet.
   *
   * @returns the length of the value that is in the scratch then; `ABSENT`
   */
  claim(of: unknown, deadline: number): number {
    this.encodeKey(of)
    const entry = this.#enterFor(deadline)
    try {
      if (entry !== 0) {
        const found = this.reading.copyLocked(entry)
        Atomics.store(this.#words, entry + OWNER, this.#mine)
        return found
      }
      this.store.begin()
      const claim = this.#writing.allocate(DATA - PAYLOAD + key.count)
      if (claim !== 0) {
        this.#entries.write(claim, key)
        this.#words[claim + OWNER] = this.#mine
        this.store.setState(claim, CLAIM)
        this.table.link(claim)
      }
      this.store.end()
      if (claim === 0) throw noRoom(key.count * 4)
      return ABSENT
    } finally {
      this.store.leave()
    }
  }

  /**
   * Ends what {@link Dict.claim} has begun, in any case.
   *
   * @param byteLength - of the value in the scratch, which becomes the entry's; undefined: it stays as it is
   */
  settle(of: unknown, byteLength: number | undefined): void {
    this.#finish(of, byteLength, true)
  }

  /** Ends what {@link Dict.claim} has begun, if nobody has settled it; the value stays as it is. */
  abandon(of: unknown): void {
    this.#finish(of, undefined, false)
  }

  #finish(of: unknown, byteLength: number | undefined, isMine: boolean): void {
    this.encodeKey(of)
    this.store.enter()
    let entry = 0
    let word = FREE
    try {
      entry = this.table.findLocked(key)
      word = entry === 0 ? FREE : (this.#words[entry + OWNER] as number)
      if (ownerOf(word) !== ownerOf(this.#mine)) {
        word = FREE
        if (isMine) this.store.fail('an entry has lost its owner')
        return
      }
      const written = byteLength === undefined ? 0 : this.#writing.put(entry, key, byteLength)
      // Where another block has taken its place, this one is no longer ours to write to.
      if (written === 0 && this.store.stateAt(entry) === CLAIM) this.#writing.removeClaim(entry)
      else if (written === 0 || written === entry) Atomics.store(this.#words, entry + OWNER, FREE)
      if (byteLength !== undefined && written === 0) throw noRoom(byteLength)
    } finally {
      this.store.leave()
      if (word & WAITERS) this.#memory.notify(entry + OWNER, EVERYBODY)
    }
  }

  /** What is there now: hash and order of each entry, in their order. Blocks for the steps of others. */
  snapshot(): Snapshot {
    const snapshot = new Snapshot()
    this.store.enter()
    try {
      this.store.visit((entry, state) => {
        if (state === LIVE) snapshot.add(this.#words[entry + HASH] as number, this.#entries.orderAt(entry))
        return true
      })
    } finally {
      this.store.leave()
    }
    snapshot.sort()
    return snapshot
  }

  /** Makes room for `capacity` entries in the table. */
  reserve(capacity: number): boolean {
    const bits = Math.min(Math.ceil(Math.log2(capacity)), mostTableBits)
    if (bits <= smallTableBits) return true
    this.store.enter()
    try {
      this.store.begin()
      const isDone = this.table.grow(bits)
      this.store.end()
      return isDone
    } finally {
      this.store.leave()
    }
  }

  /** Deletes all and gives the memory back. @param object - the index of the tag */
  dispose(object: number): void {
    this.store.enter()
    let isGone = false
    try {
      this.store.begin()
      this.#recovery.commitClear()
      isGone = this.store.dispose(object)
    } finally {
      if (!isGone) this.store.leave()
    }
  }

  /**
   * Takes the lock when nobody who lives owns the entry of the key.
   *
   * @returns the entry, LIVE; 0: there is none
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread owns it; TimeoutError `ERR_TIMEOUT`: not before the deadline; the
   * lock is free in both cases
   */
  #enterFor(deadline: number): number {
    for (;;) {
      this.store.enter()
      let entry = 0
      let word = FREE
      let isOurs = false
      try {
        entry = this.table.findLocked(key)
        if (entry === 0) isOurs = true
        else if (!this.#isOwned(entry)) {
          entry = this.#takeOver(entry)
          isOurs = true
        } else word = this.#setAwaited(entry)
      } finally {
        if (!isOurs) this.store.leave()
      }
      if (isOurs) return entry
      this.#wait(entry, word, deadline)
    }
  }

  /** Whether somebody who lives owns it. @throws LockStateError `ERR_ALREADY_OWNED`: it is this thread */
  #isOwned(entry: number): boolean {
    const word = this.#words[entry + OWNER] as number
    if (word === FREE) return false
    if (ownerOf(word) === ownerOf(this.#mine))
      throw new LockStateError('ERR_ALREADY_OWNED', 'this thread updates an entry that this would have to wait for')
    return !this.#memory.isDead(ownerOf(word))
  }

  /** After its owner's death, if it had one. @returns the entry; 0: it had no value and is gone */
  #takeOver(entry: number): number {
    const word = this.#words[entry + OWNER] as number
    if (word === FREE) return entry
    const isClaim = this.store.stateAt(entry) === CLAIM
    if (isClaim) this.#writing.removeClaim(entry)
    else Atomics.store(this.#words, entry + OWNER, FREE)
    if (word & WAITERS) this.#memory.notify(entry + OWNER, EVERYBODY)
    return isClaim ? 0 : entry
  }

  #setAwaited(entry: number): number {
    const word = (this.#words[entry + OWNER] as number) | WAITERS
    Atomics.store(this.#words, entry + OWNER, word)
    return word
  }

  /** Sleeps until the word may have changed. The block may be somebody else's by then: it is not touched again. */
  #wait(entry: number, word: number, deadline: number): void {
    if (!runBlocking(this.#memory, waitOnce(entry + OWNER, word), deadline))
      throw new TimeoutError('another thread has updated the entry for longer than the timeout')
  }
}

/** One wait. @returns false: the time was over before */
function* waitOnce(index: number, expected: number): Steps<boolean> {
  return (yield wait(index, expected)) !== GAVE_UP
}

function noRoom(bytes: number): RangeError {
  return outOfRange(`the memory has no room for an entry of ${bytes} more bytes`)
}

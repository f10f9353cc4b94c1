import { types } from 'node:util'
import { InternalError, Mutex, Semaphore, type SharedObjectHandle } from '@heddle/sync-primitives'
import { badHandle, ClosedError, outOfRange } from './errors.js'
import { dropPermit } from './permits.js'

/**
 * The memory of a queue: a SharedArrayBuffer of its own. Its three locks live elsewhere and travel beside it.
 *
 * Int32 index · name           · meaning
 * 0           · MAGIC          · tells a queue from any other buffer
 * 1           · LAYOUT         · version of this layout
 * 2           · CAPACITY       · the number of slots; written once
 * 3           · MAX_ITEM_BYTES · the most bytes of an item; written once
 * 4           · HEAD           · the slot of the oldest item; the tail is HEAD + COUNT, around the end
 * 5           · COUNT          · the items inside
 * 6           · CLOSED         · 1: closed
 * 7, 8, 9     · LOCKS          · where the mutex, the free and the filled slots' semaphore are; written once
 * 10–11       · PUT_COUNT      · one 64-bit count: puts that succeeded
 * 12–13       · GET_COUNT      · one 64-bit count: gets that succeeded
 * 14–15       · ERRORS         · one 64-bit count: calls that failed because the queue was full or empty
 * 16…         ·                · slots: one word with the item's length in bytes, then MAX_ITEM_BYTES, padded to whole words
 *
 * CLOSED · COUNT         · a put            · a get
 * 0      · 0             · goes             · waits
 * 0      · 1…CAPACITY−1  · goes             · goes
 * 0      · CAPACITY      · waits            · goes
 * 1      · 1…CAPACITY    · ERR_CLOSED       · goes
 * 1      · 0             · ERR_CLOSED       · ERR_CLOSED
 *
 * All of these words but ERRORS change under the mutex only, and each operation decides under it: there it takes effect.
 * The mutex is held for one copy of an item at most, never across an await.
 *
 * Invariant: while the mutex is free, 0 <= COUNT <= CAPACITY, 0 <= HEAD < CAPACITY and COUNT = PUT_COUNT − GET_COUNT.
 * Invariant: while the mutex is free, the permits of `filled`, with those that getters hold and have not looked with yet, are
 * at least COUNT; those of `free`, with those that putters hold, at least CAPACITY − COUNT. So nobody sleeps beside an item
 * or a free slot. There may be more: an operation that did not wait finds no permit to take away when a waiter has it
 * already. That waiter looks in vain, drops its permit and waits on.
 * Invariant: HEAD is GET_COUNT modulo CAPACITY, and the counts are the last words of the ring that an operation writes. So
 * whoever takes the mutex over from one who has died finds out how far that one had come.
 * Invariant: CLOSED stays set, and both semaphores then have more permits than there can be sleepers.
 * Source: E. W. Dijkstra, "Cooperating Sequential Processes", EWD 123, section 4.3, the bounded buffer,
 * https://www.cs.utexas.edu/~EWD/transcriptions/EWD01xx/EWD123.html
 * Differs: a permit is leave to look, not a promise. With promises, a try form would report an empty queue beside an item
 * that is promised to a slower thread, and a third thread might still take that item.
 */
const MAGIC = 0
const LAYOUT = 1
const CAPACITY = 2
const MAX_ITEM_BYTES = 3
const HEAD = 4
const COUNT = 5
const CLOSED = 6
const LOCKS = 7
const COUNTS = 10
const headerWords = 16

/** Indices of the 64-bit counts. */
const PUT_COUNT = 0
const GET_COUNT = 1
const ERRORS = 2

const magic = 0x48646c51 // "HdlQ"
const layout = 1
export const mostCapacity = 2 ** 28
export const mostBytes = 2 ** 31 - 1
const closingPermits = 2 ** 29

/** The three locks, as handles. */
export interface RingLocks {
  readonly mutex: SharedObjectHandle
  readonly freeSlots: SharedObjectHandle
  readonly filledSlots: SharedObjectHandle
}

export class Ring {
  readonly buffer: SharedArrayBuffer
  readonly capacity: number
  readonly maxItemBytes: number
  /** Permits to look for a free slot. */
  readonly free: Semaphore
  /** Permits to look for an item. */
  readonly filled: Semaphore
  readonly #mutex: Mutex
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #counts: BigInt64Array
  readonly #slotWords: number

  private constructor(buffer: SharedArrayBuffer, mutex: SharedObjectHandle, free: Semaphore, filled: Semaphore) {
    this.buffer = buffer
    this.free = free
    this.filled = filled
    this.#mutex = Mutex.fromHandle(mutex, { onOwnerDied: () => this.#repair() })
    this.#words = new Int32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
    this.#counts = new BigInt64Array(buffer, COUNTS * 4, 3)
    this.capacity = wordAt(this.#words, CAPACITY)
    this.maxItemBytes = wordAt(this.#words, MAX_ITEM_BYTES)
    this.#slotWords = slotWordsFor(this.maxItemBytes)
  }

  /** @throws RangeError `ERR_OUT_OF_RANGE`: together they take more memory than there is */
  static create(capacity: number, maxItemBytes: number): Ring {
    const bytes = bytesFor(capacity, maxItemBytes)
    if (bytes > mostBytes)
      throw outOfRange(`${capacity} items of ${maxItemBytes} bytes take more than ${mostBytes} bytes`)
    let buffer: SharedArrayBuffer
    try {
      buffer = new SharedArrayBuffer(bytes)
    } catch (cause) {
      throw outOfRange(`there is no memory for ${capacity} items of ${maxItemBytes} bytes`, { cause })
    }
    const locks = { mutex: new Mutex(), free: new Semaphore(capacity), filled: new Semaphore(0) }
    const words = new Int32Array(buffer)
    words[LAYOUT] = layout
    words[CAPACITY] = capacity
    words[MAX_ITEM_BYTES] = maxItemBytes
    words.set(
      [locks.mutex, locks.free, locks.filled].map((lock) => lock.toHandle().index),
      LOCKS,
    )
    Atomics.store(words, MAGIC, magic)
    return new Ring(buffer, locks.mutex.toHandle(), locks.free, locks.filled)
  }

  /** @throws TypeError `ERR_BAD_HANDLE`: this is not the memory of a queue, or these are not its locks */
  static open(buffer: SharedArrayBuffer, locks: RingLocks): Ring {
    if (!types.isSharedArrayBuffer(buffer))
      throw badHandle('the handle holds no SharedArrayBuffer: it must be sent between threads, not between processes')
    if (buffer.byteLength < headerWords * 4 || buffer.byteLength % 4 !== 0)
      throw badHandle('the buffer of the handle is too small for a queue')
    const words = new Int32Array(buffer)
    if (Atomics.load(words, MAGIC) !== magic) throw badHandle('the buffer of the handle holds no queue')
    const found = wordAt(words, LAYOUT)
    if (found !== layout)
      throw badHandle(`the queue has layout ${found}; this version of Heddle reads layout ${layout}`)
    const [capacity, maxItemBytes] = [wordAt(words, CAPACITY), wordAt(words, MAX_ITEM_BYTES)]
    if (capacity < 1 || maxItemBytes < 1 || buffer.byteLength !== bytesFor(capacity, maxItemBytes))
      throw badHandle('the buffer of the handle has not the size of its queue')
    const { mutex, freeSlots, filledSlots } = locks
    for (const [position, lock] of [mutex, freeSlots, filledSlots].entries())
      if (typeof lock !== 'object' || lock === null || lock.index !== wordAt(words, LOCKS + position))
        throw badHandle('the locks of the handle are not those of its queue')
    return new Ring(buffer, mutex, Semaphore.fromHandle(freeSlots), Semaphore.fromHandle(filledSlots))
  }

  locks(): RingLocks {
    return {
      mutex: this.#mutex.toHandle(),
      freeSlots: this.free.toHandle(),
      filledSlots: this.filled.toHandle(),
    }
  }

  /**
   * Puts an item of at most `maxItemBytes` bytes, unless the queue is full.
   *
   * @param holdsPermit - whether the caller took a permit of `free` for this; it is used up in any case
   * @returns true; undefined: full, nothing was changed
   * @throws ClosedError `ERR_CLOSED`: nothing was put
   */
  put(item: Uint8Array, holdsPermit: boolean): true | undefined {
    return this.#mutex.runExclusiveSync(() => {
      const { head, count } = this.#check()
      if (this.#words[CLOSED]) throw new ClosedError('the queue was closed: nothing can be put')
      if (count === this.capacity) return undefined
      const slot = headerWords + ((head + count) % this.capacity) * this.#slotWords
      this.#words[slot] = item.byteLength
      this.#bytes.set(item, (slot + 1) * 4)
      Atomics.store(this.#words, COUNT, count + 1)
      Atomics.add(this.#counts, PUT_COUNT, 1n)
      if (!holdsPermit) dropPermit(this.free)
      // Not after the mutex: a getter that comes between would find no permit to drop, and permits would pile up.
      this.filled.release()
      return true
    })
  }

  /**
   * Takes the oldest item, unless the queue is empty.
   *
   * @param holdsPermit - whether the caller took a permit of `filled` for this; it is used up in any case
   * @returns the item's bytes, copied out; undefined: empty, nothing was changed
   * @throws ClosedError `ERR_CLOSED`: closed and empty
   */
  take(holdsPermit: boolean): Uint8Array | undefined {
    return this.#mutex.runExclusiveSync(() => {
      const { head, count } = this.#check()
      if (count === 0) {
        if (this.#words[CLOSED]) throw new ClosedError('the queue was closed, and nothing is left in it')
        return undefined
      }
      const slot = headerWords + head * this.#slotWords
      const length = wordAt(this.#words, slot)
      if (length < 0 || length > this.maxItemBytes)
        throw new InternalError(`an item of a queue is ${length} bytes long`)
      const start = (slot + 1) * 4
      const item = this.#bytes.slice(start, start + length)
      this.#words[HEAD] = (head + 1) % this.capacity
      Atomics.store(this.#words, COUNT, count - 1)
      Atomics.add(this.#counts, GET_COUNT, 1n)
      if (!holdsPermit) dropPermit(this.filled)
      this.free.release()
      return item
    })
  }

  /** Closes the queue for puts and wakes everybody who waits, in all threads. A second call does nothing. */
  close(): void {
    this.#mutex.runExclusiveSync(() => {
      if (this.#words[CLOSED]) return
      this.#words[CLOSED] = 1
      // A permit for everybody at once, so that no wake-up depends on another thread that might end before it passes it on.
      this.free.release(closingPermits)
      this.filled.release(closingPermits)
    })
  }

  /**
   * Under the mutex, whose last holder died. PUT_COUNT and GET_COUNT are the last words that a put and a take write: what was
   * not counted has not happened. The permits that go with it may be missing; there may always be more of them.
   */
  #repair(): void {
    const puts = Atomics.load(this.#counts, PUT_COUNT)
    const gets = Atomics.load(this.#counts, GET_COUNT)
    this.#words[HEAD] = Number(gets % BigInt(this.capacity))
    const count = Number(puts - gets)
    Atomics.store(this.#words, COUNT, count)
    topUp(this.free, this.#words[CLOSED] ? closingPermits : this.capacity - count)
    topUp(this.filled, this.#words[CLOSED] ? closingPermits : count)
  }

  /** The items inside: a snapshot, it may be stale when you read it. */
  get size(): number {
    return Atomics.load(this.#words, COUNT)
  }

  countError(): void {
    Atomics.add(this.#counts, ERRORS, 1n)
  }

  /** The counts at one moment. */
  readCounts(): { putCount: number; getCount: number; errors: number } {
    return this.#mutex.runExclusiveSync(() => ({
      putCount: Number(Atomics.load(this.#counts, PUT_COUNT)),
      getCount: Number(Atomics.load(this.#counts, GET_COUNT)),
      errors: Number(Atomics.load(this.#counts, ERRORS)),
    }))
  }

  #check(): { head: number; count: number } {
    const [head, count] = [wordAt(this.#words, HEAD), wordAt(this.#words, COUNT)]
    if (head < 0 || head >= this.capacity || count < 0 || count > this.capacity)
      throw new InternalError(`a queue of ${this.capacity} slots has its head at ${head} and ${count} items`)
    return { head, count }
  }
}

function topUp(permits: Semaphore, least: number): void {
  const missing = least - permits.availablePermits
  if (missing > 0) permits.release(missing)
}

function slotWordsFor(maxItemBytes: number): number {
  return 1 + Math.ceil(maxItemBytes / 4)
}

function bytesFor(capacity: number, maxItemBytes: number): number {
  return (headerWords + capacity * slotWordsFor(maxItemBytes)) * 4
}

function wordAt(words: Int32Array, index: number): number {
  return words[index] ?? 0
}

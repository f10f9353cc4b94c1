import type { Memory } from '@heddle/sync-primitives'
import { EVERYBODY, type Lane, laneOf, throwIfClosed } from '@heddle/sync-primitives/building-blocks'
import { BrokenError, ClosedError, corrupt } from './errors.js'
import type { QueueStore } from './queue-store.js'
import { CONSUMERS, ITEMS, PRODUCERS, ROOM } from './ring/layout.js'
import { BROKEN, DAMAGED, EMPTY, FULL, OVER } from './ring/outcomes.js'
import { DIED, LEFT, sideState } from './ring/records.js'
import { decodeTaken, TakenBytes, type Writable } from './ring/scratch.js'
import { isArmed, signal } from './ring/signal.js'

/** An item in a box, since it may be undefined. */
export interface Box<T> {
  readonly item: T
}

/**
 * What a put and a get do at one moment, in whichever form they wait: the attempt itself, the wake-ups of others, and what an
 * attempt in vain means. The calls of one thread on one queue stand in two lines, one for each side, however many objects of
 * it the thread has opened.
 */
export class QueueAttempts<T> {
  readonly puts: Lane<true | undefined>
  readonly gets: Lane<Box<T> | T[] | undefined>
  readonly #store: QueueStore
  readonly #memory: Memory
  readonly #items: number
  readonly #room: number

  constructor(store: QueueStore) {
    const { memory, index } = store
    this.#store = store
    this.#memory = memory
    this.#items = index + ITEMS
    this.#room = index + ROOM
    this.puts = laneOf(memory, this.#room)
    this.gets = laneOf(memory, this.#items)
  }

  /** Whether no earlier put of this thread waits; those that do are looked after first. */
  mayPutNow(): boolean {
    if (this.puts.size === 0) return true
    this.puts.lookAgain()
    return this.puts.size === 0
  }

  /** The same of gets. */
  mayGetNow(): boolean {
    if (this.gets.size === 0) return true
    this.gets.lookAgain()
    return this.gets.size === 0
  }

  /** Puts it, if it has room. @throws ClosedError, BrokenError, CorruptError */
  put(item: Writable): true | undefined {
    throwIfClosed(this.#memory)
    let put = this.#store.put(item)
    if (put === FULL && this.gets.size > 0) {
      // Those of this thread that wait for an item make room, and cannot by themselves while it blocks.
      this.gets.lookAgain()
      put = this.#store.put(item)
    }
    return this.#afterPut(put) > 0 ? true : undefined
  }

  /** @returns how many of them were put, as many as have room at this moment */
  putSome(items: readonly Writable[], from: number): number {
    throwIfClosed(this.#memory)
    let put = this.#store.putMany(items, from)
    if (put === FULL && this.gets.size > 0) {
      this.gets.lookAgain()
      put = this.#store.putMany(items, from)
    }
    return this.#afterPut(put)
  }

  /** @returns how many are inside now, for all to see; 0: there was no room */
  #afterPut(put: number): number {
    throwIfClosed(this.#memory)
    if (put > 0) {
      signal(this.#memory, this.#items, put)
      if (this.gets.size > 0) this.gets.lookAgain()
      return put
    }
    if (put === OVER) throw new ClosedError('the queue was closed: nothing can be put')
    if (put !== FULL) throw brokenQueue()
    const state = sideState(this.#store, this.#memory, CONSUMERS)
    if (state === DIED) throw new BrokenError('all consumers of the queue have ended, and one of them died')
    if (state === LEFT) throw new ClosedError('all consumers of the queue have left: nothing can be put')
    return 0
  }

  /** Items of one call, which may go in at several moments. */
  puttingMany(items: readonly Writable[]): { readonly attempt: () => true | undefined; readonly done: number } {
    const putting = {
      done: 0,
      attempt: (): true | undefined => {
        while (putting.done < items.length) {
          const put = this.putSome(items, putting.done)
          if (put === 0) return undefined
          putting.done += put
        }
        return true
      },
    }
    return putting
  }

  /** Takes the next one, if there is one. @throws ClosedError, BrokenError, CorruptError, or what its decoding throws */
  readonly take = (): Box<T> | undefined => {
    throwIfClosed(this.#memory)
    const store = this.#store
    let found = store.take()
    if (found === EMPTY) found = this.#lookAgain(() => store.take())
    if (found <= 0) {
      this.#isTaken(found, 1)
      return undefined
    }
    try {
      return { item: decodeTaken(found) as T }
    } finally {
      // Not before: it may let others of this thread take, who use the scratch.
      this.#isTaken(found, 1)
    }
  }

  /** The same for several, at one moment. */
  takeSome(most: number): T[] | undefined {
    throwIfClosed(this.#memory)
    const store = this.#store
    const taken = new TakenBytes()
    let found = store.takeMany(taken, most)
    if (found === EMPTY) found = this.#lookAgain(() => store.takeMany(taken, most))
    return this.#isTaken(found, found) ? taken.decode() : undefined
  }

  /** When there was nothing: whether something comes from those of this thread that wait, or there is nobody to wait for. */
  #lookAgain(attempt: () => number): number {
    if (this.puts.size > 0) {
      // They cannot put by themselves while this thread blocks.
      this.puts.lookAgain()
      const found = attempt()
      if (found !== EMPTY) return found
    }
    const state = sideState(this.#store, this.#memory, PRODUCERS)
    if (state !== LEFT && state !== DIED) return EMPTY
    // Once more: what they have put before they ended is inside.
    const found = attempt()
    throwIfClosed(this.#memory)
    if (found !== EMPTY) return found
    if (state === DIED) throw new BrokenError('all producers of the queue have ended, and one of them died')
    throw new ClosedError('all producers of the queue have left, and nothing is left in it')
  }

  /**
   * What has to be done after a take.
   *
   * @param items - how many are taken if it went well
   * @returns false: the queue is empty
   */
  #isTaken(found: number, items: number): boolean {
    throwIfClosed(this.#memory)
    if (found === EMPTY) return false
    if (found === OVER) throw new ClosedError('the queue was closed, and nothing is left in it')
    if (found === BROKEN) throw brokenQueue()
    if (isArmed(this.#memory, this.#room)) {
      // While there was room for more items, those who wait want more bytes than others: each has to look for itself.
      const wasFull = this.#store.size + items >= this.#store.capacity
      signal(this.#memory, this.#room, wasFull ? items : EVERYBODY)
    }
    if (this.puts.size > 0) this.puts.lookAgain()
    if (found === DAMAGED) throw damagedItem()
    return true
  }
}

export const damagedItem = () => corrupt('an item of a queue lies outside of it; the item is gone')
export const brokenQueue = () => corrupt('the counts of a queue do not fit')

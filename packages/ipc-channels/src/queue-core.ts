import type { AcquireOptions, AcquireSyncOptions, Memory } from '@heddle/sync-primitives'
import {
  deadlineOf,
  EVERYBODY,
  isAbort,
  type Lane,
  laneOf,
  runBlocking,
  signalOf,
  throwIfClosed,
} from '@heddle/sync-primitives/building-blocks'
import {
  BrokenError,
  ClosedError,
  corrupt,
  LockStateError,
  QueueEmptyError,
  QueueFullError,
  TimeoutError,
} from './errors.js'
import type { ThreadSafeQueueStats } from './queue-options.js'
import { CLOSED, CONSUMERS, DONE, ITEMS, PRODUCERS, ROOM } from './ring/layout.js'
import {
  ALL_DONE,
  countUnfinished,
  DIED,
  finish,
  LEFT,
  register,
  type Side,
  sideState,
  TOO_MANY,
  unregister,
} from './ring/records.js'
import { BROKEN, DAMAGED, EMPTY, FULL, OVER, type Ring } from './ring/ring.js'
import { copyOf, decodeTaken, TakenBytes, type Writable } from './ring/scratch.js'
import { isArmed, signal, signalEverybody, waitUntil } from './ring/signal.js'

/** Where the items of a queue are: in the words of `ring/layout.ts`, each method at one moment. */
export interface QueueStore extends Ring {
  readonly memory: Memory
  readonly capacityBytes: number
  /** How many items are inside: a snapshot. */
  readonly size: number
  readonly putCount: number
  readonly getCount: number
  readonly errors: number
  countError(): void
  /** @returns as {@link import('./ring/ring.js').put} */
  put(item: Writable): number
  /** @returns as {@link import('./ring/ring.js').putMany} */
  putMany(items: readonly Writable[], from: number): number
  /** Takes the next item to the scratch. @returns as {@link import('./ring/ring.js').take} */
  take(): number
  /** @returns as {@link import('./ring/ring.js').takeMany} */
  takeMany(target: TakenBytes, most: number): number
  /** @returns as {@link import('./ring/ring.js').takeAllAndClose} */
  takeAllAndClose(target: TakenBytes): number
  close(): void
}

/** How often a thread that is about to block looks whether the other side has just done something. */
const mostLooks = 20
const restRounds = 60

/** About a tenth of a microsecond: each look takes the other side's line of the cache away, which costs it as much. */
function rest(): void {
  for (let round = 0; round < restRounds; round++);
}

/** An item in a box, since it may be undefined. */
export interface Box<T> {
  readonly item: T
}

/**
 * What all queues do with their store: wait, time out, count, close and end. More than 300 lines, since each form of a put and
 * of a get is a way to wait for the same two attempts, which stand beside them.
 *
 * The calls of one thread on one queue stand in two lines, one for each side, however many objects of it the thread has opened.
 */
export class QueueCore<T> {
  readonly store: QueueStore
  readonly #memory: Memory
  readonly #items: number
  readonly #room: number
  readonly #done: number
  readonly #puts: Lane<true | undefined>
  readonly #gets: Lane<Box<T> | T[] | undefined>
  readonly #joins: Lane<true | undefined>

  constructor(store: QueueStore) {
    const { memory, index } = store
    this.store = store
    this.#memory = memory
    this.#items = index + ITEMS
    this.#room = index + ROOM
    this.#done = index + DONE
    this.#puts = laneOf(memory, this.#room)
    this.#gets = laneOf(memory, this.#items)
    this.#joins = laneOf(memory, this.#done)
  }

  async put(item: Writable, original: T, options: AcquireOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.tryPut(item)) return
    if (deadline <= performance.now()) throw this.#full([original])
    const copy = copyOf(item)
    await this.#awaitPut(
      () => this.#put(copy),
      () => [original],
      deadline,
      abort,
    )
  }

  async putMany(
    items: readonly Writable[],
    originals: readonly T[],
    options: AcquireOptions | undefined,
  ): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const putting = this.#puttingMany(items)
    try {
      if (this.#mayPutNow() && putting.attempt()) return
    } catch (error) {
      throw withItems(error, originals.slice(putting.done))
    }
    // Not those that are inside already, and the others as they are now.
    const left = originals.slice(putting.done)
    if (deadline <= performance.now()) throw this.#full(left)
    const copies = this.#puttingMany(items.slice(putting.done).map(copyOf))
    try {
      await this.#awaitPut(copies.attempt, () => left.slice(copies.done), deadline, abort)
    } catch (error) {
      throw withItems(error, left.slice(copies.done))
    }
  }

  putSync(item: Writable, original: T, options: AcquireSyncOptions | undefined): void {
    const deadline = deadlineOf(options)
    if (this.tryPut(item)) return
    const attempt = () => (this.tryPut(item) ? true : undefined)
    if (!this.#block(this.#room, attempt, this.#hasRoom, deadline)) throw this.#full([original])
  }

  putManySync(items: readonly Writable[], originals: readonly T[], options: AcquireSyncOptions | undefined): void {
    const deadline = deadlineOf(options)
    const putting = this.#puttingMany(items)
    const attempt = () => (this.#mayPutNow() ? putting.attempt() : undefined)
    try {
      if (attempt() || this.#block(this.#room, attempt, this.#hasRoom, deadline)) return
    } catch (error) {
      throw withItems(error, originals.slice(putting.done))
    }
    throw this.#full(originals.slice(putting.done))
  }

  /** Puts it if that needs no waiting, also not behind earlier calls of this thread. */
  tryPut(item: Writable): boolean {
    return this.#mayPutNow() && this.#put(item) === true
  }

  /** The same for the first ones. @returns how many */
  tryPutMany(items: readonly Writable[]): number {
    return this.#mayPutNow() ? this.#putSome(items, 0) : 0
  }

  async get(options: AcquireOptions | undefined): Promise<T> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const found = this.tryGet()
    if (found) return found.item
    return (await this.#awaitGet(this.#take, deadline, abort)).item
  }

  async getMany(most: number, options: AcquireOptions | undefined): Promise<T[]> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const found = this.tryGetMany(most)
    if (found.length > 0) return found
    return this.#awaitGet(() => this.#takeSome(most), deadline, abort)
  }

  getSync(options: AcquireSyncOptions | undefined): T {
    const deadline = deadlineOf(options)
    const found = this.tryGet() ?? this.#block(this.#items, () => this.tryGet(), this.#hasItems, deadline)
    if (!found) throw this.#empty()
    return found.item
  }

  getManySync(most: number, options: AcquireSyncOptions | undefined): T[] {
    const deadline = deadlineOf(options)
    const attempt = () => (this.#mayGetNow() ? this.#takeSome(most) : undefined)
    const found = attempt() ?? this.#block(this.#items, attempt, this.#hasItems, deadline)
    if (!found) throw this.#empty()
    return found
  }

  /** Takes one if that needs no waiting, also not behind earlier calls of this thread. */
  tryGet(): Box<T> | undefined {
    return this.#mayGetNow() ? this.#take() : undefined
  }

  /** The same for several. */
  tryGetMany(most: number): T[] {
    return (this.#mayGetNow() ? this.#takeSome(most) : undefined) ?? []
  }

  /** Calls that came to nothing. */
  countError(): void {
    this.store.countError()
  }

  close(): void {
    throwIfClosed(this.#memory)
    this.store.close()
    this.#wakeEverybody()
  }

  closeAndDrain(): T[] {
    throwIfClosed(this.#memory)
    const taken = new TakenBytes()
    const found = this.store.takeAllAndClose(taken)
    throwIfClosed(this.#memory)
    // They are nobody's any more: before those who wait for all to be done look again.
    if (found > 0) finish(this.store, this.#memory, found)
    this.#wakeEverybody()
    if (found > 0) return taken.decode()
    if (found !== OVER) throw found === DAMAGED ? damagedItem() : brokenQueue()
    return []
  }

  get closed(): boolean {
    const closed = Atomics.load(this.store.words, this.store.index + CLOSED) !== 0
    throwIfClosed(this.#memory)
    return closed
  }

  get size(): number {
    const { size } = this.store
    throwIfClosed(this.#memory)
    return size
  }

  stats(): ThreadSafeQueueStats {
    const { store } = this
    // In this order: no more were taken than put.
    const getCount = store.getCount
    const putCount = store.putCount
    const { size, errors } = store
    const unfinished = countUnfinished(store, this.#memory)
    return { putCount, getCount, errors, size, unfinished, closed: this.closed }
  }

  taskDone(items: number): void {
    throwIfClosed(this.#memory)
    const state = finish(this.store, this.#memory, items)
    throwIfClosed(this.#memory)
    if (state === TOO_MANY)
      throw new LockStateError(
        'ERR_OVER_RELEASE',
        `${items} more items cannot be done: fewer were taken and are not done`,
      )
    if (state === ALL_DONE) signalEverybody(this.#memory, this.#done)
  }

  async join(options: AcquireOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.#areAllDone()) return
    if (deadline <= performance.now()) throw notDone()
    const { result, ending } = await this.#joins.run(
      () => waitUntil(this.#memory, this.#done, this.#areAllDone, alwaysMore),
      undefined,
      deadline,
      abort,
    )
    if (result) return
    if (isAbort(ending)) throw ending.reason
    throw notDone()
  }

  joinSync(options: AcquireSyncOptions | undefined): void {
    const deadline = deadlineOf(options)
    if (!this.#areAllDone() && !this.#block(this.#done, this.#areAllDone, alwaysMore, deadline)) throw notDone()
  }

  register(side: Side): void {
    throwIfClosed(this.#memory)
    register(this.store, side)
  }

  unregister(side: Side): void {
    if (this.#memory.isClosed) return
    unregister(this.store, side)
    // Whoever waits for them finds out whether they were the last.
    signalEverybody(this.#memory, side === PRODUCERS ? this.#items : this.#room)
  }

  readonly #hasRoom = (): boolean => this.store.size < this.store.capacity
  readonly #hasItems = (): boolean => this.store.size > 0
  readonly #areAllDone = (): true | undefined => {
    throwIfClosed(this.#memory)
    const left = countUnfinished(this.store, this.#memory)
    throwIfClosed(this.#memory)
    return left === 0 ? true : undefined
  }

  /** Whether no earlier put of this thread waits; those that do are looked after first. */
  #mayPutNow(): boolean {
    if (this.#puts.size === 0) return true
    this.#puts.lookAgain()
    return this.#puts.size === 0
  }

  #mayGetNow(): boolean {
    if (this.#gets.size === 0) return true
    this.#gets.lookAgain()
    return this.#gets.size === 0
  }

  #put(item: Writable): true | undefined {
    throwIfClosed(this.#memory)
    let put = this.store.put(item)
    if (put === FULL && this.#gets.size > 0) {
      // Those of this thread that wait for an item make room, and cannot by themselves while it blocks.
      this.#gets.lookAgain()
      put = this.store.put(item)
    }
    return this.#afterPut(put) > 0 ? true : undefined
  }

  /** @returns how many of them were put, as many as have room at this moment */
  #putSome(items: readonly Writable[], from: number): number {
    throwIfClosed(this.#memory)
    let put = this.store.putMany(items, from)
    if (put === FULL && this.#gets.size > 0) {
      this.#gets.lookAgain()
      put = this.store.putMany(items, from)
    }
    return this.#afterPut(put)
  }

  /** @returns how many are inside now, for all to see; 0: there was no room */
  #afterPut(put: number): number {
    throwIfClosed(this.#memory)
    if (put > 0) {
      signal(this.#memory, this.#items, put)
      if (this.#gets.size > 0) this.#gets.lookAgain()
      return put
    }
    if (put === OVER) throw new ClosedError('the queue was closed: nothing can be put')
    if (put !== FULL) throw brokenQueue()
    const state = sideState(this.store, this.#memory, CONSUMERS)
    if (state === DIED) throw new BrokenError('all consumers of the queue have ended, and one of them died')
    if (state === LEFT) throw new ClosedError('all consumers of the queue have left: nothing can be put')
    return 0
  }

  /** Items of one call, which may go in at several moments. */
  #puttingMany(items: readonly Writable[]): { readonly attempt: () => true | undefined; readonly done: number } {
    const putting = {
      done: 0,
      attempt: (): true | undefined => {
        while (putting.done < items.length) {
          const put = this.#putSome(items, putting.done)
          if (put === 0) return undefined
          putting.done += put
        }
        return true
      },
    }
    return putting
  }

  readonly #take = (): Box<T> | undefined => {
    throwIfClosed(this.#memory)
    const { store } = this
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

  #takeSome(most: number): T[] | undefined {
    throwIfClosed(this.#memory)
    const { store } = this
    const taken = new TakenBytes()
    let found = store.takeMany(taken, most)
    if (found === EMPTY) found = this.#lookAgain(() => store.takeMany(taken, most))
    return this.#isTaken(found, found) ? taken.decode() : undefined
  }

  /** When there was nothing: whether something comes from those of this thread that wait, or there is nobody to wait for. */
  #lookAgain(attempt: () => number): number {
    if (this.#puts.size > 0) {
      // They cannot put by themselves while this thread blocks.
      this.#puts.lookAgain()
      const found = attempt()
      if (found !== EMPTY) return found
    }
    const state = sideState(this.store, this.#memory, PRODUCERS)
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
      const wasFull = this.store.size + items >= this.store.capacity
      signal(this.#memory, this.#room, wasFull ? items : EVERYBODY)
    }
    if (this.#puts.size > 0) this.#puts.lookAgain()
    if (found === DAMAGED) throw damagedItem()
    return true
  }

  /** Blocks until `attempt` gives something, or the time is up. */
  #block<Result>(
    index: number,
    attempt: () => Result | undefined,
    isMore: () => boolean,
    deadline: number,
  ): Result | undefined {
    // The other side is often in the middle of it: to sleep and be woken takes much longer.
    for (let look = 0; look < mostLooks && !isMore(); look++) rest()
    return runBlocking(this.#memory, waitUntil(this.#memory, index, attempt, isMore), deadline)
  }

  async #awaitPut(
    attempt: () => true | undefined,
    left: () => readonly T[],
    deadline: number,
    abort: AbortSignal | undefined,
  ): Promise<void> {
    const begin = () => waitUntil(this.#memory, this.#room, attempt, this.#hasRoom)
    const { result, ending } = await this.#puts.run(begin, undefined, deadline, abort)
    if (result) return
    if (isAbort(ending)) throw ending.reason
    throw this.#full(left())
  }

  async #awaitGet<Found extends Box<T> | T[]>(
    attempt: () => Found | undefined,
    deadline: number,
    abort: AbortSignal | undefined,
  ): Promise<Found> {
    if (deadline <= performance.now()) throw this.#empty()
    const begin = () => waitUntil(this.#memory, this.#items, attempt, this.#hasItems)
    const { result, ending } = await this.#gets.run(begin, undefined, deadline, abort)
    if (result) return result as Found
    if (isAbort(ending)) throw ending.reason
    throw this.#empty()
  }

  /** All that wait, in all threads and in this one: there is nothing to wait for any more. */
  #wakeEverybody(): void {
    for (const index of [this.#items, this.#room, this.#done]) signalEverybody(this.#memory, index)
    for (const lane of [this.#gets, this.#puts, this.#joins]) lane.lookAgain()
  }

  #full(items: readonly T[]): QueueFullError {
    this.store.countError()
    return new QueueFullError(items)
  }

  #empty(): QueueEmptyError {
    this.store.countError()
    return new QueueEmptyError()
  }
}

/** The same error, which also hands back what was not put. Not one of the caller's own, such as the reason of a signal. */
function withItems(error: unknown, items: readonly unknown[]): unknown {
  return error instanceof ClosedError || error instanceof BrokenError ? Object.assign(error, { items }) : error
}

const alwaysMore = () => true
const damagedItem = () => corrupt('an item of a queue lies outside of it; the item is gone')
const brokenQueue = () => corrupt('the counts of a queue do not fit')
const notDone = () => new TimeoutError('the items were not all done in time')

import type { AcquireOptions, AcquireSyncOptions, Memory } from '@heddle/sync-primitives'
import { deadlineOf, isAbort, runBlocking, signalOf, throwIfClosed } from '@heddle/sync-primitives/building-blocks'
import { BrokenError, ClosedError, QueueEmptyError, QueueFullError } from './errors.js'
import { type Box, brokenQueue, damagedItem, QueueAttempts } from './queue-attempts.js'
import { QueueJoins } from './queue-joins.js'
import type { ThreadSafeQueueStats } from './queue-options.js'
import type { QueueStore } from './queue-store.js'
import { CLOSED, ITEMS, PRODUCERS, ROOM } from './ring/layout.js'
import { DAMAGED, OVER } from './ring/outcomes.js'
import { countUnfinished, finish, register, type Side, unregister } from './ring/records.js'
import { copyOf, TakenBytes, type Writable } from './ring/scratch.js'
import { signalEverybody, waitUntil } from './ring/signal.js'

/** How often a thread that is about to block looks whether the other side has just done something. */
const mostLooks = 20
const restRounds = 60

/** About a tenth of a microsecond: each look takes the other side's line of the cache away, which costs it as much. */
function rest(): void {
  for (let round = 0; round < restRounds; round++);
}

/**
 * What all queues do with their store: wait for an attempt in each form of a put and of a get, time out, count, close and end.
 */
export class QueueCore<T> {
  readonly store: QueueStore
  readonly #memory: Memory
  readonly #items: number
  readonly #room: number
  readonly #attempts: QueueAttempts<T>
  readonly #joins: QueueJoins

  constructor(store: QueueStore) {
    const { memory, index } = store
    this.store = store
    this.#memory = memory
    this.#items = index + ITEMS
    this.#room = index + ROOM
    this.#attempts = new QueueAttempts(store)
    this.#joins = new QueueJoins(store)
  }

  async put(item: Writable, original: T, options: AcquireOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.tryPut(item)) return
    if (deadline <= performance.now()) throw this.#full([original])
    const copy = copyOf(item)
    await this.#awaitPut(
      () => this.#attempts.put(copy),
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
    const putting = this.#attempts.puttingMany(items)
    try {
      if (this.#attempts.mayPutNow() && putting.attempt()) return
    } catch (error) {
      throw withItems(error, originals.slice(putting.done))
    }
    // Not those that are inside already, and the others as they are now.
    const left = originals.slice(putting.done)
    if (deadline <= performance.now()) throw this.#full(left)
    const copies = this.#attempts.puttingMany(items.slice(putting.done).map(copyOf))
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
    const putting = this.#attempts.puttingMany(items)
    const attempt = () => (this.#attempts.mayPutNow() ? putting.attempt() : undefined)
    try {
      if (attempt() || this.#block(this.#room, attempt, this.#hasRoom, deadline)) return
    } catch (error) {
      throw withItems(error, originals.slice(putting.done))
    }
    throw this.#full(originals.slice(putting.done))
  }

  /** Puts it if that needs no waiting, also not behind earlier calls of this thread. */
  tryPut(item: Writable): boolean {
    return this.#attempts.mayPutNow() && this.#attempts.put(item) === true
  }

  /** The same for the first ones. @returns how many */
  tryPutMany(items: readonly Writable[]): number {
    return this.#attempts.mayPutNow() ? this.#attempts.putSome(items, 0) : 0
  }

  async get(options: AcquireOptions | undefined): Promise<T> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const found = this.tryGet()
    if (found) return found.item
    return (await this.#awaitGet(this.#attempts.take, deadline, abort)).item
  }

  async getMany(most: number, options: AcquireOptions | undefined): Promise<T[]> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const found = this.tryGetMany(most)
    if (found.length > 0) return found
    return this.#awaitGet(() => this.#attempts.takeSome(most), deadline, abort)
  }

  getSync(options: AcquireSyncOptions | undefined): T {
    const deadline = deadlineOf(options)
    const found = this.tryGet() ?? this.#block(this.#items, () => this.tryGet(), this.#hasItems, deadline)
    if (!found) throw this.#empty()
    return found.item
  }

  getManySync(most: number, options: AcquireSyncOptions | undefined): T[] {
    const deadline = deadlineOf(options)
    const attempt = () => (this.#attempts.mayGetNow() ? this.#attempts.takeSome(most) : undefined)
    const found = attempt() ?? this.#block(this.#items, attempt, this.#hasItems, deadline)
    if (!found) throw this.#empty()
    return found
  }

  /** Takes one if that needs no waiting, also not behind earlier calls of this thread. */
  tryGet(): Box<T> | undefined {
    return this.#attempts.mayGetNow() ? this.#attempts.take() : undefined
  }

  /** The same for several. */
  tryGetMany(most: number): T[] {
    return (this.#attempts.mayGetNow() ? this.#attempts.takeSome(most) : undefined) ?? []
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
    this.#joins.taskDone(items)
  }

  join(options: AcquireOptions | undefined): Promise<void> {
    return this.#joins.join(options)
  }

  joinSync(options: AcquireSyncOptions | undefined): void {
    this.#joins.joinSync(options)
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
    const { result, ending } = await this.#attempts.puts.run(begin, undefined, deadline, abort)
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
    const { result, ending } = await this.#attempts.gets.run(begin, undefined, deadline, abort)
    if (result) return result as Found
    if (isAbort(ending)) throw ending.reason
    throw this.#empty()
  }

  /** All that wait, in all threads and in this one: there is nothing to wait for any more. */
  #wakeEverybody(): void {
    for (const index of [this.#items, this.#room]) signalEverybody(this.#memory, index)
    for (const lane of [this.#attempts.gets, this.#attempts.puts]) lane.lookAgain()
    this.#joins.wakeEverybody()
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

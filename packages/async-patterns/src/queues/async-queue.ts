import { ClosedError, LockStateError, QueueEmptyError, QueueFullError, TimeoutError } from '../errors.js'
import { checkIsObject, signalOf, timeoutOf, type WaitOptions, wholeNumber, wholeNumberOrInfinity } from '../options.js'
import { isTurnDue, nextTurn } from '../platform/event-loop.js'
import { RingBuffer } from '../ring-buffer.js'
import { type Waiter, WaiterQueue } from '../waiting/waiter-queue.js'

/** How much a queue holds. */
export interface AsyncQueueOptions {
  /** The most items that may wait to be taken, 1 or more; Infinity: no bound. Default: 1,024. */
  readonly capacity?: number | undefined
}

/** What a queue has done and holds: a snapshot. */
export interface AsyncQueueStats {
  /** Items that were put so far. */
  readonly putCount: number
  /** Items that were taken so far, those of `clear` included. */
  readonly getCount: number
  /** Items that wait to be taken. */
  readonly size: number
  /** The most items that ever waited. */
  readonly highestSize: number
  /** Calls of `put` that wait for room. */
  readonly waitingPuts: number
  /** Calls of `get` and `getMany` that wait for an item. */
  readonly waitingGets: number
  /** Items that were put and for which `taskDone` was not called yet. */
  readonly unfinished: number
}

/** Takes an item that must not become the value of a promise: it may be a promise itself, and would be awaited. */
type Deliver<T> = (item: T) => void

const defaultCapacity = 1024
const done: Promise<void> = Promise.resolve()

/**
 * A first-in-first-out queue between the tasks of one thread, with back-pressure: who puts waits for room, who gets waits for
 * an item.
 *
 * Fairness: strict order, on both sides. An item that is put while somebody waits is that one's from that moment on, and a
 * place that becomes free belongs to the first `put` that waits. Consumers that take turns share the items in turn.
 * `for await` takes items until the queue is closed and empty.
 * An object is of this thread alone; for items that threads or processes share use `ThreadSafeQueue` of
 * `@heddle/ipc-channels`.
 */
export class AsyncQueue<T> {
  /*
   * More than 300 lines: one class, half of which is the contract of its methods.
   *
   * Invariant: whoever waits to get finds no item, and whoever waits to put finds no room: between two calls of ours
   * `#gets` is empty or `#items` is, or we are resting; and `#puts` is empty or `#items` is full.
   * Invariant: while resting, until the next turn of the event loop, those who get stand in line although there are items:
   * letting one of them wait with an item in its hand would let others pass it with later ones.
   * Invariant: an item is in `#items`, or in a put that waits, or was given to exactly one caller.
   * Invariant: a closed queue has no puts that wait, and gets wait only until it is empty.
   */
  readonly #subject = { kind: 'AsyncQueue', object: this }
  readonly #capacity: number
  readonly #items = new RingBuffer<T>()
  readonly #gets = new WaiterQueue<T | undefined, Deliver<T> | undefined>(
    () => new QueueEmptyError(),
    undefined,
    this.#subject,
  )
  readonly #puts = new WaiterQueue<void, T>((item) => new QueueFullError(item), undefined, this.#subject)
  readonly #joins = new WaiterQueue<void>(() => new TimeoutError('the items of the queue were not all done in time'))
  #putCount = 0
  #highestSize = 0
  #clearedOrDone = 0
  #closedError: ClosedError | undefined
  #isResting = false

  /**
   * Makes an empty queue. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: a capacity that is no whole number of 1 or more and
   * not Infinity; there are no queues without places
   */
  constructor(options: AsyncQueueOptions = {}) {
    checkIsObject(options)
    this.#capacity = wholeNumberOrInfinity('capacity', options.capacity ?? defaultCapacity, 1)
  }

  /**
   * Puts an item at the end of the queue, as soon as there is room and all earlier puts are in.
   *
   * Does not block the thread. What need not wait allocates nothing; every few milliseconds of such calls one of them
   * resolves a turn of the event loop later, so that timers and input are not starved. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: no room in time; its `item` hands the item back, which is not in the queue
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; the item is not in the queue
   * @throws (rejects) ClosedError `ERR_CLOSED`: the queue is closed, or was while waiting; the item is not in the queue
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; the item is not in the queue
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    if (options !== undefined) return this.#putWithin(item, options)
    if (this.#closedError !== undefined) return Promise.reject(this.#closedError)
    if (this.#accept(item)) return isTurnDue() ? afterTurn(undefined) : done
    return this.#puts.wait(item, Number.POSITIVE_INFINITY, undefined)
  }

  #putWithin(item: T, options: WaitOptions): Promise<void> {
    try {
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (this.#closedError !== undefined) return Promise.reject(this.#closedError)
      if (this.#accept(item)) return isTurnDue() ? afterTurn(undefined) : done
      if (timeout === 0) return Promise.reject(new QueueFullError(item))
      return this.#puts.wait(item, timeout, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Puts an item if there is room now. Does not block.
   *
   * @returns whether it is in the queue
   * @throws ClosedError `ERR_CLOSED`: the queue is closed; the item is not in it
   */
  tryPut(item: T): boolean {
    if (this.#closedError !== undefined) throw this.#closedError
    return this.#accept(item)
  }

  /**
   * Takes the oldest item, as soon as there is one and all earlier gets were served.
   *
   * Does not block the thread. A call that need not wait costs its promise and one microtask; every few milliseconds of such
   * calls one of them resolves a turn of the event loop later. An abort or a timeout after the item was taken has no effect:
   * the promise is fulfilled with it. A pending call keeps the process alive. An item that is itself a promise is awaited, as
   * everything a promise resolves with; take such items with {@link AsyncQueue.tryGet}, `getMany` or `for await`.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) QueueEmptyError `ERR_TIMEOUT`: no item in time; nothing was taken
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; nothing was taken
   * @throws (rejects) ClosedError `ERR_CLOSED`: the queue is closed and empty; `cause` is the reason given to `close`
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  get(options?: WaitOptions): Promise<T> {
    if (options === undefined && this.#mayTake()) return Promise.resolve(this.#take())
    return this.#getWithin(options)
  }

  #getWithin(options: WaitOptions | undefined): Promise<T> {
    try {
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (this.#isOver) return Promise.reject(this.#closedError)
      // Who tries once does not rest.
      if (timeout === 0 ? this.#hasItemForNext : this.#mayTake()) return Promise.resolve(this.#take())
      if (timeout === 0) return Promise.reject(new QueueEmptyError())
      return this.#wait(undefined, timeout, signal) as Promise<T>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Takes the oldest item if there is one. Does not block.
   *
   * @returns the item in an object, so that every value can be an item; undefined when the queue is empty, and while
   * somebody waits
   * @throws ClosedError `ERR_CLOSED`: the queue is closed and empty
   */
  tryGet(): { item: T } | undefined {
    if (this.#items.size > 0) return this.#gets.size > 0 ? undefined : { item: this.#take() }
    if (this.#closedError !== undefined) throw this.#closedError
    return undefined
  }

  /**
   * Takes up to `most` of the oldest items at once: what is there, or the first one that comes. Waits and fails as
   * {@link AsyncQueue.get} does; never resolves with an empty array.
   *
   * @param most - whole number, 1 or more
   */
  async getMany(most: number, options?: WaitOptions): Promise<T[]> {
    wholeNumber('most', most, 1, Number.MAX_SAFE_INTEGER)
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.#isOver) throw this.#closedError
    if (timeout === 0 ? this.#hasItemForNext : this.#mayTake()) return this.#takeMany(most)
    if (timeout === 0) throw new QueueEmptyError()
    const items: T[] = []
    await this.#wait((item) => void items.push(item), timeout, signal)
    // What is left is for those who wait.
    return this.#gets.size > 0 ? items : items.concat(this.#takeMany(most - 1))
  }

  /**
   * Takes all items that wait to be taken, oldest first; they count as done. Does not block. Puts that wait move up into the
   * places. After `close` this is how to give up what nobody will take.
   */
  clear(): T[] {
    // Those who stand in line for an item that is there have been promised it.
    this.#serve()
    const items = this.#items.shiftMany(this.#items.size)
    this.#moveUp()
    this.#countDone(items.length)
    if (this.#isOver) this.#gets.refuseAll(this.#closedError)
    return items
  }

  /**
   * Takes no more items: pending puts reject, later ones too. What is in the queue can still be taken; after that, pending and
   * later gets reject with a ClosedError `ERR_CLOSED`, and `for await` ends. Does not block. A second call does nothing.
   *
   * @param reason - the `cause` of those errors. Given, it says that the items failed to be complete: `for await` then ends
   * with the ClosedError instead of silently
   */
  close(reason?: unknown): void {
    if (this.#closedError !== undefined) return
    this.#closedError = new ClosedError('the queue is closed', reason)
    this.#puts.refuseAll(this.#closedError)
    if (this.#isOver) this.#gets.refuseAll(this.#closedError)
  }

  /** The same as {@link AsyncQueue.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Says that `count` of the items that were taken are done with. Does not block. Only needed by those who call `join`.
   *
   * @throws LockStateError `ERR_OVER_RELEASE`: more than were put and not done yet; nothing is counted
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; nothing is counted
   */
  taskDone(count = 1): void {
    wholeNumber('count', count, 1, Number.MAX_SAFE_INTEGER)
    // Items in the queue are nobody's yet: only what was taken can be done.
    if (count > this.#unfinished - this.#items.size)
      throw new LockStateError('ERR_OVER_RELEASE', 'taskDone was called for more items than were taken')
    this.#countDone(count)
  }

  /**
   * Resolves when every item that was put has been taken and done (see {@link AsyncQueue.taskDone}); at once if all are. Does
   * not block the thread. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 looks once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not in time; nothing is changed
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async join(options?: WaitOptions): Promise<void> {
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    if (this.#unfinished === 0) return
    if (timeout === 0) throw this.#joins.timedOut(undefined)
    await this.#joins.wait(undefined, timeout, signal)
  }

  /** The number of items that wait to be taken: a snapshot. */
  get size(): number {
    return this.#items.size
  }

  /** The most items that may wait to be taken. */
  get capacity(): number {
    return this.#capacity
  }

  /** Whether {@link AsyncQueue.close} was called; there may still be items. */
  get closed(): boolean {
    return this.#closedError !== undefined
  }

  /** What the queue has done and holds: a snapshot. */
  getStats(): AsyncQueueStats {
    return {
      putCount: this.#putCount,
      getCount: this.#putCount - this.#items.size,
      size: this.#items.size,
      highestSize: this.#highestSize,
      waitingPuts: this.#puts.size,
      waitingGets: this.#gets.size,
      unfinished: this.#unfinished,
    }
  }

  /** Takes items until the queue is closed and empty; several loops share them in turn. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    let ended = false
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () => (ended ? Promise.resolve({ done: true, value: undefined }) : this.#next()),
      return: () => {
        ended = true
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#mayTake()) return Promise.resolve({ done: false, value: this.#take() })
    if (this.#isOver) return this.#end(this.#closedError as ClosedError)
    let result: IteratorResult<T, undefined>
    const deliver: Deliver<T> = (value) => {
      result = { done: false, value }
    }
    return this.#wait(deliver, Number.POSITIVE_INFINITY, undefined).then(
      () => result,
      (error: ClosedError) => this.#end(error),
    )
  }

  #end(error: ClosedError): Promise<IteratorResult<T, undefined>> {
    return error.cause === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }

  get #unfinished(): number {
    return this.#putCount - this.#clearedOrDone
  }

  /** Whether there is nothing to get any more, and never will be. */
  get #isOver(): boolean {
    return this.#closedError !== undefined && this.#items.size === 0
  }

  /** Whether there is an item that nobody waits for. */
  get #hasItemForNext(): boolean {
    return this.#items.size > 0 && this.#gets.size === 0
  }

  #mayTake(): boolean {
    return this.#hasItemForNext && !isTurnDue()
  }

  #wait(deliver: Deliver<T> | undefined, timeout: number, signal: AbortSignal | undefined): Promise<T | undefined> {
    // There is an item for it already: only the turn of the event loop is waited for, and no timer may come before that.
    const isPromised = this.#items.size > this.#gets.size
    const item = this.#gets.wait(deliver, isPromised ? Number.POSITIVE_INFINITY : timeout, signal)
    if (this.#items.size > 0) this.#rest()
    return item
  }

  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    nextTurn(() => {
      this.#isResting = false
      this.#serve()
    })
  }

  /** Gives items to those who stand in line for them. */
  #serve(): void {
    while (this.#items.size > 0) {
      const getter = this.#gets.takeLiveHead()
      if (getter === undefined) break
      give(getter, this.#take())
    }
    if (this.#isOver) this.#gets.refuseAll(this.#closedError)
  }

  /** Whether the item was taken: by one that waits for it, or into a free place. */
  #accept(item: T): boolean {
    if (this.#gets.size > 0 && this.#items.size === 0) {
      const getter = this.#gets.takeLiveHead()
      if (getter !== undefined) {
        this.#putCount += 1
        give(getter, item)
        return true
      }
    }
    if (this.#items.size >= this.#capacity) return false
    this.#store(item)
    return true
  }

  #store(item: T): void {
    this.#items.push(item)
    this.#putCount += 1
    if (this.#items.size > this.#highestSize) this.#highestSize = this.#items.size
  }

  #take(): T {
    const item = this.#items.shift()
    if (this.#puts.size > 0) this.#moveUp()
    return item
  }

  #takeMany(most: number): T[] {
    const items = this.#items.shiftMany(most)
    this.#moveUp()
    return items
  }

  /** Gives free places to the puts that wait. */
  #moveUp(): void {
    while (this.#items.size < this.#capacity) {
      const putter = this.#puts.takeLiveHead()
      if (putter === undefined) return
      this.#store(putter.ask)
      putter.resolve()
    }
  }

  #countDone(count: number): void {
    this.#clearedOrDone += count
    if (this.#unfinished > 0) return
    for (let joiner = this.#joins.takeLiveHead(); joiner !== undefined; joiner = this.#joins.takeLiveHead())
      joiner.resolve()
  }
}

function give<T>(getter: Waiter<T | undefined, Deliver<T> | undefined>, item: T): void {
  if (getter.ask === undefined) getter.resolve(item)
  else {
    getter.ask(item)
    getter.resolve(undefined)
  }
}

/** Fulfilled after timers and input had their turn. */
function afterTurn<Value>(value: Value): Promise<Value> {
  return new Promise((resolve) => nextTurn(() => resolve(value)))
}

import { type ClosedError, invalidArgument, TimeoutError } from '../errors.js'
import { describe } from '../options.js'
import { isTurnDue, nextTurn } from '../platform/event-loop.js'
import { holdProcess, letProcessGo } from '../waiting/keep-alive.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'
import { Attempt } from './attempt.js'
import { Batch, type BatchOwner } from './batch.js'
import type { BatchCause, BatchSettings } from './batch-options.js'
import type { Surroundings } from './surroundings.js'

const resolved = Promise.resolve()

/**
 * The batches of one processor, from their first item until they have settled.
 *
 * All that have not settled are a list, in their order: #oldest, …, #next, …, #open.
 *
 * Invariant: those before #next have begun; those from #next to the one before #open are cut; #open collects, and is the
 * last one. The three may be the same. #oldest has not settled; others that have begun may have.
 * Invariant: #open has a timer exactly if it has an item, its time is not over (`isDue`), and there is an interval; or
 * #isArming, and it has its timer as soon as the code that adds lets go. That is so in a burst, from a batch that was full
 * until the next turn of the event loop in which nothing is pending: batches that fill at once cost no timer.
 * Invariant: #size is the number of items in the list that are not settled. The process is held
 * while there are any, and until the next turn of the event loop.
 * Invariant: #processing <= maxConcurrentBatches, and #atWork, the items of those batches, <= maxPending.
 * Invariant: whenever no method of ours is running, no batch can begin, or #isMarked: #pump is going to run.
 *
 * More than 300 lines: every way in and out relies on the same invariants, and is read with the others.
 */
export class BatchLine<T, R> {
  readonly counts = { items: 0, batches: 0, failedItems: 0, failedBatches: 0, retries: 0 }
  readonly cuts: Record<BatchCause, number> = { size: 0, bytes: 0, timer: 0, flush: 0 }
  isTerminated = false
  readonly #settings: BatchSettings<T, R>
  readonly #surroundings: Surroundings<T>
  readonly #batchOwner: BatchOwner<T>
  readonly #flushes = new WaiterQueue<void, number>(notFlushed)
  readonly #pump = (): void => this.#beginBatches()
  readonly #endFlushes = (): void => this.#grantFlushes()
  readonly #arm = (): void => this.#armOpen()
  readonly #letGo = (): void => this.#letGoIfIdle()
  #oldest: Batch<T>
  #next: Batch<T>
  #open: Batch<T>
  #size = 0
  #processing = 0
  #atWork = 0
  #isMarked = false
  #isHolding = false
  #isLettingGo = false
  #isArming = false
  #isBurst = false

  constructor(settings: BatchSettings<T, R>, surroundings: Surroundings<T>) {
    this.#settings = settings
    this.#surroundings = surroundings
    this.#batchOwner = {
      clock: settings.clock,
      reportsFailures: settings.onFailed !== undefined,
      onDeadline: (batch) => this.#onDeadline(batch),
      onItemGone: (batch) => this.#onItemGone(batch),
    }
    this.#oldest = this.#next = this.#open = new Batch(0, this.#batchOwner)
  }

  /** The number of items that have not settled. */
  get size(): number {
    return this.#size
  }

  /** The number of batches at work. */
  get processing(): number {
    return this.#processing
  }

  /** Puts an item into the open batch, and gives that batch: the caller says at once who waits for the item. */
  enter(item: T, bytes: number): Batch<T> {
    const { batchSize, maxBytes, flushInterval } = this.#settings
    if (this.#open.size > 0 && this.#open.bytes + bytes > maxBytes) this.#cut('bytes')
    const batch = this.#open
    batch.push(item, bytes)
    if (batch.size === 1 && flushInterval !== Number.POSITIVE_INFINITY) this.#setTimer(batch)
    if (!this.#isHolding) this.#hold()
    this.#size += 1
    this.counts.items += 1
    // It does not begin before the caller of ours is done.
    if (batch.size >= batchSize) this.#cut('size')
    else if (batch.bytes >= maxBytes) this.#cut('bytes')
    return batch
  }

  /** Cuts what is collected, and waits until all that has come before has settled. */
  flush(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#open.size > 0) this.#cut('flush')
    if (this.#oldest === this.#open) return Promise.resolve()
    if (timeout === 0) return Promise.reject(notFlushed())
    return this.#flushes.wait(this.#open.sequence, timeout, signal)
  }

  /** Rejects all items that are not at work, and gives them; aborts what is at work. Nothing may enter any more. */
  terminate(error: ClosedError): T[] {
    this.isTerminated = true
    const attempts: Attempt[] = []
    const abandoned: T[] = []
    this.#open.disarm()
    this.#startNext()
    for (let batch = this.#oldest; batch !== this.#open; batch = batch.next as Batch<T>) {
      if (batch.attempt !== undefined) attempts.push(batch.attempt)
      if (batch.attempt !== undefined || batch.hasSettled) continue
      batch.giveUpAborting()
      if (batch.hasBegun) this.#leaveWork(batch)
      else batch.begin()
      for (const item of batch.items) abandoned.push(item)
      this.#shrink(batch.size)
      batch.reject(error)
    }
    this.#next = this.#open
    this.#passSettled()
    // The listeners find a processor without anything in line.
    for (const attempt of attempts) attempt.abort(error)
    return abandoned
  }

  #cut(cause: BatchCause): void {
    this.#open.disarm()
    this.#open.cause = cause
    this.cuts[cause] += 1
    if (cause === 'size' || cause === 'bytes') this.#isBurst = true
    this.#startNext()
    this.#mark()
  }

  #startNext(): void {
    const batch = this.#open
    this.#open = new Batch(batch.sequence + 1, this.#batchOwner)
    batch.next = this.#open
  }

  /** The time of the batch counts from now, though in a burst its timer is set a little later. */
  #setTimer(batch: Batch<T>): void {
    const { clock, flushInterval } = this.#settings
    if (!this.#isBurst) {
      batch.arm(flushInterval)
      return
    }
    batch.due = clock.now() + flushInterval
    if (this.#isArming) return
    this.#isArming = true
    void resolved.then(this.#arm)
  }

  #armOpen(): void {
    this.#isArming = false
    const batch = this.#open
    if (batch.size > 0 && !batch.isArmed && !batch.isDue) batch.arm(Math.max(0, batch.due - this.#settings.clock.now()))
  }

  /** Has #pump run soon, and not before the caller has what it asked for: nobody's code runs inside of `add`. */
  #mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    void resolved.then(this.#pump)
  }

  #beginBatches(): void {
    // Marked until the end: what could begin because of the batches that begin here, begins here.
    while (this.#canBegin(this.#next)) {
      this.#begin()
      if (!isTurnDue()) continue
      nextTurn(this.#pump)
      return
    }
    this.#isMarked = false
  }

  #canBegin(batch: Batch<T>): boolean {
    if (batch === this.#open && !batch.isDue) return false
    if (batch.size === 0) return true
    const { maxConcurrentBatches, maxPending } = this.#settings
    return this.#processing < maxConcurrentBatches && this.#atWork + batch.size <= maxPending
  }

  #begin(): void {
    if (this.#next === this.#open) this.#cut('timer')
    const batch = this.#next
    this.#next = batch.next as Batch<T>
    batch.giveUpAborting()
    batch.begin()
    if (batch.size === 0) {
      batch.fulfil(undefined)
      this.#passSettled()
      return
    }
    this.#processing += 1
    this.#atWork += batch.size
    this.#try(batch)
  }

  #try(batch: Batch<T>): void {
    const began = this.#surroundings.timeIfPublished()
    batch.attempts += 1
    const attempt = new Attempt(batch.attempts)
    batch.attempt = attempt
    let outcome: unknown
    try {
      outcome = this.#surroundings.process(batch.items, attempt)
    } catch (error) {
      this.#onFailure(batch, error, began)
      return
    }
    if (outcome === undefined || Array.isArray(outcome)) this.#onOutcome(batch, outcome, began)
    // What can be awaited may answer more than once; a promise does not.
    else
      Promise.resolve(outcome).then(
        (awaited) => this.#onOutcome(batch, awaited, began),
        (error: unknown) => this.#onFailure(batch, error, began),
      )
  }

  #onOutcome(batch: Batch<T>, outcome: unknown, began: number | undefined): void {
    if (outcome !== undefined && !Array.isArray(outcome)) {
      const error = invalidArgument(`the processing of a batch must give an array, not ${describe(outcome)}`)
      this.#fail(batch, error, began)
      return
    }
    if (outcome !== undefined && outcome.length !== batch.size) {
      const error = invalidArgument(`processing gave ${outcome.length} results for ${batch.size} items`)
      this.#fail(batch, error, began)
      return
    }
    let results: unknown[] | undefined
    try {
      // A copy: the callers look later, and the processing may use its array again. Reading it may throw.
      results = outcome?.slice()
    } catch (error) {
      this.#fail(batch, error, began)
      return
    }
    this.#leaveBehind(batch)
    const failures = batch.fulfil(results)
    this.counts.failedItems += failures.length
    this.#passSettled()
    this.#surroundings.publish(batch, 'success', began)
    for (const { item, error } of failures) this.#surroundings.report([item], error)
  }

  #onFailure(batch: Batch<T>, error: unknown, began: number | undefined): void {
    const { maxAttempts } = this.#settings
    if (this.isTerminated || batch.attempts >= maxAttempts) {
      this.#fail(batch, error, began)
      return
    }
    this.counts.retries += 1
    batch.attempt = undefined
    batch.arm(this.#settings.retryDelay(batch.attempts))
    this.#surroundings.publish(batch, 'error', began)
  }

  #fail(batch: Batch<T>, error: unknown, began: number | undefined): void {
    const { items } = batch
    this.counts.failedItems += batch.size
    this.counts.failedBatches += 1
    this.#leaveBehind(batch)
    batch.reject(error)
    this.#passSettled()
    this.#surroundings.publish(batch, 'error', began)
    this.#surroundings.report(items, error)
  }

  /** What was done with a batch before its items settle. */
  #leaveBehind(batch: Batch<T>): void {
    this.counts.batches += 1
    this.#leaveWork(batch)
    this.#shrink(batch.size)
    if (this.#canBegin(this.#next)) this.#mark()
  }

  #leaveWork(batch: Batch<T>): void {
    this.#processing -= 1
    this.#atWork -= batch.size
  }

  #shrink(count: number): void {
    this.#size -= count
    if (this.#size > 0 || this.#isLettingGo) return
    // Most often the next items come within this turn: a timer for each wave of them would cost more than a batch.
    this.#isLettingGo = true
    nextTurn(this.#letGo)
  }

  #hold(): void {
    this.#isHolding = true
    holdProcess()
  }

  #letGoIfIdle(): void {
    this.#isLettingGo = false
    if (this.#size > 0 || !this.#isHolding) return
    this.#isBurst = false
    this.#isHolding = false
    letProcessGo()
  }

  #passSettled(): void {
    while (this.#oldest.hasSettled) {
      const { next } = this.#oldest
      // An old batch that still pointed to younger ones would keep them from an early collection.
      this.#oldest.next = undefined
      this.#oldest = next as Batch<T>
    }
    // Not before those who added the items: their promises follow that of the batch by one step.
    const head = this.#flushes.head
    if (head !== undefined && this.#oldest.sequence >= head.ask) void resolved.then(this.#endFlushes)
  }

  #grantFlushes(): void {
    for (let flush = this.#flushes.head; flush !== undefined; flush = this.#flushes.head) {
      if (this.#oldest.sequence < flush.ask) return
      if (flush.isAborting) this.#flushes.refuse(flush, flush.abortReason)
      else this.#flushes.grant(flush, undefined)
    }
  }

  #onDeadline(batch: Batch<T>): void {
    if (batch === this.#open) {
      batch.isDue = true
      if (this.#canBegin(batch)) this.#mark()
    } else if (batch.hasBegun && !batch.hasSettled && batch.attempt === undefined) this.#try(batch)
  }

  #onItemGone(batch: Batch<T>): void {
    this.#shrink(1)
    if (batch === this.#open && batch.size === 0) {
      batch.disarm()
      batch.isDue = false
    }
    if (this.#canBegin(this.#next)) this.#mark()
  }
}

function notFlushed(): TimeoutError {
  return new TimeoutError('not all items that were added before have settled in time')
}

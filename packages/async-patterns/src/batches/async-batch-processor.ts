import { ClosedError, invalidArgument, QueueFullError } from '../errors.js'
import { signalOf, timeoutOf, type WaitOptions } from '../options.js'
import type { Batch } from './batch.js'
import { BatchLine } from './batch-line.js'
import {
  type AsyncBatchProcessorOptions,
  type BatchContext,
  type BatchOutcome,
  BatchSettings,
  type BatchStats,
} from './batch-options.js'
import { Surroundings } from './surroundings.js'

/**
 * Collects items and processes them together: a batch begins when it is full, or when its first item has waited long enough.
 *
 * Nothing is locked while a batch is processed: items can be added at any time, also by the processing itself. That one must
 * not wait for what it adds, though, nor for `flush`: those come after its own batch, at the latest when as many batches are
 * at work as may be; a timeout is the way out.
 *
 * Order: items are in batches, and batches begin, in the order the items were added, also those that waited for room. With
 * `maxConcurrentBatches` 1, a batch begins when the one before has settled. A batch whose time is over while as many are at
 * work as may be goes on collecting until its turn comes, or until it is full: small batches would make a slow processing slower.
 * Processing and `onFailed` run in the async context in which the processor was made, since a batch belongs to no single
 * caller, and never before `add` has returned. Items that are not done keep the process alive; an idle processor does not.
 * Each batch is published on the diagnostics channel `heddle:async-patterns:batch` after each attempt:
 * `{ processor, size, cause, status, durationMs, attempt }`.
 */
export class AsyncBatchProcessor<T, R = void> implements AsyncDisposable {
  readonly #settings: BatchSettings<T, R>
  readonly #line: BatchLine<T, R>
  #closed: ClosedError | undefined

  /**
   * Makes a processor without items. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; also if `process` is missing and
   * `processBatch` is not overridden by a method
   */
  constructor(options: AsyncBatchProcessorOptions<T, R> = {}) {
    this.#settings = new BatchSettings(options)
    if (this.#settings.process === undefined && this.processBatch === AsyncBatchProcessor.prototype.processBatch)
      throw invalidArgument('give the option process, or override the method processBatch')
    const process = (items: readonly T[], context: BatchContext): unknown => this.processBatch(items, context)
    this.#line = new BatchLine(this.#settings, new Surroundings(this, process, this.#settings))
  }

  /**
   * Adds an item, and gives its own result when its batch was processed.
   *
   * Does not block, and runs nobody's code before it returns but `sizeOf`. Beyond `maxPending` the item waits for room, in order. An abort
   * or a timeout before the item's batch has begun takes the item out, and nothing was processed; after that it rejects,
   * and the item is processed on.
   *
   * @param options.timeout - milliseconds until the item must be done; default: no limit; 0: takes the item only if there is
   * room for it now, and has no limit then
   * @throws (rejects) what the processing threw, after all attempts, or the Error it gave in place of this item's result
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: there was no room, or the batch did not begin in time; nothing was
   * processed, and `item` is handed back
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: the batch had begun, and was not done in time
   * @throws (rejects) the reason of `options.signal` as given, when it aborts
   * @throws (rejects) ClosedError `ERR_CLOSED`: the processor was closed before; or was terminated, and the item was not processed
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: the processing gave something else than a result for each item
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or a bad size; nothing was
   * added. Likewise what `sizeOf` throws.
   */
  add(item: T, options?: WaitOptions): Promise<R> {
    try {
      if (options !== undefined) return this.#addWithin(item, options, true) as Promise<R>
      return this.#enter(item, this.#settings.bytesOf(item)).own() as Promise<R>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Adds an item, and acknowledges when its batch was processed. Cheaper than {@link AsyncBatchProcessor.add}, which it else
   * is like: the items of a batch that were added so, without signal and timeout, share one promise. If single ones of them
   * fail, it rejects for all of them.
   *
   * @throws (rejects) AggregateError: processing gave Errors in place of results of such items; `errors` has them all
   */
  addItem(item: T, options?: WaitOptions): Promise<void> {
    try {
      if (options !== undefined) return this.#addWithin(item, options, false) as Promise<void>
      return this.#enter(item, this.#settings.bytesOf(item)).share()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Cuts what is collected now, and waits until everything that was added before has settled, also what waits for room. What
   * fails rejects at its own item, not here. Does not block.
   *
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`, or the reason of `options.signal`: not all has settled yet; it goes on
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was cut
   */
  flush(options?: WaitOptions): Promise<void> {
    try {
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      return this.#line.flush(timeout, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Takes no more items, and waits as {@link AsyncBatchProcessor.flush} does. Does not block. May be called again. */
  close(): Promise<void> {
    this.#closed ??= new ClosedError('the batch processor is closed')
    return this.flush()
  }

  /** The same as {@link AsyncBatchProcessor.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Takes no more items, and begins nothing more: what is collected, in line or waits for its next attempt rejects with one
   * ClosedError `ERR_CLOSED`, and is handed back. `context.signal` of the batches at work aborts; they settle as their
   * processing ends, without another attempt, and `close()` waits for them. Does not block. A second call finds nothing.
   *
   * @param reason - the `cause` of that error; undefined: there is none
   * @returns the items that were not processed, in their order
   */
  terminate(reason?: unknown): T[] {
    if (this.#line.isTerminated) return []
    this.#closed = new ClosedError('the batch processor was terminated', reason)
    return this.#line.terminate(this.#closed)
  }

  /** The number of items for which there is room, and that are not done: a snapshot, at most `maxPending`. */
  get pending(): number {
    return Math.min(this.#line.size, this.#settings.maxPending)
  }

  /** The number of items that wait for room: a snapshot. */
  get waiting(): number {
    return this.#line.size - this.pending
  }

  /** The number of batches at work, also those that wait for their next attempt: a snapshot, at most `maxConcurrentBatches`. */
  get processing(): number {
    return this.#line.processing
  }

  /** Counts of what was done, and what is to do. Does not block. */
  stats(): BatchStats {
    const { size, bytes, timer, flush } = this.#line.cuts
    const cuts = { cutBySize: size, cutByBytes: bytes, cutByTimer: timer, cutByFlush: flush }
    const { pending, waiting, processing } = this
    return { ...this.#line.counts, ...cuts, pending, waiting, processing }
  }

  /**
   * Processes one batch: calls the option `process`. A subclass may override it instead.
   *
   * @param items - in the order they were added; the same for each attempt
   * @returns a result or an Error for each item, in their order; where items have no result, nothing
   */
  protected processBatch(items: readonly T[], context: BatchContext): BatchOutcome<R> | PromiseLike<BatchOutcome<R>> {
    const { process } = this.#settings
    if (process === undefined) throw invalidArgument('give the option process, or override the method processBatch')
    return process(items, context)
  }

  #addWithin(item: T, options: WaitOptions, givesResult: boolean): Promise<unknown> {
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) return Promise.reject(signal.reason)
    const bytes = this.#settings.bytesOf(item)
    if (timeout === 0 && this.#closed === undefined && this.#line.size >= this.#settings.maxPending)
      return Promise.reject(new QueueFullError(item, 'there is no room for the item'))
    const limit = timeout === 0 ? Number.POSITIVE_INFINITY : timeout
    const batch = this.#enter(item, bytes)
    if (limit === Number.POSITIVE_INFINITY && signal === undefined) return givesResult ? batch.own() : batch.share()
    return batch.ownWithin(bytes, limit, signal, givesResult)
  }

  #enter(item: T, bytes: number): Batch<T> {
    if (this.#closed !== undefined) throw this.#closed
    return this.#line.enter(item, bytes)
  }
}

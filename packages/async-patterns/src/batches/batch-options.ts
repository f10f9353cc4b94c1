import { type Backoff, backoffOf } from '../calls/backoff.js'
import { invalidArgument } from '../errors.js'
import {
  checkIsFunction,
  checkIsFunctionIfGiven,
  checkIsObject,
  describe,
  milliseconds,
  wholeNumber,
  wholeNumberOrInfinity,
} from '../options.js'
import { type Clock, monotonicClock } from '../platform/clock.js'

/** What the processing of a batch is told beside its items. */
export interface BatchContext {
  /** Aborts when the processor is terminated; its reason is the ClosedError that the items reject with. */
  readonly signal: AbortSignal
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** What a function gives that returns nothing. Not `R` itself: it would be inferred from that. */
type Nothing = ReturnType<() => void>

/**
 * What the processing of a batch gives: for each item, in their order, its result, or an Error that rejects this item
 * alone. Where items have no result, nothing is as good: it acknowledges them all.
 */
export type BatchOutcome<R> = readonly (R | Error)[] | ([Exclude<R, void>] extends [never] ? Nothing : never)

/** What made a batch begin. */
export type BatchCause = 'size' | 'bytes' | 'timer' | 'flush'

/** How a processor cuts its batches, and what it does with them. */
export interface AsyncBatchProcessorOptions<T, R = void> {
  /** Processes one batch; or override `processBatch` in a subclass. The items are in the order they were added. */
  readonly process?:
    | ((items: readonly T[], context: BatchContext) => BatchOutcome<R> | PromiseLike<BatchOutcome<R>>)
    | undefined
  /** A batch of so many items is cut at once; default 100. Never more than `maxPending`. */
  readonly batchSize?: number | undefined
  /** Milliseconds from the first item of a batch until it is cut, full or not; default 1,000; Infinity: only when it is full. */
  readonly flushInterval?: number | undefined
  /** The most that the items of one batch may have together, by `sizeOf`; an item that has more is a batch of its own. */
  readonly maxBytes?: number | undefined
  /** The size of an item: 0 or more, in any unit. Needed with `maxBytes`, and not called without it. */
  readonly sizeOf?: ((item: T) => number) | undefined
  /** The most batches at work at a time; default 1: one after the other, in strict order. */
  readonly maxConcurrentBatches?: number | undefined
  /** The most items for which there is room: collected, in line and at work; default 10,000. Later ones wait, in order. */
  readonly maxPending?: number | undefined
  /** How often a batch is tried that fails as a whole; default 1: no retry. */
  readonly maxAttempts?: number | undefined
  /** Milliseconds before the second attempt, then twice as long each time, up to 30 seconds, or to this where it is longer; default 100. */
  readonly retryDelay?: number | undefined
  /**
   * Is given what failed for good, after it was rejected. With it, promises of failed items that nobody looks at are no
   * unhandled rejections.
   */
  readonly onFailed?: ((items: readonly T[], error: unknown) => void) | undefined
  /** The time to go by; default: the monotonic clock of the platform. For tests. */
  readonly clock?: Clock | undefined
}

/** What a processor has done so far, and what it has to do: a snapshot. */
export interface BatchStats {
  /** Items that were taken in, ever. */
  readonly items: number
  /** Batches that are done, whatever became of them. */
  readonly batches: number
  /** Items that rejected since they, or their batch, could not be processed. */
  readonly failedItems: number
  /** Batches that failed as a whole, after all attempts. */
  readonly failedBatches: number
  /** Attempts after the first ones. */
  readonly retries: number
  readonly cutBySize: number
  readonly cutByBytes: number
  readonly cutByTimer: number
  readonly cutByFlush: number
  /** Items for which there is room, and that are not done. */
  readonly pending: number
  /** Items that wait for room. */
  readonly waiting: number
  /** Batches at work. */
  readonly processing: number
}

const longestRetryDelay = 30_000

/** The options with everything that was left out. */
export class BatchSettings<T, R> {
  readonly process: AsyncBatchProcessorOptions<T, R>['process']
  readonly batchSize: number
  readonly flushInterval: number
  readonly maxBytes: number
  readonly maxConcurrentBatches: number
  readonly maxPending: number
  readonly maxAttempts: number
  readonly onFailed: ((items: readonly T[], error: unknown) => void) | undefined
  readonly clock: Clock
  /** Milliseconds before the next attempt, after so many failures. */
  readonly retryDelay: Backoff
  readonly #sizeOf: ((item: T) => number) | undefined

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
  constructor(options: AsyncBatchProcessorOptions<T, R>) {
    checkIsObject(options)
    const { process, sizeOf, maxBytes, onFailed, clock = monotonicClock } = options
    checkIsFunctionIfGiven('process', process)
    checkIsFunctionIfGiven('sizeOf', sizeOf)
    checkIsFunctionIfGiven('onFailed', onFailed)
    if (maxBytes !== undefined) checkIsFunction('sizeOf, which maxBytes needs,', sizeOf)
    checkIsClock(clock)
    this.process = process
    this.maxPending = wholeNumberOrInfinity('maxPending', options.maxPending ?? 10_000, 1)
    this.batchSize = Math.min(wholeNumberOrInfinity('batchSize', options.batchSize ?? 100, 1), this.maxPending)
    this.flushInterval = milliseconds('flushInterval', options.flushInterval ?? 1_000)
    this.maxBytes = wholeNumberOrInfinity('maxBytes', maxBytes ?? Number.POSITIVE_INFINITY, 1)
    this.maxConcurrentBatches = wholeNumberOrInfinity('maxConcurrentBatches', options.maxConcurrentBatches ?? 1, 1)
    this.maxAttempts = wholeNumberOrInfinity('maxAttempts', options.maxAttempts ?? 1, 1)
    const retryDelay = milliseconds('retryDelay', options.retryDelay ?? 100)
    this.retryDelay = backoffOf({ minDelay: retryDelay, maxDelay: Math.max(retryDelay, longestRetryDelay), jitter: 0 })
    this.#sizeOf = maxBytes === undefined ? undefined : sizeOf
    this.onFailed = onFailed
    this.clock = clock
  }

  /** @throws RangeError `ERR_OUT_OF_RANGE`, TypeError `ERR_INVALID_ARG`: that is no size; whatever `sizeOf` throws */
  bytesOf(item: T): number {
    if (this.#sizeOf === undefined) return 0
    return wholeNumber('the size of an item', this.#sizeOf(item), 0, Number.MAX_SAFE_INTEGER)
  }
}

function checkIsClock(clock: unknown): void {
  const { now, setTimeout, clearTimeout } = (clock ?? {}) as Partial<Clock>
  if (typeof now !== 'function' || typeof setTimeout !== 'function' || typeof clearTimeout !== 'function')
    throw invalidArgument(`clock must have now, setTimeout and clearTimeout, unlike ${describe(clock)}`)
}

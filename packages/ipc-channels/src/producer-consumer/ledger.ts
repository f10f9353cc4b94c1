import type { ProducerConsumerProblem, ProducerConsumerReport } from './report.js'

/**
 * The counts of one run.
 *
 * Invariant: when nothing is under way, `produced + taken = put + consumed + failed + undelivered.length`.
 */
export class Ledger<T> {
  readonly counts = { produced: 0, put: 0, taken: 0, consumed: 0, failed: 0, producerErrors: 0, consumerErrors: 0 }
  readonly undelivered: T[] = []
  queueError: unknown
  readonly #failures: { readonly item: T | undefined; readonly error: unknown }[] = []
  readonly #maxFailures: number
  readonly #onError: ((problem: ProducerConsumerProblem<T>) => void) | undefined

  constructor(maxFailures: number, onError: ((problem: ProducerConsumerProblem<T>) => void) | undefined) {
    this.#maxFailures = maxFailures
    this.#onError = onError
  }

  /** Of a queue that only this run uses: whether there are items that are neither consumed, nor failed, nor undelivered. */
  get hasOpenItems(): boolean {
    const { produced, consumed, failed } = this.counts
    return produced > consumed + failed + this.undelivered.length
  }

  report(): ProducerConsumerReport<T> {
    return {
      ...this.counts,
      failures: this.#failures,
      undelivered: this.undelivered,
      queueError: this.queueError,
    }
  }

  /** An item has failed for good. */
  fail(item: T | undefined, error: unknown): void {
    this.counts.failed += 1
    if (this.#failures.length < this.#maxFailures) this.#failures.push({ item, error })
  }

  /** Counts an error and tells of it. */
  problem(problem: ProducerConsumerProblem<T>): void {
    if (problem.role === 'producer') this.counts.producerErrors += 1
    else this.counts.consumerErrors += 1
    this.tell(problem)
  }

  tell(problem: ProducerConsumerProblem<T>): void {
    try {
      this.#onError?.(problem)
    } catch (error) {
      // As what an event listener throws: an uncaught exception, while we go on.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

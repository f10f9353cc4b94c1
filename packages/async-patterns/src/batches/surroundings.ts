import { captureContext } from '../platform/context.js'
import { channel } from '../platform/diagnostics.js'
import { reportError } from '../platform/report-error.js'
import type { Batch } from './batch.js'
import type { BatchContext, BatchSettings } from './batch-options.js'

const batches = channel('batch')

/** All that a processor calls and tells: its processing, `onFailed`, and those who listen on the diagnostics channel. */
export class Surroundings<T> {
  readonly #processor: object
  readonly #process: (items: readonly T[], context: BatchContext) => unknown
  readonly #settings: Pick<BatchSettings<T, unknown>, 'clock' | 'onFailed'>
  readonly #context = captureContext()

  constructor(
    processor: object,
    process: (items: readonly T[], context: BatchContext) => unknown,
    settings: Pick<BatchSettings<T, unknown>, 'clock' | 'onFailed'>,
  ) {
    this.#processor = processor
    this.#process = process
    this.#settings = settings
  }

  /** Begins an attempt at a batch. May throw and give anything. */
  process(items: readonly T[], context: BatchContext): unknown {
    return this.#inContext(() => this.#process(items, context))
  }

  /** Tells `onFailed`, if there is one. */
  report(items: readonly T[], error: unknown): void {
    const { onFailed } = this.#settings
    if (onFailed === undefined) return
    try {
      this.#inContext(() => onFailed(items, error))
    } catch (thrown) {
      reportError(thrown)
    }
  }

  /** When an attempt begins, if somebody wants to know. */
  timeIfPublished(): number | undefined {
    return batches.hasSubscribers ? this.#settings.clock.now() : undefined
  }

  /** Publishes the end of an attempt. Who has subscribed in the middle of it is told of the next one. */
  publish({ size, cause, attempts: attempt }: Batch<T>, status: 'success' | 'error', began: number | undefined): void {
    if (began === undefined || !batches.hasSubscribers) return
    const durationMs = this.#settings.clock.now() - began
    batches.publish({ processor: this.#processor, size, cause, status, durationMs, attempt })
  }

  #inContext<Result>(fn: () => Result): Result {
    return this.#context === undefined ? fn() : this.#context.runInAsyncScope(fn)
  }
}

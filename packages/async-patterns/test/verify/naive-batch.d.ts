export interface NaiveItem {
  readonly id: number
  readonly bytes: number
  /** Own: `add`; shared: `addItem` without options; told: `addItem` with options, which also shares if they set no limit. */
  readonly kind: 'own' | 'shared' | 'told'
  readonly timeout?: number | undefined
  readonly signal?: number | undefined
}

export interface NaiveSettings {
  readonly batchSize: number
  readonly flushInterval: number
  readonly maxBytes: number
  readonly maxConcurrentBatches: number
  readonly maxPending: number
  readonly maxAttempts: number
  readonly retryDelay: number
}

export type NaiveOutcome = 'throws' | 'short' | 'odd' | 'void' | ((id: number) => boolean)

/** The obvious slow batch processor: lists that are searched from the front, and a clock that is moved by hand. */
export class NaiveBatchProcessor {
  constructor(settings: NaiveSettings)
  readonly now: number
  /** How each item that is done has ended, by its id. */
  readonly endings: Readonly<Record<number, string>>
  /** What was given to processing: the attempt, and the ids. */
  readonly calls: readonly (readonly number[])[]
  /** The flushes that are done, by their id. */
  readonly flushed: Readonly<Record<number, string>>
  /** What was reported as failed: the ids. */
  readonly failed: readonly (readonly number[])[]
  readonly counts: Readonly<Record<'items' | 'batches' | 'failedItems' | 'failedBatches' | 'retries', number>>
  readonly cuts: Readonly<Record<'size' | 'bytes' | 'timer' | 'flush', number>>
  /** The number of items that are not done. */
  readonly size: number
  readonly atWork: readonly unknown[]
  /** Those at work that do not wait for their next attempt. */
  readonly running: readonly unknown[]
  readonly timers: readonly { readonly due: number }[]
  add(item: NaiveItem): void
  complete(which: number, outcome: NaiveOutcome): void
  abort(signal: number): void
  /** Goes on to the next moment at which something is due, or to `until` if nothing is before that. */
  step(until: number): void
  flush(id: number): void
  close(id: number): void
  /** The ids of what is handed back. */
  terminate(): number[]
}

/** An error of a producer or a consumer. */
export interface ProducerConsumerProblem<T> {
  readonly role: 'producer' | 'consumer'
  readonly error: unknown
  /** What the consumer failed on; undefined for a producer. */
  readonly item: T | undefined
  /** How many times in a row that producer has failed, or how many times a consumer has failed on that item. */
  readonly failures: number
}

/** What became of all items of one run. `produced` is the sum of `consumed`, `failed` and those in `undelivered`. */
export interface ProducerConsumerReport<T> {
  readonly produced: number
  readonly consumed: number
  /** Items on which consumers have failed for good. */
  readonly failed: number
  /** Calls of producers that threw. */
  readonly producerErrors: number
  /** Calls of consumers that threw. */
  readonly consumerErrors: number
  /** The failed items with their last errors: at most `maxFailures` of them, the first. */
  readonly failures: readonly { readonly item: T; readonly error: unknown }[]
  /** Items that nobody has consumed: those that waited, and those in the hands of producers and consumers that were stopped. */
  readonly undelivered: readonly T[]
}

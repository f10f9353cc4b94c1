/** An error of a producer, of a consumer, or of the queue as one of them used it. */
export interface ProducerConsumerProblem<T> {
  readonly role: 'producer' | 'consumer'
  readonly error: unknown
  /**
   * What the consumer failed on, or what a producer brought and could not be put. Undefined for a producer that threw, and for
   * an item that could not be opened here.
   */
  readonly item: T | undefined
  /** How many times in a row that producer has failed, or how many times a consumer has failed on that item. */
  readonly failures: number
}

/**
 * What became of all items of one run. Always `produced + taken = put + consumed + failed` + the number of `undelivered`: each
 * item that came into the system's hands has left them in one way. In a queue that the system has for itself `put` is `taken`,
 * and `produced = consumed + failed` + the number of `undelivered`.
 */
export interface ProducerConsumerReport<T> {
  /** Items that its producers have brought. */
  readonly produced: number
  /** Those of them that went into the queue. */
  readonly put: number
  /** Items that it has taken out of the queue, whoever had put them. */
  readonly taken: number
  readonly consumed: number
  /** Items on which consumers have failed for good, that could not be put, or that could not be opened here. */
  readonly failed: number
  /** Calls of producers that threw, and items of theirs that could not be put. */
  readonly producerErrors: number
  /** Calls of consumers that threw, and items that could not be opened here. */
  readonly consumerErrors: number
  /**
   * The failed items with their last errors: at most `maxFailures` of them, the first. One that could not be opened here is
   * gone: its `item` is undefined.
   */
  readonly failures: readonly { readonly item: T | undefined; readonly error: unknown }[]
  /**
   * Items that nobody has consumed: those in the hands of producers and consumers that were stopped, those that a closed queue
   * refused, and those that waited in a queue that the system has for itself or closes. What came out of the queue is a copy.
   */
  readonly undelivered: readonly T[]
  /** What ended the run because the queue itself failed, such as `ERR_PEER_GONE` or `ERR_CORRUPT`; undefined: nothing did. */
  readonly queueError: unknown
}

/** How a subscription is made. */
export interface ClusterSubscribeOptions {
  /**
   * The most messages that are kept for it in this process until they are received: the oldest is dropped for a new one, and
   * counted as lost. Whole number, 1 or more. Default: 1,024.
   */
  readonly capacity?: number | undefined
  /** Gives up subscribing when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** How long a call waits. */
export interface TopicWaitOptions {
  /** Milliseconds on a monotonic clock; default: wait for ever; 0 looks once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** A message in a box, since it may be undefined. */
export interface ClusterReceived<T> {
  readonly message: T
  /** How many messages between the one received before and this one were missed. */
  readonly lost: number
}

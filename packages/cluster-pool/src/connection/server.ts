/** Takes a subscription back. Does not wait for the server. */
export type Unsubscribe = () => void

/** Whoever has subscribed to a channel. */
export interface NoticeListener {
  onMessage(message: string): void
  /** The connection was lost and is back: messages may have been missed in between. */
  onGap?(): void
  /** The cluster was closed: nothing comes any more. */
  onClosed?(): void
}

/**
 * Short messages to whoever listens at the moment: they wake those who wait, they carry no state.
 *
 * Invariant: messages of one connection on one channel arrive in their order. One that was published while the listener's
 * connection was down is lost, and `onGap` tells that.
 */
export interface Notices {
  /** Resolves when the server has the subscription: what is published later arrives. */
  subscribe(channel: string, listener: NoticeListener): Promise<Unsubscribe>
  publish(channel: string, message: string): Promise<void>
  /** The same for what may be lost: sent at most once, and nobody is told. Resolves when the server has it, or it is lost. */
  tell(channel: string, message: string): Promise<void>
}

/** What both kinds of servers have. */
export interface ClusterServer {
  readonly notices: Notices
  /** Milliseconds that it may take to answer. */
  readonly serverTimeout: number
  /** Keeps the process alive until it is answered, and ends when the server does not answer in time. */
  attempt<Answer>(ask: () => Promise<Answer>, options: OperationOptions): Promise<Answer>
  close(): Promise<void>
}

/** How an operation is run. */
export interface OperationOptions {
  /** To run it twice is as good as once: it is sent again when the connection breaks before the answer has come. */
  readonly idempotent: boolean
}

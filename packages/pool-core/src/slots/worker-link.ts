import type { FromWorker, Hello, ToWorker } from '../protocol.js'
import type { Transferable } from '../tasks/with-transfer.js'

/** What is known of the end of a worker. */
export interface Death {
  /** How it ended, for messages: `was ended by SIGKILL`. */
  readonly how: string
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly pid?: number | undefined
  readonly threadId?: number | undefined
  readonly cause?: unknown
  /** The worker was never ready; `cause` says why. */
  readonly wasStarting: boolean
  /** It refused itself: the initializer has thrown. */
  readonly initializerFailed: boolean
}

/** What a worker tells the slot that it belongs to. */
export interface WorkerEvents {
  onReady(): void
  onMessage(message: FromWorker): void
  /** It has exited and runs nothing more; what it had sent may still come. */
  onEnding(): void
  /** Once, and nothing comes after it. */
  onEnd(death: Death): void
}

/** One worker, from its start to its end. */
export interface WorkerLink {
  /** For messages and reports; undefined while it starts. */
  readonly pid: number | undefined
  readonly threadId: number | undefined
  /** @throws DataCloneError when the message cannot be cloned or the transfer list does not fit; nothing was sent */
  send(message: ToWorker, transfer?: readonly Transferable[]): void
  /** Ends the worker at once, whatever it does. Resolves when it has ended; never rejects. */
  kill(): Promise<void>
}

/**
 * Starts a worker.
 *
 * @throws what keeps it from being started at all, such as a bad option
 */
export type StartWorker = (hello: Hello, events: WorkerEvents) => WorkerLink

import type { SharedObjectHandle } from '@heddle/sync-primitives'

type Queues = Record<string, { toHandle(): SharedObjectHandle }>

declare class Side {
  /** What the operation returned there; rejects with what it threw: `name`, `code`, `item` and how long it `waited`. */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  /** Opens one more queue there, under a name that may be taken already. */
  open(name: string, queue: { toHandle(): SharedObjectHandle }): Promise<unknown>
  /** Ends it at once, wherever it is: a process by SIGKILL. */
  terminate(): Promise<void>
}

/** A thread of its own that runs one operation of `fixtures/queue-worker.mjs` per call. It ends with the test. */
export declare class QueueWorker extends Side {
  /** Starts a thread that has opened the queues under the names given, and is ready when the promise resolves. */
  static withQueues(queues: Queues): Promise<QueueWorker>
}

/** The same in a process of its own, for queues in a segment. */
export declare class QueueProcess extends Side {
  static withQueues(queues: Queues): Promise<QueueProcess>
  signal(name: NodeJS.Signals): void
}

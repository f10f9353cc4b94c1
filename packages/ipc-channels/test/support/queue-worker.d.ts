import type { ThreadSafeQueueHandle } from '@heddle/ipc-channels'

/** A thread of its own that runs one operation of `fixtures/queue-worker.mjs` per call. It ends with the test. */
export declare class QueueWorker {
  /** Starts a thread that has opened the queues under the names given, and is ready when the promise resolves. */
  static withQueues(queues: Record<string, { toHandle(): ThreadSafeQueueHandle }>): Promise<QueueWorker>
  /** What the operation returned there; rejects with what it threw: `name`, `code`, `item` and how long it `waited`. */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  /** Opens one more queue there, under a name that may be taken already. */
  open(name: string, queue: { toHandle(): ThreadSafeQueueHandle }): Promise<unknown>
  terminate(): Promise<void>
}

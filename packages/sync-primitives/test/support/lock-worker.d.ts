import type { SharedObjectHandle } from '@heddle/sync-primitives'

/** A thread of its own that runs one operation of `fixtures/lock-worker.mjs` per call. It serves one test at a time. */
export declare class LockWorker {
  /** A thread that has opened the objects under the names given, and is ready when the promise resolves. */
  static withObjects(objects: Record<string, { toHandle(): SharedObjectHandle }>): Promise<LockWorker>
  /** What the operation returned there; rejects with what it threw: `name`, `code` and, of timeouts, `waited`. */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  terminate(): Promise<void>
}

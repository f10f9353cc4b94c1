import type { ResourceLimits, Worker } from 'node:worker_threads'
import type { MemoryHandle } from '@heddle/sync-primitives'

/** A thread that runs one operation of `fixtures/mortal-worker.mjs` per call. One that survives its test serves the next one. */
export declare class MortalWorker {
  private constructor()
  /** A thread that has opened the objects under the names given, and is ready when the promise resolves. */
  static withObjects(
    objects: Record<string, { toHandle(): MemoryHandle }>,
    how?: {
      options?: { repair?: 'mark' | 'throw'; detectDeadlocks?: boolean }
      resourceLimits?: ResourceLimits
    },
  ): Promise<MortalWorker>
  readonly worker: Worker
  /** The exit code, when the thread has ended. */
  readonly ended: Promise<number>
  /**
   * What the operation returned there; rejects with what it threw, or when the thread has ended before. A rejection that
   * nobody looks at is no failure.
   */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  /** Resolves when the thread has ended. */
  terminate(): Promise<void>
}

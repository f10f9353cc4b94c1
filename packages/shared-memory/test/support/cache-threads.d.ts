import type { Worker } from 'node:worker_threads'
import type { ThreadSafeCache } from '@heddle/shared-memory'

/** A thread that does a job of `fixtures/cache-worker.mjs` with the cache. `result` settles when it has ended. */
export declare function startOnCache<Value>(
  job: string,
  cache: ThreadSafeCache<Value> | undefined,
  data: object,
  gate?: Int32Array,
): { readonly worker: Worker; readonly result: Promise<unknown> }

/** Two words: 0 says that a thread is inside, 1 that it may leave. */
export declare function newDoor(): Int32Array

export declare function untilInside(door: Int32Array): Promise<void>

export declare function letOut(door: Int32Array): void

import type { Worker } from 'node:worker_threads'
import type { SharedDict } from '@heddle/shared-memory'

/** A thread that does a job of `fixtures/dict-worker.mjs` with the dict. `result` resolves when it has ended. */
export declare function startOnDict<Value>(
  job: string,
  dict: SharedDict<Value>,
  data: object,
  gate?: Int32Array,
): { readonly worker: Worker; readonly result: Promise<unknown> }

/** Two words: 0 says that a thread is inside, 1 that it may leave. */
export declare function newDoor(): Int32Array

export declare function untilInside(door: Int32Array): Promise<void>

export declare function letOut(door: Int32Array): void

import type { Worker } from 'node:worker_threads'
import type { SharedList } from '@heddle/shared-memory'

/** Starts a job of `fixtures/list-worker.mjs` in a thread. */
export declare function startOnList<Value>(
  job: string,
  list: SharedList<Value>,
  data: object,
  gate?: Int32Array,
): { worker: Worker; result: Promise<unknown> }

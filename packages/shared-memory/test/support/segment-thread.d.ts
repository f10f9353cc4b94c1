import type { WorkerOptions } from 'node:worker_threads'
import type { SharedObjectHandle } from '@heddle/sync-primitives'

export declare class SegmentThread {
  constructor(job: string, data?: object, options?: WorkerOptions)
  next(): Promise<{ holding?: true; result?: unknown; buffer?: SharedArrayBuffer; mutex?: SharedObjectHandle }>
  result(): Promise<unknown>
  terminate(): Promise<void>
}

import type { Memory } from '@heddle/sync-primitives'
import type { Records } from './ring/records.js'
import type { TakenBytes, Writable } from './ring/scratch.js'

/** Where the items of a queue are: in the words of `ring/layout.ts`, each method at one moment. */
export interface QueueStore extends Records {
  readonly capacity: number
  readonly memory: Memory
  readonly capacityBytes: number
  /** How many items are inside: a snapshot. */
  readonly size: number
  readonly putCount: number
  readonly getCount: number
  readonly errors: number
  countError(): void
  /** @returns as {@link import('./ring/ring.js').put} */
  put(item: Writable): number
  /** @returns as {@link import('./ring/ring.js').putMany} */
  putMany(items: readonly Writable[], from: number): number
  /** Takes the next item to the scratch. @returns as {@link import('./ring/ring.js').take} */
  take(): number
  /** @returns as {@link import('./ring/ring.js').takeMany} */
  takeMany(target: TakenBytes, most: number): number
  /** @returns as {@link import('./ring/ring.js').takeAllAndClose} */
  takeAllAndClose(target: TakenBytes): number
  close(): void
}

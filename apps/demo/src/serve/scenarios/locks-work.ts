import type { SharedObjectHandle } from '@heddle/sync-primitives'

/** What the lanes of `locks` wait for and hold. */
export const lockSubjects = ['ledger', 'catalogue, to read', 'catalogue, to write'] as const

/** What such a thread is given. */
export interface LocksWork {
  readonly words: Int32Array
  readonly place: number
  /** The two of the ledger are equal, and the two of the catalogue, whenever nobody who writes is between them. */
  readonly sums: Int32Array
  readonly mutex: SharedObjectHandle
  readonly lock: SharedObjectHandle
}

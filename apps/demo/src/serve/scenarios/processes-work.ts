import type { SegmentHandle, SharedArrayHandle } from '@heddle/shared-memory'
import type { SharedObjectHandle } from '@heddle/sync-primitives'

export const processSubjects = ['the accounts', 'room for a parcel', 'a parcel', 'its own affairs'] as const

/** What a process of `processes` is given, as JSON. All handles are of one segment. */
export interface ProcessesWork {
  readonly place: number
  readonly segment: SegmentHandle
  readonly words: SharedArrayHandle<'int32'>
  /** Their sum is the same whenever nobody is between two of them. */
  readonly accounts: SharedArrayHandle<'float64'>
  readonly mutex: SharedObjectHandle
  readonly parcels: SharedObjectHandle
}

/** How much there is in all accounts together. */
export const wealth = 3_000

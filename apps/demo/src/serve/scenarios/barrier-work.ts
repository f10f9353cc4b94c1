import type { SharedObjectHandle } from '@heddle/sync-primitives'

export const barrierSubjects = ['its part of the round', 'the others', 'a new barrier'] as const

/** What a thread of `barrier` is given. */
export interface BarrierWork {
  readonly words: Int32Array
  readonly place: number
  readonly barrier: SharedObjectHandle
}

import type { SharedObjectHandle } from '@heddle/ipc-channels'

export const queueSubjects = ['room in the queue', 'an item in the queue', 'making an item', 'using an item'] as const

/** What a thread of `queue` is given. */
export interface QueueWork {
  readonly words: Int32Array
  readonly place: number
  readonly role: 'producer' | 'consumer'
  readonly queue: SharedObjectHandle
}

import type { SharedObjectHandle } from '@heddle/sync-primitives'

interface SharedObject {
  toHandle(): SharedObjectHandle
}

/** Zeroed words that threads share. */
export declare function sharedWords(count: number): Int32Array<SharedArrayBuffer>

/** A look at the words under an object, which no user should take: the index of its tag and of its first state word. */
export declare function wordsUnder(object: SharedObject): {
  words: Int32Array<SharedArrayBuffer>
  tag: number
  state: number
}

/** The first state word: of a mutex that is not fair its owner and flags, of a semaphore its inner lock. 0: free. */
export declare function stateOf(object: SharedObject): number

/** Whether some thread sleeps on the object, or is about to, and nobody has released it since. */
export declare function hasWaiters(object: { getState(): { readonly contended: boolean } }): boolean

/** The permit line under a semaphore or a fair mutex: indexes of its words. */
export declare function lineUnder(object: SharedObject): {
  words: Int32Array<SharedArrayBuffer>
  lock: number
  total: number
  /** The ticket that was given out last. */
  next: number
  /** What the thread in this slot holds. */
  heldBy: (slot: number) => number
}

/** How many have had to wait for a semaphore or a fair mutex up to now: it grows by one when one more goes to sleep. */
export declare function ticketsOf(object: SharedObject): number

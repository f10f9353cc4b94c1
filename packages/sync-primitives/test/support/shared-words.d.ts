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

/** The first state word: of a mutex its owner, of a semaphore its free permits, both shifted left by one. */
export declare function stateOf(object: SharedObject): number

/** Whether some thread sleeps on the object, or is about to, and nobody has released it since. */
export declare function hasWaiters(object: SharedObject): boolean

import type { SharedObjectHandle } from '@heddle/sync-primitives'

/** Zeroed words that threads share. */
export declare function sharedWords(count: number): Int32Array<SharedArrayBuffer>

interface SharedQueue {
  toHandle(): SharedObjectHandle
}

/** Whether some thread sleeps because the queue is empty, or is about to: a look at a word that no user should take. */
export declare function hasWaitingGetters(queue: SharedQueue): boolean

/** Whether some thread sleeps because the queue is full, or is about to. */
export declare function hasWaitingPutters(queue: SharedQueue): boolean

/** The words of a queue in thread memory, from its tag on: their order stands in src/ring/layout.ts. */
export declare function wordsOf(queue: SharedQueue): Int32Array<SharedArrayBuffer>

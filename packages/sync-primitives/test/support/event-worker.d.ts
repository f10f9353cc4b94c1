import type { Semaphore, SharedObjectHandle } from '@heddle/sync-primitives'

interface SharedObject {
  toHandle(): SharedObjectHandle
}

/** What a timed call came to: `value`, or the `code` of what it threw. */
export interface Timed {
  readonly value?: unknown
  readonly code?: string
  readonly waited: number
}

/** A thread of its own that runs one operation of `fixtures/event-worker.mjs` per call. It serves one test at a time. */
export declare class EventWorker {
  /** A thread that has opened the objects under the names given; for a barrier with an action of its own, on `words`. */
  static with(
    objects: Record<string, SharedObject>,
    options?: { action?: 'count' | 'fail' | 'promise' | 'block'; words?: Int32Array },
  ): Promise<EventWorker>
  /** Resolves when the thread has ended. */
  readonly exited: Promise<unknown>
  /** What the operation returned there; rejects with what it threw: `name`, `code` and `message`. */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  /** Calls a method of the object; a guard stays there, and its `held` and `permits` come back. */
  call(name: string, method: string, ...args: readonly unknown[]): Promise<unknown>
  /** The same, and how long it took there. */
  timed(name: string, method: string, ...args: readonly unknown[]): Promise<Timed>
  /** It ends by itself in this test. */
  forget(): void
  terminate(): Promise<void>
}

/** Resolves when so many threads sleep on the object's first word. They wake for no reason then, and go back to sleep. */
export declare function sleepersAre(object: SharedObject, count: number): Promise<void>

/** How many callers had to wait for permits so far, in all threads. */
export declare function ticketsOf(semaphore: Semaphore): number

/** How many tickets stand in the records of the first eight threads: one for each that blocks, one for its first task. */
export declare function waitersOf(semaphore: Semaphore): number

import type { SharedObjectHandle } from '@heddle/sync-primitives'

/** A thread of its own that runs one operation of its fixture per call. It serves one test at a time. */
export declare class FixtureThread {
  /** A thread of `fixtures/<fixture>` that has opened the objects under the names given, in their order. */
  static start(fixture: string, objects?: Record<string, { toHandle(): SharedObjectHandle }>): Promise<FixtureThread>
  /**
   * What the operation returned there; rejects with what it threw: `name`, `code` and how long it took, `waited`; or when the
   * thread has ended before. A rejection that nobody looks at is no failure.
   */
  run(operation: string, parameters?: Record<string, unknown>): Promise<unknown>
  /** Ends the thread, whatever it does. */
  terminate(): Promise<void>
}

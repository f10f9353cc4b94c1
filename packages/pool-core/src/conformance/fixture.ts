import type { Executor } from '../executor.js'

/** What an executor can do beyond the claims that all of them keep. */
export interface ExecutorTraits {
  /** Arguments and results are copies, and a task that ends what it runs in hurts nobody but itself. */
  readonly isolated: boolean
  /** A task that never comes back to the event loop can be ended. */
  readonly endsLoops: boolean
}

/** What an executor brings along to be tested. */
export interface ExecutorFixture {
  /**
   * Makes a new executor with room for a hundred queued tasks; the suite ends it.
   *
   * @param options.concurrency - how many tasks it runs at a time, neither more nor fewer
   * @param options.maxResults - how many untaken results it keeps; undefined: as many as it likes, but a hundred at least
   */
  create(options: { readonly concurrency: number; readonly maxResults?: number }): Executor
  readonly traits: ExecutorTraits
}

/** One claim of the contract. */
export interface ExecutorCase {
  /** The part of the contract, and what is claimed of it. No two cases have the same. */
  readonly name: string
  /**
   * Checks the claim; ends or hands on its executors and removes its folders, whatever comes. Takes 40 seconds at most.
   *
   * @throws (rejects) AssertionError of `node:assert`: the claim does not hold; `cause` is the error that showed it, if one did
   */
  readonly run: () => Promise<void>
}

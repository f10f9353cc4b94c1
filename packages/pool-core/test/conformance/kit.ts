import type { defineTask, PoolManager, PoolOptions } from '@heddle/pool-core'
import type { ConformanceTasks } from './task-functions.mjs'

/** What a pool brings along to be tested: the exports of its `test/fixtures/kit.mjs`. */
export interface PoolFixture {
  /** For messages, as the pool itself says it. */
  readonly what: 'worker thread' | 'worker process'
  readonly boundary: 'thread' | 'process'
  /** The pool's own export. */
  readonly defineTask: typeof defineTask
  readonly tasks: ConformanceTasks
  readonly createPool: (options?: PoolOptions) => PoolManager
}

/** The same for a test: the pools that it makes are ended when it is over. */
export interface Kit extends PoolFixture {
  /** For programs of their own, which import it. */
  readonly url: string
  /** A pool for tests that neither close it nor look at its results: starting workers is what takes time. */
  readonly sharedPool: (maxWorkers: number) => PoolManager
  /** The address of a module in the pool's `test/fixtures`. */
  readonly fixture: (name: string) => string
}

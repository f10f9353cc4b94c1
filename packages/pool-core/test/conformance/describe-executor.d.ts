import type { PoolFixture } from './kit.js'

/** Declares every claim that all executors keep, for one pool. `url` is the address of the fixture. */
export declare function describeExecutor(fixture: PoolFixture, url: string): void

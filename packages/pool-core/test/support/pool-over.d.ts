import type { PoolManager, PoolOptions } from '@heddle/pool-core'
import type { ControlledSlots } from './controlled-slots.js'

/** A pool that ends with the test: a call that is not done holds the process. */
export declare function poolOver(slots: Pick<ControlledSlots, 'create'>, options?: PoolOptions): PoolManager

/** For calls that only take up a slot: the end of the pool is theirs. */
export declare function ignore(call: Promise<unknown>): void

/** Follows a promise without waiting for it; has no fields while it is pending. */
export declare function outcomeOf(promise: Promise<unknown>): { value?: unknown; error?: unknown }

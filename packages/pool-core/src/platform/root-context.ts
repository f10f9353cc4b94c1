import { AsyncResource } from 'node:async_hooks'

/** Made when this package is imported, so it belongs to no request. */
const root = new AsyncResource('heddle.pool', { requireManualDestroy: true })

/**
 * Starts what outlives its caller, a worker or a timer for all: what happens in it later must not run in the asynchronous context
 * of whoever came first, nor keep that.
 */
export function inRootContext<Result>(start: () => Result): Result {
  return root.runInAsyncScope(start)
}

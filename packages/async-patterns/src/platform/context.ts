import { builtin } from './builtin.js'

/** The async context (`AsyncLocalStorage`) of somebody who asked for work, for when the work begins. */
export interface Context {
  runInAsyncScope<Result>(fn: () => Result): Result
}

const AsyncResource = builtin('node:async_hooks')?.AsyncResource
const withoutDestroy = { requireManualDestroy: true }

/** The context of the caller; undefined where the runtime has none. */
export const captureContext: () => Context | undefined =
  AsyncResource === undefined
    ? () => undefined
    : // An AsyncResource costs a fraction of a microsecond; AsyncLocalStorage.snapshot() cost 10 on Node 20.
      () => new AsyncResource('heddle:queued', withoutDestroy)

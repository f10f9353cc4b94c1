import { builtin } from './builtin.js'

/** The async context (`AsyncLocalStorage`) of somebody who asked for work, for when the work begins. */
export interface Context {
  runInAsyncScope<Result>(fn: () => Result): Result
}

const AsyncResource = builtin('node:async_hooks')?.AsyncResource
const withoutDestroy = { requireManualDestroy: true }

/**
 * The context of the caller; undefined where there is none to keep.
 *
 * @param promise - any promise that was made in that context; saves making one
 */
export const captureContext: (promise?: Promise<unknown>) => Context | undefined = captureFunction()

function captureFunction(): (promise?: Promise<unknown>) => Context | undefined {
  if (AsyncResource === undefined) return () => undefined
  // It costs a fraction of a microsecond; AsyncLocalStorage.snapshot() cost 10 on Node 20.
  const capture = () => new AsyncResource('heddle:queued', withoutDestroy)
  if (!isNodeBefore22()) return capture
  // On Node 20 and 21 a store that is in use has every promise marked with a symbol, and so has every other hook. Without the mark
  // nobody keeps a context, and one that is empty can stand for all. Later versions need not mark promises.
  let empty: EmptyContext | undefined
  return (promise = Promise.resolve()) => {
    if (isMarked(promise)) return capture()
    empty ??= new EmptyContext(capture())
    return empty
  }
}

/** That of all who asked before anybody kept a context. By the time the work begins, its starter may have one. */
class EmptyContext implements Context {
  readonly #resource: Context

  constructor(resource: Context) {
    this.#resource = resource
  }

  runInAsyncScope<Result>(fn: () => Result): Result {
    return isMarked(Promise.resolve()) ? this.#resource.runInAsyncScope(fn) : fn()
  }
}

function isMarked(promise: Promise<unknown>): boolean {
  return Object.getOwnPropertySymbols(promise).length > 0
}

function isNodeBefore22(): boolean {
  const { process } = globalThis as { process?: { versions: { node?: string; deno?: string; bun?: string } } }
  const { node = '', deno, bun } = process?.versions ?? {}
  return deno === undefined && bun === undefined && Number.parseInt(node, 10) < 22
}

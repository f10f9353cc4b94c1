import { describe, invalidArgument } from '@heddle/sync-primitives/building-blocks'

/** What a producer is given beside its arguments. */
export interface ProducerContext {
  /** Aborts when the system stops. */
  readonly signal: AbortSignal
}

/** What a consumer is given beside the item and its arguments. */
export interface ConsumerContext {
  /** Aborts when the system stops without draining. */
  readonly signal: AbortSignal
  /** 1 when the item is given to it for the first time. */
  readonly attempt: number
}

/**
 * What runs tasks elsewhere: a pool of threads or of processes, say. It is the part of their `Executor` that is needed here, so
 * every executor of the family fits, and whatever else has such a method.
 */
export interface TaskExecutor {
  /** Runs a task and resolves with its result, or rejects with its error; `signal` ends it, and then it rejects. */
  run(task: never, args: never, options?: { readonly signal?: AbortSignal | undefined }): Promise<unknown>
}

/** A producer or a consumer: a function of this thread, or a task that an executor runs. */
export interface Job {
  /**
   * @param item - for a consumer: the item in an array; for a producer: an empty one
   * @param givenUp - aborts when nobody waits for it any more
   */
  call(item: readonly unknown[], context: ConsumerContext, givenUp: AbortSignal): unknown
}

/** A function of this thread hears of the stop by its context. */
export function jobOf(fn: (...args: never[]) => unknown, args: readonly unknown[]): Job {
  const call = fn as (...args: unknown[]) => unknown
  return { call: (item, context) => call(...item, ...args, context) }
}

/**
 * A task cannot look at a signal: to abort would be to end it with what it has in hand. So it may end by itself, and is ended
 * when nobody waits for it any more.
 *
 * @throws TypeError `ERR_INVALID_ARG`: not an executor
 */
export function jobOn(executor: TaskExecutor, task: (...args: never[]) => unknown, args: readonly unknown[]): Job {
  if (typeof (executor as Partial<TaskExecutor> | null | undefined)?.run !== 'function')
    throw invalidArgument(`executor must have a method run, as a pool has; this is ${describe(executor)}`)
  const on = executor as { run(task: unknown, args: unknown, options: { readonly signal: AbortSignal }): unknown }
  return { call: (item, _, givenUp) => on.run(task, [...item, ...args], { signal: givenUp }) }
}

export type Generated<T> = AsyncGenerator<T, unknown, undefined> | Generator<T, unknown, undefined>

export function isGenerator<T>(result: unknown): result is Generated<T> {
  if (typeof result !== 'object' || result === null) return false
  const { next, return: end } = result as { next?: unknown; return?: unknown }
  return (
    typeof next === 'function' &&
    typeof end === 'function' &&
    (Symbol.asyncIterator in result || Symbol.iterator in result)
  )
}

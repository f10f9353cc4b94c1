import type { Task, TaskFunction } from './define-task.js'

export interface RunOptions {
  /**
   * Milliseconds that the task may run, counted from when a worker begins with it; default: no limit. A task that takes
   * longer is ended with its worker.
   */
  readonly timeout?: number | undefined
  /** Takes the task out of the queue, or ends it with its worker; it rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

export interface WaitOptions {
  /** Milliseconds to wait; default: for ever; 0 looks once. The tasks go on when the time is over. */
  readonly timeout?: number | undefined
}

export interface MapOptions extends RunOptions {
  /** How many items may be under way at a time, whole number of 1 or more; default: twice the workers. */
  readonly concurrency?: number | undefined
}

/** What became of a submitted task. */
export type TaskRow =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'error'; readonly error: unknown }
  | { readonly status: 'pending' }

export type ResultOf<Fn extends TaskFunction> = Awaited<ReturnType<Fn>>

/** What runs tasks, here or elsewhere: the contract that all pools of the family keep. */
export interface Executor {
  /** Runs a task and resolves with its result, or rejects with its error as itself. */
  run<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: RunOptions,
  ): Promise<ResultOf<Fn>>
  /** Submits a task and resolves with its id when it was admitted. */
  submitTask<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: RunOptions,
  ): Promise<string>
  /** Takes the result of a submitted task; the id is unknown afterwards. A wait that times out leaves the task alone. */
  getTaskResult(id: string, options?: WaitOptions): Promise<unknown>
  /** Takes the results of all tasks submitted so far, by id, in the order of submission, with one deadline for all. */
  waitForAllTasks(options?: WaitOptions): Promise<Map<string, TaskRow>>
  /** Runs a task for each item and yields the results in the order of the items, pulling the input only as it can be run. */
  map<Item, Result>(
    task: Task<(item: Item) => Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<Result>>
  /** Accepts no more tasks, lets all that were accepted end, then ends the workers. */
  drain(): Promise<void>
  /** Accepts no more tasks and ends all at once; what was queued or running rejects with a ClosedError. */
  terminate(): Promise<void>
  /** The same as `drain`. */
  [Symbol.asyncDispose](): Promise<void>
}

import type { DurationStats } from './results/duration-histogram.js'
import type { Task, TaskFunction } from './tasks/define-task.js'
import type { TaskRetries } from './tasks/task-policy.js'

export interface RunOptions {
  /**
   * Milliseconds that the task may run, counted from when a worker begins with it; default: no limit. A task that takes
   * longer is ended with its worker.
   */
  readonly timeout?: number | undefined
  /** Takes the task out of the queue, or ends it with its worker; it rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
  /** The higher, the earlier: a level counts as much as a second of waiting, so that none waits for ever. Default: 0. */
  readonly priority?: number | undefined
}

/** What pools of threads and processes can do beyond the contract of all executors. */
export interface PoolRunOptions extends RunOptions {
  /** ArrayBuffers and ports in the arguments that are moved to the worker instead of copied; they are detached here. */
  readonly transfer?: readonly object[] | undefined
  /** Is given each value that the task tells with `taskContext().progress`. What it throws is an uncaught exception. */
  readonly onProgress?: ((value: unknown) => void) | undefined
  /** How often it is run again, in place of what the task says itself. Only of idempotent tasks. */
  readonly retries?: TaskRetries | undefined
}

export interface StreamOptions extends PoolRunOptions {
  /** How many values the worker may be ahead of whoever reads them, 1 or more. Default: 16. */
  readonly highWaterMark?: number | undefined
}

export interface WaitOptions {
  /** Milliseconds to wait; default: for ever; 0 looks once. The tasks go on when the time is over. */
  readonly timeout?: number | undefined
  /** Ends the wait, which rejects with `signal.reason` as given. The tasks go on. */
  readonly signal?: AbortSignal | undefined
}

export interface MapOptions {
  /** The most items under way at a time, whole number of 1 or more. */
  readonly concurrency?: number | undefined
  /** False: results come as they are done. Default: true, in the order of the items. */
  readonly ordered?: boolean | undefined
  /** Milliseconds that one item may run; default: no limit. The map then fails with a TimeoutError in that item's place. */
  readonly timeout?: number | undefined
  /** Ends the map, and what it runs; whoever waits for a result is told `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

export interface PoolMapOptions extends MapOptions {
  /**
   * How many items travel together, 1 or more. Default: `'auto'`, as many as take some milliseconds by the measure of those
   * that have run. Each item still has a result or an error of its own.
   */
  readonly chunkSize?: number | 'auto' | undefined
}

/** The results of a map. */
export interface MapResults<Result> extends AsyncIterableIterator<Result, undefined> {
  /** Runs the map to its end and gives all results together, which is the fastest way. Rejects with the first error. */
  toArray(): Promise<Result[]>
  return(): Promise<IteratorResult<Result, undefined>>
}

/** What became of a submitted task. */
export type TaskRow =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'error'; readonly error: unknown }
  | { readonly status: 'pending' }

/** A submitted task that has settled. */
export type CompletedTask = { readonly id: string } & Exclude<TaskRow, { readonly status: 'pending' }>

export type ResultOf<Fn extends TaskFunction> = Awaited<ReturnType<Fn>>

/** What an executor has done and holds: a snapshot. */
export interface ExecutorStats {
  /** Runs that have begun, or are with a worker, and have not settled. */
  readonly running: number
  readonly queued: number
  readonly waitingForRoom: number
  /** Since it was made; the items of maps are counted as tasks. */
  readonly succeeded: number
  readonly failed: number
  /** Aborted by a signal, by `cancelTask` or by `terminate`. */
  readonly cancelled: number
  readonly timedOut: number
  /** Dropped since the queue was full, or by `clear`. */
  readonly dropped: number
  /** Not taken on: it was closed, or full. */
  readonly refused: number
  /** Results that nobody took in time; see `maxResults`. */
  readonly droppedResults: number
  /** How long tasks waited before they were begun, and then ran, in milliseconds. */
  readonly waitTimes: DurationStats
  readonly runTimes: DurationStats
}

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
  /** Cancels a submitted task; its result is then an error. Returns whether there was something to cancel. */
  cancelTask(id: string, reason?: unknown): boolean
  /** Takes the result of a submitted task; the id is unknown afterwards. A wait that times out leaves the task alone. */
  getTaskResult(id: string, options?: WaitOptions): Promise<unknown>
  /** Takes the results of all tasks submitted so far, by id, in the order of submission, with one deadline for all. */
  waitForAllTasks(options?: WaitOptions): Promise<Map<string, TaskRow>>
  /** Takes submitted tasks one by one as they settle, until none is left. */
  asCompleted(options?: WaitOptions): AsyncGenerator<CompletedTask, void, void>
  /**
   * Runs a task for each item and gives the results, pulling the input only as it can be run. Of a closed executor it throws a
   * ClosedError, or its first result does.
   */
  map<Item, Result>(
    task: Task<(item: Item) => Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: MapOptions,
  ): MapResults<Awaited<Result>>
  /** Begins no more tasks; those that run go on. */
  pause(): void
  resume(): void
  /** Resolves when nothing runs and nothing waits. */
  onIdle(options?: WaitOptions): Promise<void>
  stats(): ExecutorStats
  /** Accepts no more tasks, lets all that were accepted end, then ends the workers. */
  drain(): Promise<void>
  /** Accepts no more tasks and ends all at once; what was queued or running rejects with a ClosedError. */
  terminate(reason?: unknown): Promise<void>
  /** The same as `drain`. */
  [Symbol.asyncDispose](): Promise<void>
}

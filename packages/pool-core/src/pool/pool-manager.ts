import { availableParallelism } from 'node:os'
import { type Boundary, encodeValue } from '@heddle/codec'
import { addressOf, type Task, type TaskFunction } from './define-task.js'
import { invalidArgument } from './errors.js'
import type { Executor, MapOptions, ResultOf, RunOptions, TaskRow, WaitOptions } from './executor.js'
import { mapInOrder } from './map-in-order.js'
import { describe, objectOf, signalOf, timeoutOf, wholeNumber } from './options.js'
import { ResultTable } from './result-table.js'
import { Scheduler, type Submission } from './scheduler.js'
import type { Slot } from './slot.js'
import { refuseWhileImporting } from './worker-side.js'

export interface PoolOptions {
  /** The most workers at a time, whole number of 1 or more; default: `os.availableParallelism()`. */
  readonly maxWorkers?: number | undefined
  /** How many results may wait to be taken, whole number of 1 or more; default 10,000. The oldest are dropped beyond it. */
  readonly maxResults?: number | undefined
}

/**
 * What the thread pool and the process pool have in common: the {@link Executor} contract over slots.
 *
 * Workers start when tasks need them and stay until the pool ends. Fairness: tasks begin in the order of submission. No
 * method blocks the thread. An idle pool does not keep the process alive; a queued or running task does.
 */
export class PoolManager implements Executor {
  readonly #scheduler: Scheduler
  readonly #boundary: Boundary
  readonly #maxWorkers: number
  readonly #results: ResultTable
  #submitted = 0

  /**
   * For classes that say where the tasks run.
   *
   * @param createSlot - makes a place for one task at a time; called at most `maxWorkers` times
   * @param boundary - what arguments and results have to cross
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or made by a task module under import
   */
  constructor(createSlot: () => Slot, boundary: Boundary, options?: PoolOptions) {
    refuseWhileImporting()
    const { maxWorkers = availableParallelism(), maxResults = 10_000 } = objectOf('options', options)
    this.#maxWorkers = wholeNumber('maxWorkers', maxWorkers, 1)
    this.#results = new ResultTable(wholeNumber('maxResults', maxResults, 1))
    this.#scheduler = new Scheduler(createSlot, this.#maxWorkers)
    this.#boundary = boundary
  }

  /**
   * Runs a task in a worker.
   *
   * @param task - made with {@link defineTask}
   * @param args - its arguments; shared objects arrive as themselves, everything else as a copy
   * @returns a promise of the task's result; it rejects with the task's own error, with its name, code, fields and cause
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: it ran longer than `timeout`; its worker was ended and replaced
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; a running task's worker was ended and replaced
   * @throws (rejects) BrokenError `ERR_WORKER_CRASHED`: its worker ended under it; the pool goes on with a new one
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: an argument, then nothing has run; or the result
   * @throws (rejects) ClosedError `ERR_CLOSED`: the pool accepts no more tasks, or `terminate()` has ended this one
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   */
  async run<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: RunOptions,
  ): Promise<ResultOf<Fn>> {
    return (await this.#submit(task, args, options).result) as ResultOf<Fn>
  }

  /**
   * Submits a task, to be asked for later by its id. Options and errors of the submission are those of {@link run}; what the
   * task itself comes to is told by {@link getTaskResult} or {@link waitForAllTasks}.
   *
   * @returns a promise of the id, resolved when the task was admitted
   */
  async submitTask<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: RunOptions,
  ): Promise<string> {
    const { result } = this.#submit(task, args, options)
    const id = `task_${this.#submitted}`
    this.#submitted += 1
    this.#results.add(id, result)
    return id
  }

  /**
   * Waits for a submitted task and takes its result; the id is unknown afterwards.
   *
   * @param options.timeout - milliseconds to wait; default: for ever
   * @returns a promise of the task's result; it rejects with the task's error as {@link run} does
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not done in time; the task goes on, and its id stays
   * @throws (rejects) TaskError `ERR_UNKNOWN_TASK`: no such id, or its result was taken or dropped
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no id, or bad options; the task goes on
   */
  async getTaskResult(id: string, options?: WaitOptions): Promise<unknown> {
    if (typeof id !== 'string') throw invalidArgument(`a task's id is a string, not ${describe(id)}`)
    return await this.#results.take(id, timeoutOf(objectOf('options', options).timeout))
  }

  /**
   * Waits for all tasks that were submitted so far and takes their results. A task that failed is a row, not a rejection.
   *
   * @param options.timeout - milliseconds to wait for all of them together; default: for ever
   * @returns a promise of the rows by id, in the order of submission. What was not done in time is `pending`, and its id stays
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  async waitForAllTasks(options?: WaitOptions): Promise<Map<string, TaskRow>> {
    return await this.#results.takeAll(timeoutOf(objectOf('options', options).timeout))
  }

  /**
   * Runs a task for each item and yields the results in the order of the items. The input is pulled only as far as
   * `concurrency` allows, so it may be endless. The first error, a task's or the input's, is thrown in its place; then, or
   * when the caller leaves early, the input is closed and the tasks that were not begun are taken back.
   *
   * @param options.concurrency - how many items may be under way at a time; default: twice `maxWorkers`
   * @param options.timeout - milliseconds for each item, as in {@link run}
   * @param options.signal - as in {@link run}, for all items
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   */
  map<Item, Result>(
    task: Task<(item: Item) => Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<Result>> {
    addressOf(task)
    const { concurrency = 2 * this.#maxWorkers, timeout, signal } = objectOf('options', options)
    wholeNumber('concurrency', concurrency, 1)
    timeoutOf(timeout)
    signalOf(signal)
    return mapInOrder(items, concurrency, (item) =>
      this.#submit(task, [item], { timeout, signal }),
    ) as AsyncIterableIterator<Awaited<Result>>
  }

  /**
   * Accepts no more tasks, waits until all that were accepted have settled, then ends the workers. Results stay to be taken.
   * Called again, it waits for the same end.
   */
  drain(): Promise<void> {
    return this.#scheduler.drain()
  }

  /**
   * Accepts no more tasks and ends the workers at once. What was queued or running rejects with a ClosedError `ERR_CLOSED`.
   * Results of finished tasks stay to be taken.
   */
  terminate(): Promise<void> {
    return this.#scheduler.terminate()
  }

  /** The same as {@link drain}: `await using pool = …` lets the accepted tasks end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  #submit(task: Task, args: readonly unknown[], options: RunOptions | undefined): Submission {
    const address = addressOf(task)
    if (!Array.isArray(args)) throw invalidArgument(`the task's arguments must be an array, not ${describe(args)}`)
    const { timeout, signal } = objectOf('options', options)
    return this.#scheduler.submit(
      { task: address, args: encodeValue(args, this.#boundary) },
      timeoutOf(timeout),
      signalOf(signal),
    )
  }
}

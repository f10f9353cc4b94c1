import { invalidArgument, TaskError } from '../errors.js'
import {
  checkIsFunction,
  checkIsFunctionIfGiven,
  checkIsObject,
  describe,
  milliseconds,
  signalOf,
  timeoutOf,
  type WaitOptions,
  wholeNumberOrInfinity,
} from '../options.js'
import { type Body, ManagedTask, type TaskContext } from './managed-task.js'
import { TaskMap, type TaskMapResults } from './map/task-map.js'
import { type CompletedTask, ResultTable, type TaskRow } from './result-table.js'
import type { WhenFull } from './scheduler-options.js'
import type { AsyncMapOptions, AsyncTaskManagerOptions, AsyncTaskManagerStats } from './task-manager-options.js'
import { limitsOf, type TaskOptions } from './task-options.js'
import { TaskScheduler } from './task-scheduler.js'

const policies: readonly WhenFull[] = ['wait', 'reject', 'drop-oldest', 'drop-newest']

/**
 * Runs the async tasks of one thread: so many at a time, the others in a queue with a bound.
 *
 * Fairness: of higher priorities first, within one priority in the order they came, whatever their weights: one that is too
 * heavy for the free places is not passed by lighter ones. A place that becomes free belongs to the first in line.
 * It has the methods of the pools of Heddle, and never blocks the thread; tasks that compute for long belong into a pool.
 */
export class AsyncTaskManager {
  // More than 300 lines: one class, most of which is the contract of its methods; the work is done by the scheduler.
  readonly #scheduler: TaskScheduler
  readonly #results: ResultTable<ManagedTask>
  #nextId = 0

  /**
   * Makes a manager that is idle. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  constructor(options: AsyncTaskManagerOptions = {}) {
    checkIsObject(options)
    const { whenFull = 'wait', onDropped, abortGrace = 1000 } = options
    const { maxConcurrent = 10, maxQueued = 1000, maxResults = 10_000 } = options
    if (!policies.includes(whenFull))
      throw invalidArgument(`whenFull must be one of ${policies.join(', ')}, not ${describe(whenFull)}`)
    checkIsFunctionIfGiven('onDropped', onDropped)
    this.#scheduler = new TaskScheduler({
      maxConcurrent: wholeNumberOrInfinity('maxConcurrent', maxConcurrent, 1),
      maxQueued: wholeNumberOrInfinity('maxQueued', maxQueued, 0),
      whenFull,
      onDropped,
      abortGrace: milliseconds('abortGrace', abortGrace),
    })
    this.#results = new ResultTable(wholeNumberOrInfinity('maxResults', maxResults, 0))
  }

  /**
   * Runs a task when its turn comes, and resolves with its result or rejects with its error, as itself.
   *
   * With `args` the task is called with these and nothing else; without, it is given a context whose `signal` aborts when the
   * task is cancelled or its time is over. The promise then rejects at once; the place stays taken until the body has ended,
   * but no longer than `abortGrace`. A pending task keeps the process alive.
   *
   * @throws (rejects) the task's own error
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: `timeout` or `queueTimeout` is over
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: refused, `item` is `args`; TaskError `ERR_TASK_DROPPED`: dropped or cleared
   * @throws (rejects) ClosedError `ERR_CLOSED`: the manager takes on nothing more, or was terminated
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; the task is not run
   */
  run<Args extends readonly unknown[], Result>(
    task: (...args: Args) => Result,
    args: Readonly<Args>,
    options?: TaskOptions,
  ): Promise<Awaited<Result>>
  run<Result>(task: (context: TaskContext) => Result, options?: TaskOptions): Promise<Awaited<Result>>
  run(
    task: (...args: never[]) => unknown,
    second?: readonly unknown[] | TaskOptions,
    third?: TaskOptions,
  ): Promise<unknown> {
    try {
      const managed = this.#newTask(task, second, third)
      this.#scheduler.admit(managed)
      return managed.promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Submits a task and resolves with its id as soon as it was admitted: with `whenFull: 'wait'` that is when there is room.
   * Its result is kept until it is taken, see `maxResults`; that nobody takes a failure is no unhandled rejection.
   *
   * Takes the arguments of {@link AsyncTaskManager.run} and rejects for what keeps a task from being admitted.
   */
  submitTask<Args extends readonly unknown[], Result>(
    task: (...args: Args) => Result,
    args: Readonly<Args>,
    options?: TaskOptions,
  ): Promise<string>
  submitTask<Result>(task: (context: TaskContext) => Result, options?: TaskOptions): Promise<string>
  submitTask(
    body: (...args: never[]) => unknown,
    second?: readonly unknown[] | TaskOptions,
    third?: TaskOptions,
  ): Promise<string> {
    return new Promise((resolveId, rejectId) => {
      const task = this.#newTask(body, second, third)
      const order = this.#nextId
      const id = `async_task_${order}`
      this.#nextId += 1
      const onAdmitted = () => {
        this.#results.add(id, order, task, task.promise)
        resolveId(id)
      }
      task.submission = { id, isAdmitted: false, onAdmitted }
      // What fails after the admission is in the table: the id was given out then, and this does nothing.
      task.promise.catch(rejectId)
      this.#scheduler.admit(task)
    })
  }

  #newTask(
    task: Body,
    second: readonly unknown[] | TaskOptions | undefined,
    third: TaskOptions | undefined,
  ): ManagedTask {
    checkIsFunction('task', task)
    const { maxConcurrent } = this.#scheduler
    if (Array.isArray(second)) return new ManagedTask(task, second, limitsOf(third, maxConcurrent))
    const options = second === undefined ? third : (second as TaskOptions)
    return new ManagedTask(task, undefined, limitsOf(options, maxConcurrent))
  }

  /**
   * Takes the result of a submitted task, or throws its error as itself; the id is unknown afterwards. A wait that ends early
   * leaves the task and its result alone. Several that wait for one task all get its result.
   *
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not done in time; 0 looks once
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first
   * @throws (rejects) TaskError `ERR_UNKNOWN_TASK`: never given out, taken already, or dropped (see `maxResults`)
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: the id is no string; bad options
   */
  getTaskResult(id: string, options?: WaitOptions): Promise<unknown> {
    return this.#results.take(id, options)
  }

  /**
   * Takes the results of all tasks submitted so far, by id, in the order of submission. A task that failed or was cancelled is
   * a row; what is not done when the time is over is `pending` and keeps its id.
   *
   * @param options.timeout - milliseconds for all of them together; default: wait for ever; 0 looks once
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; nothing was taken
   */
  waitForAllTasks(options?: WaitOptions): Promise<Map<string, TaskRow>> {
    return this.#results.takeAll(options)
  }

  /**
   * Takes submitted tasks one by one as they settle, those submitted meanwhile included, until none is left.
   *
   * @param options.timeout - milliseconds for all of them together; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not all in time; what was not yielded stays. The reason of `options.signal`
   */
  asCompleted(options?: WaitOptions): AsyncGenerator<CompletedTask, void, void> {
    return this.#results.takeAsCompleted(options)
  }

  /**
   * Runs the task once for each item and gives the results, pulling the input only as results are asked for: an endless input
   * is fine. The items use the places of this manager and let its other tasks have their turn; they do not count as queued.
   * The first error ends the map, behind the results of all items before it. Whoever stops asking ends it as well: what is
   * under way is aborted, and the input is closed. `toArray()` gives all results together.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing is pulled
   * @throws ClosedError `ERR_CLOSED`: the manager takes on nothing more. A map that was made before pulls nothing more then: it
   * gives the results of what it has pulled, and that error in the place of the next one
   */
  map<Item, Result>(
    task: (item: Item, context: TaskContext) => Result | PromiseLike<Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options: AsyncMapOptions = {},
  ): TaskMapResults<Awaited<Result>> {
    checkIsFunction('task', task)
    checkIsObject(options)
    const { concurrency = this.#scheduler.maxConcurrent, timeout, ordered = true } = options
    if (typeof ordered !== 'boolean') throw invalidArgument(`ordered must be true or false, not ${describe(ordered)}`)
    if (this.#scheduler.closedError !== undefined) throw this.#scheduler.closedError
    return new TaskMap<Item, Awaited<Result>>(
      this.#scheduler,
      task as (item: Item, context: TaskContext) => Awaited<Result> | PromiseLike<Awaited<Result>>,
      items,
      {
        concurrency: wholeNumberOrInfinity('concurrency', concurrency, 1),
        timeout: timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds('timeout', timeout),
        ordered,
        signal: signalOf(options),
      },
    )
  }

  /**
   * Cancels a submitted task: one that waits is never begun; the signal of one that runs aborts. Its result is then an error.
   * Does not block.
   *
   * @param reason - what it rejects with; default: an AbortError, as that of `AbortController.abort`
   * @returns whether there was something to cancel: false for a task that has settled and for an unknown id
   * @throws TypeError `ERR_INVALID_ARG`: the id is no string
   */
  cancelTask(id: string, reason?: unknown): boolean {
    if (typeof id !== 'string') throw invalidArgument(`id must be a string, not ${describe(id)}`)
    const task = this.#results.pendingTask(id)
    if (task === undefined || task.isSettled) return false
    const why = reason === undefined ? new DOMException(`task ${id} was cancelled`, 'AbortError') : reason
    this.#scheduler.scopeOf(task).abort(why)
    return true
  }

  /** Begins no more tasks; those that run go on. Tasks are still taken on. Does not block. */
  pause(): void {
    this.#scheduler.pause()
  }

  /** Goes on after {@link AsyncTaskManager.pause}. Does not block. */
  resume(): void {
    this.#scheduler.resume()
  }

  get paused(): boolean {
    return this.#scheduler.isPaused
  }

  /**
   * Drops all tasks that have not begun, those that wait for room included: they reject with a TaskError `ERR_TASK_DROPPED`.
   * What runs goes on; maps go on. Does not block.
   *
   * @returns how many were dropped
   */
  clear(): number {
    return this.#scheduler.clear(
      new TaskError('ERR_TASK_DROPPED', 'the task was dropped before it began: clear() was called'),
    )
  }

  /**
   * Resolves when nothing runs and nothing waits, at once if that is so. Items of maps count; bodies that were abandoned do
   * not. A pending call keeps the process alive.
   *
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not in time; 0 looks once. The reason of `options.signal`
   */
  async onIdle(options?: WaitOptions): Promise<void> {
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    await this.#scheduler.onIdle(timeout, signal)
  }

  /** The most tasks at work at a time. Taken down, it ends nothing: places that become free are not given again. */
  get maxConcurrent(): number {
    return this.#scheduler.maxConcurrent
  }

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: not a whole number of 1 or more, nor Infinity */
  set maxConcurrent(most: number) {
    this.#scheduler.maxConcurrent = wholeNumberOrInfinity('maxConcurrent', most, 1)
  }

  /** What the manager has done and holds: a snapshot. */
  stats(): AsyncTaskManagerStats {
    const { maxConcurrent, running, queued, waitingForRoom, counts, waitTimes, runTimes } = this.#scheduler
    return {
      maxConcurrent,
      running,
      queued,
      waitingForRoom,
      ...counts,
      droppedResults: this.#results.dropped,
      waitTimes: waitTimes.stats(),
      runTimes: runTimes.stats(),
    }
  }

  /**
   * Takes on no more tasks, and resolves when all that were taken on have ended; resumes a manager that is paused. Maps pull
   * nothing more. Results can still be taken. A second call waits as well.
   */
  async drain(): Promise<void> {
    this.#scheduler.drain()
    await this.#scheduler.onIdle(Number.POSITIVE_INFINITY, undefined)
  }

  /**
   * Takes on no more tasks and ends all: what waits or runs rejects at once with a ClosedError `ERR_CLOSED`, the signals of
   * those that run abort. Resolves when their bodies have ended or were abandoned, see `abortGrace`. Results of submitted
   * tasks can still be taken.
   *
   * @param reason - the `cause` of the ClosedError
   */
  async terminate(reason?: unknown): Promise<void> {
    this.#scheduler.terminate(reason)
    await this.#scheduler.onIdle(Number.POSITIVE_INFINITY, undefined)
  }

  /** The same as {@link AsyncTaskManager.drain}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }
}

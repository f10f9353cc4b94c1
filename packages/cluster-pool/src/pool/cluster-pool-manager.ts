import { randomUUID } from 'node:crypto'
import {
  ClosedError,
  type CompletedTask,
  type Executor,
  type ExecutorStats,
  type MapOptions,
  type MapResults,
  type ResultOf,
  type Task,
  type TaskFunction,
  type TaskRow,
  TimeoutError,
  type WaitOptions,
} from '@heddle/pool-core'
import { describe, invalidArgument, ResultTable, waitUntil } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { serverOf } from '../connection/cluster-server.js'
import type { ClusterJob } from './cluster-job.js'
import { ClusterMap } from './cluster-map.js'
import {
  type ClusterPoolOptions,
  type ClusterRunOptions,
  clusterMapLimitsOf,
  poolSettingsOf,
  taskOf,
  waitLimitsOf,
} from './pool-limits.js'
import { TaskDispatcher } from './task-dispatcher.js'

/**
 * The {@link Executor} of the family over many machines: tasks are stored by the cluster's server and run by its nodes.
 *
 * Fairness: of one pool, the task of the highest priority begins first, of equal ones the one that was stored first; what a dead
 * node has left behind comes before all others. No method blocks the thread. An idle pool does not keep the process alive; a
 * stored or running task does. When the process ends all the same, what was stored is still run.
 */
export class ClusterPoolManager implements Executor {
  readonly #dispatcher: TaskDispatcher
  readonly #results: ResultTable<ClusterJob>
  #submitted = 0

  /**
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no cluster, or bad options
   */
  constructor(cluster: Cluster, options?: ClusterPoolOptions) {
    serverOf(cluster)
    const settings = poolSettingsOf(options)
    this.#results = new ResultTable(settings.maxResults)
    this.#dispatcher = new TaskDispatcher(cluster, settings, randomUUID())
  }

  /** The name that its nodes have as well. */
  get name(): string {
    return this.#dispatcher.pool
  }

  /**
   * Has a node run a task.
   *
   * @param task - made with `defineTask`; a node must have been started with the module that defines it
   * @param args - its arguments, which arrive as copies
   * @returns a promise of the task's result; it rejects with the task's own error, with its name, code, fields and cause
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: it ran longer than `timeout` on its node, where it was ended
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; a task that waits never begins, one that runs is
   * ended on its node
   * @throws (rejects) BrokenError `ERR_WORKER_CRASHED`: what ran it has ended, a worker or its whole node; it may have begun
   * @throws (rejects) TaskError `ERR_POISON_TASK`: an idempotent task that was lost with its worker or node again and again
   * @throws (rejects) ClusterError `ERR_TASK_NOT_REGISTERED`: the node that got it has no task of that name
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: it could not be stored in time; it may still be run
   * @throws (rejects) LockStateError `ERR_GUARD_LEAKED`: it ended with a lock of its process in its hands
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: an argument, then nothing has run; or the result
   * @throws (rejects) ClosedError `ERR_CLOSED`: the pool accepts no more tasks, or `terminate()` has ended this one
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   */
  run<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: ClusterRunOptions,
  ): Promise<ResultOf<Fn>> {
    return new Promise((resolve, reject) => {
      this.#dispatcher.admit(this.#dispatcher.newJob(task, args, options, resolve as (result: unknown) => void, reject))
    })
  }

  /**
   * Submits a task, to be asked for later by its id. Options and errors of the submission are those of {@link run}; what the
   * task itself comes to is told by {@link getTaskResult} or {@link waitForAllTasks} of this pool object.
   *
   * @returns a promise of the id, resolved when the server has stored the task
   */
  submitTask<Fn extends TaskFunction>(
    task: Task<Fn>,
    args: Readonly<Parameters<Fn>>,
    options?: ClusterRunOptions,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const job = this.#dispatcher.newJob(task, args, options, () => undefined, reject)
      const order = this.#submitted
      this.#submitted += 1
      job.onStored = () => {
        this.#results.add(job.id, order, job)
        resolve(job.id)
      }
      this.#dispatcher.admit(job)
    })
  }

  /**
   * Cancels a submitted task: one that waits never begins; one that runs is ended on its node. Its result is then an error, at
   * once; the node is told meanwhile.
   *
   * @param reason - what it rejects with; default: an AbortError, as that of `AbortController.abort`
   * @returns whether there was something to cancel: false for a task that has settled and for an unknown id
   * @throws TypeError `ERR_INVALID_ARG`: the id is no string
   */
  cancelTask(id: string, reason?: unknown): boolean {
    if (typeof id !== 'string') throw invalidArgument(`a task's id is a string, not ${describe(id)}`)
    const job = this.#results.pendingJob(id)
    if (!job || job.isSettled) return false
    const why = reason === undefined ? new DOMException(`task ${id} was cancelled`, 'AbortError') : reason
    this.#dispatcher.giveUp(job, why)
    return true
  }

  /**
   * Waits for a submitted task and takes its result; the id is unknown afterwards. Several that wait for one task all get it.
   *
   * @param options.timeout - milliseconds to wait; default: for ever
   * @returns a promise of the task's result; it rejects with the task's error as {@link run} does
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not done in time; the task goes on, and its id stays
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; the task goes on
   * @throws (rejects) TaskError `ERR_UNKNOWN_TASK`: no such id, or its result was taken or dropped
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no id, or bad options; the task goes on
   */
  async getTaskResult(id: string, options?: WaitOptions): Promise<unknown> {
    if (typeof id !== 'string') throw invalidArgument(`a task's id is a string, not ${describe(id)}`)
    return await this.#results.take(id, waitLimitsOf(options))
  }

  /**
   * Waits for all tasks that were submitted so far and takes their results. A task that failed is a row, not a rejection.
   *
   * @param options.timeout - milliseconds to wait for all of them together; default: for ever
   * @returns a promise of the rows by id, in the order of submission. What was not done in time is `pending`, and its id stays
   * @throws (rejects) the reason of `options.signal` as given, when it aborts first; nothing was taken
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  async waitForAllTasks(options?: WaitOptions): Promise<Map<string, TaskRow>> {
    return await this.#results.takeAll(waitLimitsOf(options))
  }

  /**
   * Takes submitted tasks one by one as they settle, those submitted meanwhile included, until none is left.
   *
   * @param options.timeout - milliseconds for all of them together; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not all in time; what was not yielded stays. The reason of `options.signal`
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing was taken
   */
  asCompleted(options?: WaitOptions): AsyncGenerator<CompletedTask, void, void> {
    return this.#results.takeAsCompleted(waitLimitsOf(options))
  }

  /**
   * Runs a task for each item, each stored on its own, and gives the results in the order of the items, or as they are done. The
   * input is pulled only while results are asked for, and only as far as `concurrency` allows, so it may be endless. The first
   * error, a task's or the input's, is thrown in its place; then, or when the caller leaves early, the input is closed and what
   * has not begun is taken back.
   *
   * @param options.concurrency - how many items may be under way at a time; default: 64
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   * @throws ClosedError `ERR_CLOSED` in the place of the next item, when the pool was closed
   */
  map<Item, Result>(
    task: Task<(item: Item) => Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: MapOptions,
  ): MapResults<Awaited<Result>> {
    taskOf(task)
    const limits = clusterMapLimitsOf(options)
    const host = this.#dispatcher.mapHost(task, limits.timeout)
    return new ClusterMap<Awaited<Result>>(host, items, limits)
  }

  /**
   * Nodes begin no more tasks of this pool, for all of its callers, until {@link resume}; those that run go on, and tasks are
   * still stored. The server keeps it, also when this program has ended.
   */
  pause(): void {
    this.#dispatcher.pause()
  }

  /** Goes on after {@link pause}, whoever has paused. */
  resume(): void {
    this.#dispatcher.resume()
  }

  /**
   * Resolves when no task of this program is stored or runs.
   *
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not within `timeout`; the reason of `options.signal`
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async onIdle(options?: WaitOptions): Promise<void> {
    const limits = waitLimitsOf(options)
    const { book } = this.#dispatcher
    const isInTime = await waitUntil(
      () => book.isIdle,
      (look) => book.whenIdle(look),
      limits,
    )
    if (!isInTime) throw new TimeoutError(`the pool was not idle within ${limits.timeout} ms`)
  }

  /** What became of the tasks of this program: a snapshot. What a node has begun is counted as running when it has told so. */
  stats(): ExecutorStats {
    const { book, waitingForRoom } = this.#dispatcher
    return {
      running: book.running,
      queued: book.size - book.running - waitingForRoom,
      waitingForRoom,
      ...book.counts,
      droppedResults: this.#results.dropped,
      waitTimes: book.waitTimes.stats(),
      runTimes: book.runTimes.stats(),
    }
  }

  /**
   * Accepts no more tasks and waits until all of this program have settled; resumes the pool if this object has paused it. Nodes
   * go on for others. Results stay to be taken. Called again, it waits for the same end.
   */
  drain(): Promise<void> {
    return this.#dispatcher.drain(new ClosedError('the pool is closed: it accepts no more tasks'))
  }

  /**
   * Accepts no more tasks; those of this program that wait never begin, and those that run are ended on their nodes. They reject
   * with a ClosedError `ERR_CLOSED` at once. Results of finished tasks stay to be taken. Resolves when the server knows.
   *
   * @param reason - the `cause` of these errors
   */
  terminate(reason?: unknown): Promise<void> {
    return this.#dispatcher.terminate(
      new ClosedError('the pool is closed: it accepts no more tasks', reason),
      () => new ClosedError('the pool was terminated before the task was done', reason),
    )
  }

  /** The same as {@link drain}: `await using pool = …` lets the accepted tasks end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }
}

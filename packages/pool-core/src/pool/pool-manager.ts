import { type Boundary, decodeValue, encodeValue } from '@heddle/codec'
import { invalidArgument, TaskError, TimeoutError } from '../errors.js'
import type {
  CompletedTask,
  Executor,
  ExecutorStats,
  MapResults,
  PoolMapOptions,
  PoolRunOptions,
  ResultOf,
  StreamOptions,
  TaskRow,
  WaitOptions,
} from '../executor.js'
import { PoolMap } from '../maps/pool-map.js'
import { describe, objectOf, signalOf, timeoutOf, wholeNumber } from '../options.js'
import { type WaitLimits, waitUntil } from '../platform/wait-until.js'
import { ResultTable } from '../results/result-table.js'
import { Job, type JobLimits } from '../scheduling/job.js'
import { Scheduler } from '../scheduling/scheduler.js'
import type { Task, TaskFunction } from '../tasks/define-task.js'
import { type TaskRecord, TaskRecords } from '../tasks/task-record.js'
import { refuseWhileImporting } from '../worker/modules.js'
import type { PoolKind } from './pool-kind.js'
import { type PoolOptions, poolOptionsOf } from './pool-options.js'
import { runLimitsOf } from './run-limits.js'
import { TaskStream } from './task-stream.js'

/** What the generator of a task gives one by one. */
export type ValueOf<Fn extends TaskFunction> =
  Awaited<ReturnType<Fn>> extends AsyncIterable<infer Value> | Iterable<infer Value> ? Value : never

/** What a pool has done and holds: a snapshot. */
export interface PoolStats extends ExecutorStats {
  /** Workers that are up, or start. */
  readonly workers: number
  /** Of these, those that have nothing to do. */
  readonly idleWorkers: number
  /** Workers that ended by themselves, since the pool was made. */
  readonly crashes: number
}

/**
 * What the thread pool and the process pool have in common: the {@link Executor} contract, and more, over workers.
 *
 * Fairness: who came first is first, except for priorities: a level counts as much as a second of waiting. Of one task whose
 * runs are short (less than a tenth of a millisecond by measure) many may travel together; one of them may then begin later
 * than one that came after it, by some milliseconds, or in a thread by 20 ms at most while another worker has nothing to do.
 * No method blocks the thread. An idle pool does not keep the process alive; a queued or running task does.
 */
export class PoolManager implements Executor {
  // More than 300 lines: one class, most of which is the contract of its methods; the work is done by the scheduler.
  readonly #scheduler: Scheduler
  readonly #boundary: Boundary
  readonly #records = new TaskRecords()
  readonly #results: ResultTable<Job>
  #submitted = 0
  #jobs = 0

  /**
   * For classes that say where the tasks run.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or made by a task module under import
   */
  constructor(kind: PoolKind, options?: PoolOptions) {
    refuseWhileImporting()
    const { scheduler, maxResults } = poolOptionsOf(options, kind, this.#records)
    this.#boundary = kind.boundary
    this.#results = new ResultTable<Job>(maxResults)
    this.#scheduler = new Scheduler(scheduler)
  }

  /** For messages, statistics and diagnostics. */
  get name(): string {
    return this.#scheduler.options.name
  }

  /**
   * Runs a task in a worker.
   *
   * @param task - made with {@link defineTask}, or a function that needs nothing but its own text
   * @param args - its arguments; shared objects arrive as themselves, everything else as a copy
   * @returns a promise of the task's result; it rejects with the task's own error, with its name, code, fields and cause
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: it ran longer than `timeout`; its worker was ended and replaced
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; a running task is stopped, see `abortGrace`
   * @throws (rejects) BrokenError `ERR_WORKER_CRASHED`: its worker ended under it, and it may have begun; the pool goes on
   * @throws (rejects) TaskError `ERR_POISON_TASK`: an idempotent task that ended its worker again and again;
   * `ERR_TASK_CAPTURES`: a function that needs more than its own text; `ERR_TASK_DROPPED`: the queue was full, or cleared
   * @throws (rejects) LockStateError `ERR_GUARD_LEAKED`: it ended with a lock in its hands; its worker was replaced
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: an argument, then nothing has run; or the result
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: refused, with `whenFull: 'reject'`
   * @throws (rejects) ClosedError `ERR_CLOSED`: the pool accepts no more tasks, or `terminate()` has ended this one
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   */
  run<Fn extends TaskFunction>(
    task: Task<Fn> | Fn,
    args: Readonly<Parameters<Fn>>,
    options?: PoolRunOptions,
  ): Promise<ResultOf<Fn>> {
    return new Promise((resolve, reject) => {
      this.#submit(task, this.#newJob(task, args, options, resolve as (result: unknown) => void, reject))
    })
  }

  /**
   * Submits a task, to be asked for later by its id. Options and errors of the submission are those of {@link run}; what the
   * task itself comes to is told by {@link getTaskResult} or {@link waitForAllTasks}.
   *
   * @returns a promise of the id, resolved when the task was admitted: with `whenFull: 'wait'`, when there is room in the queue
   */
  submitTask<Fn extends TaskFunction>(
    task: Task<Fn> | Fn,
    args: Readonly<Parameters<Fn>>,
    options?: PoolRunOptions,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const job = this.#newJob(task, args, options, () => undefined, reject)
      const order = this.#submitted
      this.#submitted += 1
      const id = `task_${order}`
      job.id = id
      job.onAdmitted = () => {
        this.#results.add(id, order, job)
        resolve(id)
      }
      this.#submit(task, job)
    })
  }

  /**
   * Cancels a submitted task: one that waits never begins; one that runs is stopped, see `abortGrace`. Its result is then an
   * error.
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
    this.#scheduler.giveUp(job, why, 'cancelled')
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
   * Runs a task for each item and gives the results in the order of the items, or as they are done. The input is pulled only
   * while results are asked for, and only as far as `concurrency` allows, so it may be endless. Items travel in chunks, and each
   * has a result or an error of its own. The first error, a task's or the input's, is thrown in its place; then, or when the
   * caller leaves early, the input is closed and what has not begun is taken back.
   *
   * The items of a task that is run again after errors travel one by one, whatever `chunkSize` says; in a process pool also
   * those of a task that is not idempotent.
   *
   * @param options.chunkSize - how many items travel together; default: `'auto'`, as many as take some milliseconds
   * @param options.concurrency - how many items may be under way at a time; default: two chunks for each worker
   * @param options.timeout - milliseconds that each item may run; each then travels alone
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has run
   * @throws ClosedError `ERR_CLOSED` in the place of the next item, when the pool was closed
   */
  map<Item, Result>(
    task: Task<(item: Item) => Result> | ((item: Item) => Result),
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: PoolMapOptions,
  ): MapResults<Awaited<Result>> {
    const record = this.#records.recordOf(task)
    const { concurrency, ordered = true, chunkSize = 'auto', timeout, signal } = objectOf('options', options)
    if (typeof ordered !== 'boolean') throw invalidArgument(`ordered must be true or false, not ${describe(ordered)}`)
    const size = chunkSize === 'auto' ? chunkSize : wholeNumber('chunkSize', chunkSize, 1)
    const limit = timeoutOf(timeout)
    if (limit !== undefined && size !== 'auto' && size > 1)
      throw invalidArgument('with a timeout for each item they travel one by one: leave chunkSize out')
    return new PoolMap(
      this.#scheduler,
      record,
      items,
      {
        concurrency: concurrency === undefined ? undefined : wholeNumber('concurrency', concurrency, 1),
        ordered,
        chunkSize: size,
        // What may be run again after an error is told its attempt, which travels with one run alone.
        each:
          limit === undefined && record.retries.errors === 0
            ? undefined
            : runLimitsOf({ timeout: limit, retries: record.retries }, record),
        signal: signalOf(signal),
      },
      this.#nextNumber,
    )
  }

  /**
   * Runs a task that is a generator, or returns an iterable, and gives its values one by one. It begins with the first read,
   * and is never more than `highWaterMark` values ahead of its reader. Whoever leaves early closes the generator at its next
   * value; one that does not come to that is ended with its worker after `abortGrace`. Options and errors are those of
   * {@link run}; a `timeout` counts the waiting for the reader, too.
   */
  stream<Fn extends TaskFunction>(
    task: Task<Fn> | Fn,
    args: Readonly<Parameters<Fn>>,
    options?: StreamOptions,
  ): AsyncIterableIterator<ValueOf<Fn>, undefined> {
    const { highWaterMark = 16 } = objectOf('options', options)
    const credits = wholeNumber('highWaterMark', highWaterMark, 1)
    // Checked now, as a generator function would not: bad arguments are told where they are given.
    this.#newJob(
      task,
      args,
      options,
      () => undefined,
      () => undefined,
    )
    return new TaskStream<ValueOf<Fn>>(credits, (stream) => {
      const end = () => stream.end()
      const job = this.#newJob(task, args, options, end, (error) => stream.end({ error }), stream)
      stream.onStop(() => {
        this.#scheduler.giveUp(job, new DOMException('nobody reads the stream any more', 'AbortError'), 'cancelled')
      })
      this.#submit(task, job)
    })
  }

  /**
   * Runs a task once in each of `maxWorkers` workers, and starts those that are not up. To have something run in workers that
   * come later as well, use `initializer`.
   *
   * @returns a promise of all results; it rejects, once all have settled, with the first error
   */
  async broadcast<Fn extends TaskFunction>(
    task: Task<Fn> | Fn,
    args: Readonly<Parameters<Fn>>,
    options?: PoolRunOptions,
  ): Promise<ResultOf<Fn>[]> {
    const runs = this.#scheduler.slots.map(
      (slot) =>
        new Promise<ResultOf<Fn>>((resolve, reject) => {
          const job = this.#newJob(task, args, options, resolve as (result: unknown) => void, reject)
          job.slot = slot
          this.#scheduler.admit(job)
        }),
    )
    await Promise.allSettled(runs)
    return await Promise.all(runs)
  }

  /**
   * Begins no more tasks; those that run go on, and tasks are still taken on. In a process, a run that was sent ahead, behind
   * another short one, begins all the same.
   */
  pause(): void {
    this.#scheduler.pause()
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.#scheduler.resume()
  }

  get paused(): boolean {
    return this.#scheduler.isPaused
  }

  /**
   * Drops all tasks that have not begun: they reject with a TaskError `ERR_TASK_DROPPED`. What runs goes on; maps go on.
   *
   * @returns how many were dropped
   */
  clear(): number {
    return this.#scheduler.clear(
      new TaskError('ERR_TASK_DROPPED', 'the task was dropped before it began: clear() was called'),
    )
  }

  /**
   * Resolves when nothing runs and nothing waits, at once if that is so. A pending call keeps the process alive.
   *
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: not in time; 0 looks once. The reason of `options.signal`
   */
  async onIdle(options?: WaitOptions): Promise<void> {
    const limits = waitLimitsOf(options)
    const isInTime = await waitUntil(
      () => this.#scheduler.book.isIdle,
      (look) => this.#scheduler.book.whenIdle(look),
      limits,
    )
    if (!isInTime) throw new TimeoutError(`the pool was not idle within ${limits.timeout} ms`)
  }

  /** What the pool has done and holds: a snapshot. */
  stats(): PoolStats {
    const { stats, slots, queued, waitingForRoom } = this.#scheduler
    const up = slots.filter(({ state }) => state === 'ready' || state === 'starting')
    return {
      workers: up.length,
      idleWorkers: up.filter(({ isIdle }) => isIdle).length,
      crashes: stats.crashes,
      running: stats.running,
      queued,
      waitingForRoom,
      ...stats.counts,
      droppedResults: this.#results.dropped,
      waitTimes: stats.waitTimes.stats(),
      runTimes: stats.runTimes.stats(),
    }
  }

  /**
   * Accepts no more tasks, waits until all that were accepted have settled, then ends the workers; resumes a pool that is
   * paused. Maps pull nothing more: behind what they have pulled comes a ClosedError. Results stay to be taken. Called again, it
   * waits for the same end.
   */
  drain(): Promise<void> {
    return this.#scheduler.drain()
  }

  /**
   * Accepts no more tasks and ends the workers at once. What was queued or running rejects with a ClosedError `ERR_CLOSED`.
   * Results of finished tasks stay to be taken.
   *
   * @param reason - the `cause` of these errors
   */
  terminate(reason?: unknown): Promise<void> {
    return this.#scheduler.terminate(reason)
  }

  /** The same as {@link drain}: `await using pool = …` lets the accepted tasks end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  readonly #nextNumber = (): number => {
    this.#jobs += 1
    return this.#jobs
  }

  #newJob(
    task: unknown,
    args: readonly unknown[],
    options: PoolRunOptions | undefined,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
    stream?: JobLimits['stream'],
  ): Job {
    const record: TaskRecord = this.#records.recordOf(task)
    if (!Array.isArray(args)) throw invalidArgument(`the task's arguments must be an array, not ${describe(args)}`)
    const limits = runLimitsOf(options, record, stream)
    const encoded = encodeValue(args, this.#boundary)
    return new Job(record, encoded, limits, performance.now(), this.#nextNumber(), resolve, reject)
  }

  #submit(task: unknown, job: Job): void {
    const { whenFull } = this.#scheduler.options
    const { limits } = job
    const runsHere =
      whenFull === 'caller-runs' &&
      this.#scheduler.closedError === undefined &&
      !limits?.signal?.aborted &&
      !this.#scheduler.isPaused &&
      limits?.stream === undefined &&
      this.#scheduler.isFull
    if (runsHere) void this.#scheduler.book.runOutside(() => this.#runHere(task as TaskFunction, job))
    else this.#scheduler.admit(job)
  }

  /** As in a worker, it gets copies and gives one: what it does to them is not seen by the caller. */
  async #runHere(task: TaskFunction, job: Job): Promise<() => void> {
    job.onAdmitted?.()
    job.state = 'settled'
    const copy = (value: unknown) => decodeValue(structuredClone(encodeValue(value, this.#boundary)))
    try {
      const args = decodeValue(structuredClone(job.args ?? { value: [] })) as unknown[]
      const result = copy(await task(...args))
      return () => {
        this.#scheduler.stats.count('succeeded')
        job.resolve(result)
      }
    } catch (error) {
      return () => {
        this.#scheduler.stats.count('failed')
        job.reject(error)
      }
    }
  }
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
function waitLimitsOf(options: WaitOptions | undefined): WaitLimits {
  const { timeout, signal } = objectOf('options', options)
  return { timeout: timeoutOf(timeout), signal: signalOf(signal) }
}

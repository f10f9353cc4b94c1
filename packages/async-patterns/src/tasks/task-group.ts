import { ClosedError } from '../errors.js'
import { checkIsFunction, checkIsObject, signalOf, timeoutOf, wholeNumberOrInfinity } from '../options.js'
import { isTurnDue, nextTurn } from '../platform/event-loop.js'
import { RingBuffer } from '../ring-buffer.js'
import { holdProcess, letProcessGo } from '../waiting/keep-alive.js'
import { GroupLimits } from './group-limits.js'
import type { TaskContext } from './managed-task.js'
import { ShownSignal } from './shown-signal.js'
import { TaskSignal } from './task-signal.js'

export interface TaskGroupOptions {
  /** The most tasks of the group at work at a time, 1 or more; default: Infinity. The others wait, in the order they came. */
  readonly maxConcurrent?: number | undefined
  /** Milliseconds for the whole group; default: no limit. Then its tasks are cancelled, and `join` throws a TimeoutError. */
  readonly timeout?: number | undefined
  /** Cancels the group's tasks when it aborts; `join` then throws `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Tasks that begin and end together: the group is not done before each of them has ended, clean-up included, and one that
 * fails cancels all others.
 *
 * Does not block the thread. Use it with `await using`, which joins at the end of the block, or with {@link TaskGroup.scope},
 * which also cancels the tasks when the block itself fails. A task is told to stop by the `signal` of its context; one that
 * does not look at it is waited for. Pending tasks keep the process alive, a group without tasks does not.
 * Source: N. J. Smith, "Notes on structured concurrency", https://vorpus.org/blog/notes-on-structured-concurrency-or-go-statement-considered-harmful/
 */
export class TaskGroup {
  /*
   * Invariant: #unfinished counts the tasks that wait or run; the process is kept alive while there are any.
   * Invariant: tasks wait only while #running is #maxConcurrent, and none after the group was cancelled. A place that goes to
   * the next task after a turn of the event loop counts as running.
   * Invariant: when a signal aborts, the group is cancelled already: who hears of it cannot add a task.
   * Invariant: #signals are those of the tasks that have begun and not ended. Each has its own: thousands of listeners on one
   * signal are slow to take away, and Node warns of more than ten.
   */
  readonly #maxConcurrent: number
  readonly #limits: GroupLimits
  readonly #signal = new TaskSignal()
  readonly #signals = new Set<TaskSignal>()
  readonly #waiting = new RingBuffer<{ start: () => void; refuse: (reason: unknown) => void }>()
  readonly #errors: unknown[] = []
  readonly #joiners: (() => void)[] = []
  #running = 0
  #cancelled: { readonly reason: unknown; readonly by: 'task' | 'outside' | 'owner' } | undefined
  #refusal: ClosedError | undefined
  #isClosed = false

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
  constructor(options: TaskGroupOptions = {}) {
    checkIsObject(options)
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    this.#maxConcurrent = wholeNumberOrInfinity('maxConcurrent', options.maxConcurrent ?? Number.POSITIVE_INFINITY, 1)
    this.#limits = new GroupLimits(timeout, signal, (reason) => this.#stop(reason, 'outside'))
    this.#limits.begin()
  }

  /**
   * Runs `body` with a new group and joins it; if `body` fails, its tasks are cancelled first. Resolves with what `body`
   * returns, when all tasks have ended. A pending call keeps the process alive.
   *
   * @throws (rejects) what `body` threw, if no task failed; else as {@link TaskGroup.join}, with the error of `body` first,
   * unless that came from the group: the error of one of its tasks, or its cancellation
   */
  static async scope<Result>(
    body: (group: TaskGroup) => Result | PromiseLike<Result>,
    options?: TaskGroupOptions,
  ): Promise<Result> {
    checkIsFunction('body', body)
    const group = new TaskGroup(options)
    holdProcess()
    try {
      let result: Result
      try {
        result = await body(group)
      } catch (error) {
        throw await group.#onBodyFailed(error)
      }
      await group.join()
      return result
    } finally {
      letProcessGo()
    }
  }

  /**
   * Runs a task of the group, at once or when one of the others has ended. Resolves with its result. Its failure cancels the
   * group and is thrown by `join`, so nobody needs to look at this promise.
   *
   * @throws (rejects) the task's own error; the reason for which the group was cancelled before it began
   * @throws (rejects) ClosedError `ERR_CLOSED`: the group was cancelled or joined before; `cause` is why
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  run<Result>(task: (context: TaskContext) => Result | PromiseLike<Result>): Promise<Result> {
    checkIsFunction('task', task)
    this.#limits.look()
    if (this.#cancelled !== undefined || this.#isClosed) return handled(Promise.reject(this.#refuse()))
    if (this.#unfinished === 0) holdProcess()
    if (this.#running < this.#maxConcurrent) {
      this.#running += 1
      return handled(this.#perform(task))
    }
    return handled(
      new Promise((resolve, reject) => {
        this.#waiting.push({ start: () => resolve(this.#perform(task)), refuse: reject })
      }),
    )
  }

  /**
   * Runs a task if it can begin at once.
   *
   * @returns as {@link TaskGroup.run}, or undefined: `maxConcurrent` tasks are at work, and the task is not run
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  tryRun<Result>(task: (context: TaskContext) => Result | PromiseLike<Result>): Promise<Result> | undefined {
    checkIsFunction('task', task)
    return this.#running >= this.#maxConcurrent && this.#cancelled === undefined ? undefined : this.run(task)
  }

  /**
   * Cancels all tasks: those that wait are never begun, the signal of the others aborts. `join` then waits for them and
   * does not throw for that alone. Does not block. Only the first call has an effect.
   *
   * @param reason - what the signal aborts with; default: an AbortError
   */
  cancel(reason: unknown = new DOMException('the group of tasks was cancelled', 'AbortError')): void {
    this.#stop(reason, 'owner')
  }

  /**
   * Resolves when every task has ended; tasks may still be added until then, by each other say. With the end of the last one
   * the group is closed.
   *
   * @throws (rejects) AggregateError: tasks have failed; `errors` has all their errors, in the order they failed, and `cause`
   * is the first. Rejections with the group's own cancellation are none
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: the group's time was over; thrown when all tasks have ended
   * @throws (rejects) the reason of `signal` as given, when it aborted; thrown when all tasks have ended
   */
  async join(): Promise<void> {
    await this.#end()
    if (this.#errors.length > 0) throw this.#failure()
    if (this.#cancelled?.by === 'outside') throw this.#cancelled.reason
  }

  /** The same as {@link TaskGroup.join}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.join()
  }

  /** Aborts when the group is cancelled, for whatever reason. */
  get signal(): AbortSignal {
    return this.#signal.signal
  }

  /** The number of tasks at work: a snapshot. */
  get running(): number {
    return this.#running
  }

  /** The number of tasks that wait to begin: a snapshot. */
  get waiting(): number {
    return this.#waiting.size
  }

  get #unfinished(): number {
    return this.#running + this.#waiting.size
  }

  async #perform<Result>(task: (context: TaskContext) => Result | PromiseLike<Result>): Promise<Result> {
    const signal = new TaskSignal()
    this.#signals.add(signal)
    try {
      return await task(new ShownSignal(signal))
    } catch (error) {
      if (!this.#isCancellation(error)) this.#fail(error)
      throw error
    } finally {
      this.#signals.delete(signal)
      this.#next()
    }
  }

  #next(): void {
    // A backlog of small tasks never lets go of the thread by itself.
    if (this.#waiting.size > 0 && isTurnDue()) nextTurn(this.#passPlace)
    else this.#passPlace()
  }

  /** The place goes from one task to the next. */
  readonly #passPlace = (): void => {
    if (this.#waiting.size > 0) {
      this.#waiting.shift().start()
      return
    }
    this.#running -= 1
    if (this.#running > 0) return
    letProcessGo()
    for (const joiner of this.#joiners.splice(0)) joiner()
  }

  /** Whether a task has only done what it was told to do. */
  #isCancellation(error: unknown): boolean {
    if (this.#cancelled === undefined) return false
    if (error === this.#cancelled.reason || error === this.#refusal) return true
    return (error as { name?: unknown } | null | undefined)?.name === 'AbortError'
  }

  #fail(error: unknown): void {
    this.#errors.push(error)
    this.#stop(error, 'task')
  }

  #stop(reason: unknown, by: 'task' | 'outside' | 'owner'): void {
    if (this.#cancelled !== undefined || this.#isClosed) return
    this.#cancelled = { reason, by }
    this.#limits.lift()
    while (this.#waiting.size > 0) this.#waiting.shift().refuse(reason)
    for (const signal of this.#signals) signal.abort(reason)
    this.#signal.abort(reason)
  }

  /** Closes the group when no task is left. */
  async #end(): Promise<void> {
    while (this.#unfinished > 0)
      await new Promise<void>((resolve) => {
        this.#joiners.push(resolve)
      })
    // In one step with the look: a task that was added in between would be left running.
    this.#isClosed = true
    this.#limits.lift()
  }

  /** Ends the group. @returns what the scope is to throw */
  async #onBodyFailed(error: unknown): Promise<unknown> {
    const isOwn = !this.#errors.includes(error) && !this.#isCancellation(error)
    this.#stop(error, 'task')
    await this.#end()
    if (this.#errors.length > 0) {
      if (isOwn) this.#errors.unshift(error)
      return this.#failure()
    }
    return !isOwn && this.#cancelled?.by === 'outside' ? this.#cancelled.reason : error
  }

  #failure(): AggregateError {
    const [cause] = this.#errors
    return new AggregateError(this.#errors, `the group of tasks failed, errors: ${this.#errors.length}`, { cause })
  }

  #refuse(): ClosedError {
    this.#refusal ??= new ClosedError(
      'the group takes no more tasks: it was cancelled or joined',
      this.#cancelled?.reason,
    )
    return this.#refusal
  }
}

/** Its failure is reported elsewhere: that nobody looks at the promise is no unhandled rejection. */
function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}

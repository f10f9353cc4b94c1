import { invalidArgument, TaskError, TimeoutError } from '../errors.js'
import { type Linked, LinkedList } from '../linked-list.js'
import { describe, signalOf, timeoutOf, type WaitOptions } from '../options.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'

/** What became of a submitted task. */
export type TaskRow<Result = unknown> =
  | { readonly status: 'success'; readonly result: Result }
  | { readonly status: 'error'; readonly error: unknown }
  | { readonly status: 'pending' }

/** A submitted task that has settled. */
export type CompletedTask = { readonly id: string } & Exclude<TaskRow, { readonly status: 'pending' }>

/** Those who wait for tasks to settle: with true if they take the result then. */
type RowWaiters = WaiterQueue<void, boolean>

class Entry<Task> implements Linked<Entry<Task>> {
  readonly id: string
  /** The place of its submission among all; it may be admitted behind later ones of higher priority. */
  readonly order: number
  /** Until it has settled. */
  task: Task | undefined
  row: TaskRow = { status: 'pending' }
  previous: Entry<Task> | undefined = undefined
  next: Entry<Task> | undefined = undefined
  /** Those who wait for this one; made when somebody does. */
  waiters: RowWaiters | undefined = undefined

  constructor(id: string, order: number, task: Task) {
    this.id = id
    this.order = order
    this.task = task
  }
}

/**
 * The results of submitted tasks until somebody takes them.
 *
 * Invariant: an id is in the table from its submission until its result was taken or dropped.
 * Invariant: at most `maxResults` settled rows stay; the one that settled first is dropped first.
 */
export class ResultTable<Task> {
  readonly #maxResults: number
  readonly #entries = new Map<string, Entry<Task>>()
  /** Entries in the order in which they settled. */
  readonly #settled = new LinkedList<Entry<Task>>()
  /** Those who wait for anything to change: a row settles, or the last one is taken. */
  readonly #watchers: RowWaiters = new WaiterQueue(() => timedOut('the tasks were'))
  #pending = 0
  #dropped = 0

  constructor(maxResults: number) {
    this.#maxResults = maxResults
  }

  /** Untaken results that were dropped to keep to `maxResults`. */
  get dropped(): number {
    return this.#dropped
  }

  /** Follows a task from now on. Its failure is kept for whoever asks, and never an unhandled rejection. */
  add(id: string, order: number, task: Task, result: Promise<unknown>): void {
    const entry = new Entry(id, order, task)
    this.#entries.set(id, entry)
    this.#pending += 1
    result.then(
      (value) => this.#settle(entry, { status: 'success', result: value }),
      (error: unknown) => this.#settle(entry, { status: 'error', error }),
    )
  }

  #settle(entry: Entry<Task>, row: TaskRow): void {
    entry.row = row
    entry.task = undefined
    this.#pending -= 1
    const isTaken = entry.waiters !== undefined && wakeAll(entry.waiters)
    if (isTaken) this.#entries.delete(entry.id)
    else this.#settled.push(entry)
    if (this.#settled.size > this.#maxResults && this.#settled.head !== undefined) {
      this.#forget(this.#settled.head)
      this.#dropped += 1
    }
    wakeAll(this.#watchers)
  }

  /** Does nothing for one that is taken already. */
  #forget(entry: Entry<Task>): void {
    if (this.#entries.delete(entry.id)) this.#settled.remove(entry)
  }

  /** A task that has not settled yet. */
  pendingTask(id: string): Task | undefined {
    return this.#entries.get(id)?.task
  }

  /** The result of one task; its id is unknown afterwards. A wait that ends early leaves the task alone. */
  async take(id: string, options: WaitOptions | undefined): Promise<unknown> {
    if (typeof id !== 'string') throw invalidArgument(`id must be a string, not ${describe(id)}`)
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const entry = this.#entries.get(id)
    if (entry === undefined)
      throw new TaskError(
        'ERR_UNKNOWN_TASK',
        `no task ${id}: it was never submitted here, or its result was taken or dropped`,
      )
    if (entry.row.status === 'pending') {
      if (timeout === 0) throw timedOut(`task ${id} was`)
      await waitersOf(entry).wait(true, timeout, signal)
    }
    this.#forget(entry)
    if (entry.row.status === 'success') return entry.row.result
    throw (entry.row as Extract<TaskRow, { status: 'error' }>).error
  }

  /** The rows of all tasks so far, in the order of submission: those that are settled by the deadline are taken. */
  async takeAll(options: WaitOptions | undefined): Promise<Map<string, TaskRow>> {
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const entries = [...this.#entries.values()].sort((one, other) => one.order - other.order)
    const due = performance.now() + timeout
    for (const entry of entries) {
      if (entry.row.status !== 'pending') continue
      const left = due - performance.now()
      if (!(left > 0)) break
      try {
        await waitersOf(entry).wait(false, left, signal)
      } catch {
        if (signal?.aborted) throw signal.reason
        break
      }
    }
    const rows = new Map<string, TaskRow>()
    for (const entry of entries) {
      rows.set(entry.id, entry.row)
      if (entry.row.status !== 'pending') this.#forget(entry)
    }
    return rows
  }

  /** Takes the tasks one by one as they settle, until none is left. */
  async *takeAsCompleted(options: WaitOptions | undefined): AsyncGenerator<CompletedTask, void, void> {
    const timeout = timeoutOf(options)
    const signal = signalOf(options)
    const due = performance.now() + timeout
    for (;;) {
      if (signal?.aborted) throw signal.reason
      const entry = this.#settled.head
      if (entry !== undefined) {
        this.#forget(entry)
        yield { id: entry.id, ...(entry.row as Exclude<TaskRow, { status: 'pending' }>) }
        continue
      }
      if (this.#pending === 0) return
      const left = due - performance.now()
      if (!(left > 0)) throw timedOut('the tasks were')
      await this.#watchers.wait(false, left, signal)
    }
  }
}

function waitersOf(entry: Entry<unknown>): RowWaiters {
  entry.waiters ??= new WaiterQueue(() => timedOut(`task ${entry.id} was`))
  return entry.waiters
}

/** @returns whether one of them takes the result */
function wakeAll(waiters: RowWaiters): boolean {
  let isTaken = false
  for (let waiter = waiters.takeLiveHead(); waiter !== undefined; waiter = waiters.takeLiveHead()) {
    waiter.resolve()
    isTaken ||= waiter.ask
  }
  return isTaken
}

function timedOut(what: string): TimeoutError {
  return new TimeoutError(`${what} not done in time; what is pending goes on, ask again later`)
}

import { TaskError, TimeoutError } from '../errors.js'
import type { CompletedTask, TaskRow } from '../executor.js'
import { type WaitLimits, waitUntil } from '../platform/wait-until.js'
import { type Linked, LinkedList } from '../scheduling/linked-list.js'

/** A run that has not settled, and who is told when it has. */
export interface FollowedJob {
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

class Entry<Job extends FollowedJob> implements Linked {
  readonly id: string
  /** Its place among all that were submitted. */
  readonly order: number
  /** Until it has settled. */
  job: Job | undefined
  row: TaskRow = { status: 'pending' }
  /** Those who wait for it. */
  waiting: Set<() => void> | undefined = undefined
  previous: Entry<Job> | undefined = undefined
  next: Entry<Job> | undefined = undefined
  list: object | undefined = undefined

  constructor(id: string, order: number, job: Job) {
    this.id = id
    this.order = order
    this.job = job
  }
}

/**
 * The results of submitted tasks until somebody takes them.
 *
 * Invariant: an id is in the table from its admission until its result was taken or dropped.
 * Invariant: at most `maxResults` settled rows stay; the one that settled first is dropped first.
 */
export class ResultTable<Job extends FollowedJob = FollowedJob> {
  readonly #maxResults: number
  readonly #entries = new Map<string, Entry<Job>>()
  /** Entries in the order in which they settled. */
  readonly #settled = new LinkedList<Entry<Job>>()
  /** Those who wait for anything to settle. */
  readonly #watching = new Set<() => void>()
  #dropped = 0

  constructor(maxResults: number) {
    this.#maxResults = maxResults
  }

  /** Untaken results that were dropped to keep to `maxResults`. */
  get dropped(): number {
    return this.#dropped
  }

  /** Follows a job from now on. Its failure is kept for whoever asks, and never an unhandled rejection. */
  add(id: string, order: number, job: Job): void {
    const entry = new Entry(id, order, job)
    this.#entries.set(id, entry)
    job.resolve = (result) => this.#settle(entry, { status: 'success', result })
    job.reject = (error) => this.#settle(entry, { status: 'error', error })
  }

  /** The job of a task that has not settled. */
  pendingJob(id: string): Job | undefined {
    return this.#entries.get(id)?.job
  }

  #settle(entry: Entry<Job>, row: TaskRow): void {
    entry.row = row
    entry.job = undefined
    this.#settled.push(entry)
    if (entry.waiting) for (const look of Array.from(entry.waiting)) look()
    for (const look of Array.from(this.#watching)) look()
    if (this.#settled.size <= this.#maxResults || !this.#settled.first) return
    this.#forget(this.#settled.first)
    this.#dropped += 1
  }

  #forget(entry: Entry<Job>): void {
    this.#entries.delete(entry.id)
    this.#settled.delete(entry)
  }

  async take(id: string, limits: WaitLimits): Promise<unknown> {
    const entry = this.#entries.get(id)
    if (!entry)
      throw new TaskError(
        'ERR_UNKNOWN_TASK',
        `no task ${id}: it was never submitted here, or its result was taken or dropped`,
      )
    if (!(await waitUntilSettled([entry], limits)))
      throw new TimeoutError(`task ${id} was not done within ${limits.timeout} ms; it goes on, ask again later`)
    this.#forget(entry)
    if (entry.row.status === 'success') return entry.row.result
    throw (entry.row as Extract<TaskRow, { status: 'error' }>).error
  }

  async takeAll(limits: WaitLimits): Promise<Map<string, TaskRow>> {
    const entries = [...this.#entries.values()].sort((one, other) => one.order - other.order)
    await waitUntilSettled(entries, limits)
    const rows = new Map<string, TaskRow>()
    for (const entry of entries) {
      rows.set(entry.id, entry.row)
      if (entry.row.status !== 'pending') this.#forget(entry)
    }
    return rows
  }

  /** Takes them one by one as they settle, until none is left. */
  async *takeAsCompleted({ timeout, signal }: WaitLimits): AsyncGenerator<CompletedTask, void, void> {
    const due = timeout === undefined ? undefined : performance.now() + timeout
    while (this.#entries.size > 0) {
      const left = due === undefined ? undefined : Math.max(0, due - performance.now())
      const isInTime = await waitUntil(
        () => this.#settled.size > 0 || this.#entries.size === 0,
        (look) => {
          this.#watching.add(look)
          return () => this.#watching.delete(look)
        },
        { timeout: left, signal },
      )
      if (!isInTime) throw new TimeoutError(`not all tasks were done within ${timeout} ms; they go on, ask again later`)
      const entry = this.#settled.first
      if (!entry) continue
      this.#forget(entry)
      yield { id: entry.id, ...(entry.row as Exclude<TaskRow, { status: 'pending' }>) }
    }
  }
}

/** Resolves with whether all settled in time. */
function waitUntilSettled(entries: readonly Entry<FollowedJob>[], limits: WaitLimits): Promise<boolean> {
  const pending = entries.filter((entry) => entry.row.status === 'pending')
  let left = pending.length
  return waitUntil(
    () => left === 0,
    (look) => {
      const count = () => {
        left -= 1
        look()
      }
      for (const entry of pending) {
        entry.waiting ??= new Set()
        entry.waiting.add(count)
      }
      return () => {
        for (const entry of pending) entry.waiting?.delete(count)
      }
    },
    limits,
  )
}

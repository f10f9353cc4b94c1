import { TaskError, TimeoutError } from './errors.js'
import type { TaskRow } from './executor.js'
import { type Linked, LinkedList } from './linked-list.js'
import { startTimer } from './timer.js'

interface Entry extends Linked {
  readonly id: string
  row: TaskRow
  /** Those who wait for the row to settle. */
  readonly waiting: Set<() => void>
}

/**
 * The results of submitted tasks until somebody takes them.
 *
 * Invariant: an id is in the table from its submission until its result was taken or dropped.
 * Invariant: at most `maxResults` settled rows stay; the one that settled first is dropped first.
 */
export class ResultTable {
  readonly #maxResults: number
  readonly #entries = new Map<string, Entry>()
  /** Entries in the order in which they settled. */
  readonly #settled = new LinkedList<Entry>()

  constructor(maxResults: number) {
    this.#maxResults = maxResults
  }

  /** Follows a task from now on. Its failure is kept for whoever asks, and never an unhandled rejection. */
  add(id: string, result: Promise<unknown>): void {
    const entry: Entry = { id, row: { status: 'pending' }, waiting: new Set() }
    this.#entries.set(id, entry)
    result.then(
      (value) => this.#settle(entry, { status: 'success', result: value }),
      (error: unknown) => this.#settle(entry, { status: 'error', error }),
    )
  }

  #settle(entry: Entry, row: TaskRow): void {
    entry.row = row
    this.#settled.push(entry)
    for (const wake of entry.waiting) wake()
    entry.waiting.clear()
    if (this.#settled.size > this.#maxResults && this.#settled.first) this.#forget(this.#settled.first)
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#settled.delete(entry)
  }

  async take(id: string, timeout: number | undefined): Promise<unknown> {
    const entry = this.#entries.get(id)
    if (!entry) throw new TaskError(`no task ${id}: it was never submitted here, or its result was taken or dropped`)
    if (entry.row.status === 'pending' && !(await waitUntilSettled([entry], timeout)))
      throw new TimeoutError(`task ${id} was not done within ${timeout} ms; it goes on, ask again later`)
    this.#forget(entry)
    if (entry.row.status === 'success') return entry.row.result
    throw (entry.row as Extract<TaskRow, { status: 'error' }>).error
  }

  async takeAll(timeout: number | undefined): Promise<Map<string, TaskRow>> {
    const entries = [...this.#entries.values()]
    await waitUntilSettled(entries, timeout)
    const rows = new Map<string, TaskRow>()
    for (const entry of entries) {
      rows.set(entry.id, entry.row)
      if (entry.row.status !== 'pending') this.#forget(entry)
    }
    return rows
  }
}

/** Resolves with whether all settled in time. */
function waitUntilSettled(entries: readonly Entry[], timeout: number | undefined): Promise<boolean> {
  const pending = entries.filter((entry) => entry.row.status === 'pending')
  if (pending.length === 0) return Promise.resolve(true)
  if (timeout === 0) return Promise.resolve(false)
  return new Promise((resolve) => {
    let left = pending.length
    const wake = () => {
      left -= 1
      if (left > 0) return
      stopTimer?.()
      resolve(true)
    }
    const stopTimer =
      timeout === undefined
        ? undefined
        : startTimer(timeout, () => {
            for (const entry of pending) entry.waiting.delete(wake)
            resolve(false)
          })
    for (const entry of pending) entry.waiting.add(wake)
  })
}

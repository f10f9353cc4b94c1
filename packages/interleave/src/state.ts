import type { HistoryNode } from './history-node.js'
import type { Plan } from './plan.js'
import { ThreadHistory } from './thread-history.js'

/**
 * What a thread is doing: the low bits of its status cell.
 *
 * value · name     · meaning
 * 0     · READY    · it can take its next step
 * 1     · SLEEPING · it is in the queue of the word it waits on; the bits above are its place there, from 1
 * 2     · ROUSED   · it was notified, and has not run since
 * 3     · SPINNING · it has given a spin hint, and nobody has changed memory since
 * 4     · FINISHED · it returned or threw
 * 5     · KILLED   · it was ended from outside
 */
export const READY = 0
export const SLEEPING = 1
export const ROUSED = 2
export const SPINNING = 3
export const FINISHED = 4
export const KILLED = 5
const PLACE = 3
const STATUS = (1 << PLACE) - 1

/**
 * The state of the whole system: a row of numbers, so that it can be copied, compared and stored.
 *
 * cells          · meaning
 * one per word   · the memory
 * one per thread · its local state, a node of its {@link ThreadHistory}
 * one per thread · its status, see above
 * one per thread · ROUND: what memory was at its last spin hint; 0: another thread has changed memory since
 * one per thread · LOOKED: the situation in which it last woke up because a slice was over; 0: none
 * one per event  · how often it may still happen
 * two            · with a bound on them only: the thread that a switch would preempt, from 1, and the preemptions so far
 *
 * Invariant: two equal rows have the same future. A node stands for the future of its thread, a queue is given by the places
 * in it, and whatever else decides what can happen next is in the row.
 */
export class State {
  readonly histories: readonly ThreadHistory[]
  readonly words: number
  readonly threads: number
  readonly width: number
  /** A stack of rows; the current one begins at `base`. */
  cells: Int32Array
  base = 0
  readonly #nodes: number
  readonly #statuses: number
  readonly #rounds: number
  readonly #looked: number
  readonly #budgets: number
  readonly #last: number

  constructor(plan: Plan, countsPreemptions: boolean) {
    this.words = plan.initial.length
    this.threads = plan.threadNames.length
    this.histories = plan.begin.map(
      (begin, thread) => new ThreadHistory(plan.threadNames[thread] as string, begin, this.words),
    )
    this.#nodes = this.words
    this.#statuses = this.#nodes + this.threads
    this.#rounds = this.#statuses + this.threads
    this.#looked = this.#rounds + this.threads
    this.#budgets = this.#looked + this.threads
    this.#last = this.#budgets + plan.budgets.length
    this.width = this.#last + (countsPreemptions ? 2 : 0)
    this.cells = new Int32Array(this.width * 64)
  }

  /** Makes the bottom of the stack the current row, with memory and budgets as the plan has them and all else 0. */
  clear(plan: Plan): void {
    this.base = 0
    this.cells.fill(0, 0, this.width)
    this.cells.set(plan.initial)
    plan.budgets.forEach(({ budget }, event) => {
      this.cells[this.#budgets + event] = budget
    })
  }

  /** Puts a copy of the current row on top of it. */
  push(): void {
    const next = this.base + this.width
    if (next + this.width > this.cells.length) {
      const larger = new Int32Array(this.cells.length * 2)
      larger.set(this.cells)
      this.cells = larger
    }
    this.cells.copyWithin(next, this.base, next)
    this.base = next
  }

  /** Goes back to the row below. */
  pop(): void {
    this.base -= this.width
  }

  /** The words of the current row themselves; good until the next push. */
  memory(): Int32Array {
    return this.cells.subarray(this.base, this.base + this.words)
  }

  word(index: number): number {
    return this.#get(index)
  }

  setWord(index: number, value: number): void {
    this.#set(index, value)
  }

  history(thread: number): ThreadHistory {
    return this.histories[thread] as ThreadHistory
  }

  node(thread: number): HistoryNode {
    return this.history(thread).node(this.#get(this.#nodes + thread))
  }

  setNode(thread: number, node: HistoryNode): void {
    this.#set(this.#nodes + thread, node.id)
  }

  status(thread: number): number {
    return this.#get(this.#statuses + thread) & STATUS
  }

  /** Whether the thread can take a step by itself. */
  isAwake(thread: number): boolean {
    const status = this.status(thread)
    return status === READY || status === ROUSED
  }

  setStatus(thread: number, status: number, place = 0): void {
    this.#set(this.#statuses + thread, status | (place << PLACE))
  }

  /** The place of a sleeping thread in its queue. */
  place(thread: number): number {
    return this.#get(this.#statuses + thread) >> PLACE
  }

  round(thread: number): number {
    return this.#get(this.#rounds + thread)
  }

  setRound(thread: number, memory: number): void {
    this.#set(this.#rounds + thread, memory)
  }

  looked(thread: number): number {
    return this.#get(this.#looked + thread)
  }

  setLooked(thread: number, situation: number): void {
    this.#set(this.#looked + thread, situation)
  }

  budget(event: number): number {
    return this.#get(this.#budgets + event)
  }

  spend(event: number): void {
    this.#set(this.#budgets + event, this.budget(event) - 1)
  }

  /** The thread whose turn it is, if it can go on; -1: a switch preempts nobody. Only with a bound on preemptions. */
  get turn(): number {
    return this.#get(this.#last) - 1
  }

  set turn(thread: number) {
    this.#set(this.#last, thread + 1)
  }

  get preemptions(): number {
    return this.#get(this.#last + 1)
  }

  set preemptions(count: number) {
    this.#set(this.#last + 1, count)
  }

  #get(cell: number): number {
    return this.cells[this.base + cell] as number
  }

  #set(cell: number, value: number): void {
    this.cells[this.base + cell] = value
  }
}

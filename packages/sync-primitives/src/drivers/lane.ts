import type { Memory } from '../memory/memory.js'
import type { Steps } from '../steps.js'
import type { Awaited } from './awaiting.js'
import { type Ending, Patience } from './patience.js'
import { Run } from './run.js'

/** The lanes of each memory, by the index of the word that they are about. */
const lanes = new WeakMap<Memory, Map<number, Lane<never>>>()

/** One lane for each word in each thread, however many objects this thread has opened on it. */
export function laneOf<Result>(memory: Memory, index: number): Lane<Result> {
  let ofMemory = lanes.get(memory)
  if (!ofMemory) {
    ofMemory = new Map()
    lanes.set(memory, ofMemory)
  }
  let lane = ofMemory.get(index)
  if (!lane) {
    lane = new Lane<never>(memory)
    ofMemory.set(index, lane)
  }
  return lane as unknown as Lane<Result>
}

interface Waiter<Result> {
  readonly begin: () => Steps<Result>
  /** Set once this waiter was at the head. */
  run: Run<Result> | undefined
  readonly settle: (awaited: Awaited<Result>) => void
  readonly fail: (error: unknown) => void
}

/**
 * The tasks of this thread that wait for one lock, in the order they came. Only the head runs the algorithm; the others wait
 * here, where they can leave without a trace.
 *
 * Invariant: while the lane is not empty, the head's algorithm waits, or a turn of the lane is due.
 */
export class Lane<Result> {
  readonly #memory: Memory
  readonly #waiters = new Set<Waiter<Result>>() // keeps the order of insertion; delete is O(1)
  /** A live iterator that is never at its end: one that begins anew walks over the places of all who have left. */
  readonly #order = this.#waiters.values()
  #first: Waiter<Result> | undefined
  #advancing = false

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get size(): number {
    return this.#waiters.size
  }

  get #head(): Waiter<Result> | undefined {
    if (!this.#first || !this.#waiters.has(this.#first))
      this.#first = this.#waiters.size > 0 ? this.#order.next().value : undefined
    return this.#first
  }

  /**
   * Runs the algorithm `begin` behind those that already wait in this thread.
   *
   * @param gaveUp - the result of one who leaves before it was at the head
   */
  run(
    begin: () => Steps<Result>,
    gaveUp: Result,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Awaited<Result>> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<Result> = {
        begin,
        run: undefined,
        settle: (awaited) => {
          patience.end()
          resolve(awaited)
        },
        fail: (error) => {
          patience.end()
          reject(error)
        },
      }
      const patience = new Patience(deadline, signal, (ending) => this.#giveUp(waiter, gaveUp, ending))
      this.#waiters.add(waiter)
      if (this.#waiters.size === 1) this.#advance()
      if (this.#waiters.has(waiter)) patience.watchClock()
    })
  }

  /** Lets the head begin, and the next one when the head is done, until one of them has to wait. */
  #advance(): void {
    // The head may be done before `start` returns: then this loop goes on, not one within it.
    if (this.#advancing) return
    this.#advancing = true
    try {
      for (;;) {
        const head = this.#head
        if (!head || head.run) return
        head.run = new Run(
          this.#memory,
          head.begin(),
          (result) => {
            this.#waiters.delete(head)
            head.settle({ result, ending: undefined })
            this.#advance()
          },
          (error) => {
            this.#waiters.delete(head)
            head.fail(error)
            this.#advance()
          },
        )
        head.run.start()
      }
    } finally {
      this.#advancing = false
    }
  }

  #giveUp(waiter: Waiter<Result>, gaveUp: Result, ending: Ending): void {
    const wasHead = this.#head === waiter
    this.#waiters.delete(waiter)
    try {
      waiter.settle({ result: waiter.run ? waiter.run.giveUp() : gaveUp, ending })
    } catch (error) {
      waiter.fail(error)
    }
    // Not at once: the next one may hang on the same signal, whose turn to give up has not come yet.
    if (wasHead) queueMicrotask(() => this.#advance())
  }
}

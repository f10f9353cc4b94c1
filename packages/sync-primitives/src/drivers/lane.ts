import { throwIfClosed } from '../memory/closed.js'
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
  /** Those before and behind it in the lane. */
  before: Waiter<Result> | undefined
  behind: Waiter<Result> | undefined
  isInLane: boolean
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
  // A list with links, not a Set: a Set keeps the places of all who have left until somebody walks over them.
  #head: Waiter<Result> | undefined
  #tail: Waiter<Result> | undefined
  #size = 0
  #advancing = false

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get size(): number {
    return this.#size
  }

  #append(waiter: Waiter<Result>): void {
    waiter.before = this.#tail
    if (this.#tail) this.#tail.behind = waiter
    else this.#head = waiter
    this.#tail = waiter
    waiter.isInLane = true
    this.#size += 1
  }

  #remove(waiter: Waiter<Result>): void {
    if (!waiter.isInLane) return
    if (waiter.before) waiter.before.behind = waiter.behind
    else this.#head = waiter.behind
    if (waiter.behind) waiter.behind.before = waiter.before
    else this.#tail = waiter.before
    waiter.before = undefined
    waiter.behind = undefined
    waiter.isInLane = false
    this.#size -= 1
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
      throwIfClosed(this.#memory)
      const waiter: Waiter<Result> = {
        before: undefined,
        behind: undefined,
        isInLane: false,
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
      this.#append(waiter)
      if (this.#size === 1) this.#advance()
      if (waiter.isInLane) patience.watchClock()
    })
  }

  /**
   * Lets those that wait go on now, in order, as far as they can: for a thread that is about to block, or has just made what
   * they wait for.
   */
  lookAgain(): void {
    // The turn of a new head may be due in a microtask, which does not come while this thread blocks.
    this.#advance()
    for (let left = -1; this.#size !== left && this.#head?.run; ) {
      left = this.#size
      this.#head.run.lookAgain()
    }
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
            this.#remove(head)
            head.settle({ result, ending: undefined })
            this.#advance()
          },
          (error) => {
            this.#remove(head)
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
    this.#remove(waiter)
    try {
      waiter.settle({ result: waiter.run ? waiter.run.giveUp() : gaveUp, ending })
    } catch (error) {
      waiter.fail(error)
    }
    // Not at once: the next one may hang on the same signal, whose turn to give up has not come yet.
    if (wasHead) queueMicrotask(() => this.#advance())
  }
}

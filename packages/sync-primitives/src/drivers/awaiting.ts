import { TimeoutError } from '../errors.js'
import type { Memory } from '../memory/memory.js'
import { GAVE_UP, type Step, type Steps, WOKEN } from '../steps.js'
import { addAbortCallback, removeAbortCallback } from './abort-registry.js'
import { holdProcess, letProcessGo, longestTimerMs } from './keep-alive.js'
import { perform, sliceMs } from './perform.js'

interface Waiter {
  readonly begin: () => Steps<boolean>
  /** The algorithm, once this waiter is at the head; it is then always at a wait. */
  steps: Steps<boolean> | undefined
  readonly settle: (failure?: { readonly reason: unknown }) => void
}

export type { LocalQueue }

/** One queue per word in each thread, however many objects this thread has opened on the word. */
const queues = new WeakMap<Memory, Map<number, LocalQueue>>()

export function localQueueOf(memory: Memory, index: number): LocalQueue {
  let ofMemory = queues.get(memory)
  if (!ofMemory) {
    ofMemory = new Map()
    queues.set(memory, ofMemory)
  }
  let queue = ofMemory.get(index)
  if (!queue) {
    queue = new LocalQueue(memory, index)
    ofMemory.set(index, queue)
  }
  return queue
}

/**
 * This thread's waiters on one word, in the order they came. Only the head runs the algorithm; the others wait here, where
 * they can leave without a trace.
 *
 * A pending `Atomics.waitAsync` cannot be taken back, and one that nobody wants any more swallows a wake-up. So there is at
 * most one per word and thread, and whoever is at the head when it ends goes on from there.
 *
 * Invariant: while the queue is not empty, a waitAsync of this thread is pending on the word, or a turn of the head is due.
 * Invariant: a wake-up that finds the queue empty is passed on.
 */
class LocalQueue {
  readonly #memory: Memory
  readonly #index: number
  readonly #waiters = new Set<Waiter>() // keeps the order of insertion; delete is O(1)
  /** A live iterator that is never at its end: one that begins anew walks over the places of all who have left. */
  readonly #order = this.#waiters.values()
  #first: Waiter | undefined
  #waiting = false

  constructor(memory: Memory, index: number) {
    this.#memory = memory
    this.#index = index
  }

  get size(): number {
    return this.#waiters.size
  }

  get #head(): Waiter | undefined {
    if (!this.#first || !this.#waiters.has(this.#first))
      this.#first = this.#waiters.size > 0 ? this.#order.next().value : undefined
    return this.#first
  }

  /**
   * Runs the acquisition `begin` behind those that already wait in this thread.
   *
   * @returns a promise that is fulfilled when it has acquired
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`, or the signal's reason; nothing was acquired
   */
  acquire(begin: () => Steps<boolean>, deadline: number, signal: AbortSignal | undefined, what: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      const waiter: Waiter = {
        begin,
        steps: undefined,
        settle: (failure) => {
          clearTimeout(timer)
          if (signal) removeAbortCallback(signal, onAbort)
          letProcessGo()
          if (failure === undefined) resolve()
          else reject(failure.reason)
        },
      }
      const onAbort = () => this.#giveUp(waiter, { reason: signal?.reason })
      const armTimer = () => {
        const left = deadline - performance.now()
        if (left <= 0) this.#giveUp(waiter, { reason: new TimeoutError(`${what} was not free in time`) })
        // Timers may fire a little early: look at the clock again.
        else timer = setTimeout(armTimer, Math.min(Math.ceil(left), longestTimerMs))
      }
      // First, since it may throw: nothing is left behind then.
      if (signal) addAbortCallback(signal, onAbort)
      holdProcess()
      this.#waiters.add(waiter)
      if (this.#waiters.size === 1) this.#advance()
      if (deadline !== Number.POSITIVE_INFINITY && this.#waiters.has(waiter)) armTimer()
    })
  }

  /** Lets the head take its turn, and the next one when the head is done, until one of them has to wait. */
  #advance(): void {
    for (;;) {
      const head = this.#head
      if (!head) return
      let next: IteratorResult<Step, boolean>
      if (head.steps) next = head.steps.next(WOKEN)
      else {
        head.steps = head.begin()
        next = head.steps.next()
      }
      if (this.#runToWait(next, head.steps)) return
      this.#waiters.delete(head)
      head.settle()
    }
  }

  /** @returns whether the algorithm now waits; false: it has acquired */
  #runToWait(first: IteratorResult<Step, boolean>, steps: Steps<boolean>): boolean {
    let next = first
    while (!next.done) {
      const step = next.value
      if (step.op !== 'wait') next = steps.next(perform(this.#memory, step))
      else if (this.#waiting || this.#arm(step.expected)) return true
      else next = steps.next(WOKEN)
    }
    return false
  }

  /** @returns whether there is something to wait for */
  #arm(expected: number): boolean {
    const woken = this.#memory.waitAsync(this.#index, expected, sliceMs)
    if (!woken) return false
    this.#waiting = true
    void woken.then(() => {
      this.#waiting = false
      if (this.#waiters.size > 0) this.#advance()
      else this.#memory.notify(this.#index, 1)
    })
    return true
  }

  #giveUp(waiter: Waiter, failure: { readonly reason: unknown }): void {
    const head = this.#head
    this.#waiters.delete(waiter)
    if (waiter.steps) {
      let next = waiter.steps.next(GAVE_UP)
      while (!next.done && next.value.op !== 'wait') next = waiter.steps.next(perform(this.#memory, next.value))
    }
    waiter.settle(failure)
    // Not at once: the next one may hang on the same signal, whose turn to give up has not come yet.
    if (head === waiter) queueMicrotask(() => this.#advance())
  }
}

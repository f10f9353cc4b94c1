import type { Semaphore } from '@heddle/sync-primitives'
import { addAbortCallback, removeAbortCallback } from './abort-registry.js'

/** Puts or takes if the ring allows it now; undefined: it does not. Throws if it never will. */
export type Attempt<Result> = (holdsPermit: boolean) => Result | undefined

interface Waiter<Result> {
  readonly attempt: Attempt<Result>
  /** Ends the wait, its timer and its listener. */
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/** The longest delay that timers take without wrapping around, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * The tasks of one thread that wait on one side of one queue, in the order they came.
 *
 * Nobody in the line waits for a permit of his own: one wait for all asks the semaphore, and each permit is a turn for
 * whoever is first by then. So a task that leaves takes nothing with it, and the order holds whatever the permits do.
 *
 * Invariant: while the line is not empty, an acquisition of a permit is under way, or a permit was taken and a turn is due.
 * Invariant: a permit that finds the line empty goes back.
 */
export class Line<Result> {
  readonly #permits: Semaphore
  readonly #handOver: () => void
  readonly #waiters = new Set<Waiter<Result>>() // keeps the order of insertion; delete is O(1)
  #watching = false
  #stop = new AbortController()

  /** @param handOver - lets both lines of the queue go on as far as they can */
  constructor(permits: Semaphore, handOver: () => void) {
    this.#permits = permits
    this.#handOver = handOver
  }

  get size(): number {
    return this.#waiters.size
  }

  /**
   * Lets those that wait go, in order, until one cannot.
   *
   * @returns whether anybody went
   */
  serve(holdsPermit = false): boolean {
    let holds = holdsPermit
    let went = false
    for (const waiter of this.#waiters) {
      try {
        const result = waiter.attempt(holds)
        if (result === undefined) break
        waiter.resolve(result)
      } catch (reason) {
        waiter.reject(reason)
      }
      holds = false
      went = true
    }
    return went
  }

  /**
   * Waits behind those that came earlier until `attempt` gives a result.
   *
   * @throws (rejects) what `timedOut` makes when the deadline has passed, the signal's reason, or what `attempt` throws
   */
  wait(
    attempt: Attempt<Result>,
    deadline: number,
    signal: AbortSignal | undefined,
    timedOut: () => unknown,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      const leave = () => {
        this.#waiters.delete(waiter)
        clearTimeout(timer)
        if (signal) removeAbortCallback(signal, onAbort)
        if (this.#waiters.size === 0) this.#stop.abort('nobody waits')
      }
      const waiter: Waiter<Result> = {
        attempt,
        resolve: (result) => {
          leave()
          resolve(result)
        },
        reject: (reason) => {
          leave()
          reject(reason)
        },
      }
      const onAbort = () => waiter.reject(signal?.reason)
      const armTimer = () => {
        // Timers may fire a little early: look at the clock again.
        const left = deadline - performance.now()
        if (left > 0) {
          timer = setTimeout(armTimer, Math.min(Math.ceil(left), longestTimerMs))
          return
        }
        // What the ring says now decides, not whether its wake-up has come through.
        this.#handOver()
        if (this.#waiters.has(waiter)) waiter.reject(timedOut())
      }
      this.#waiters.add(waiter)
      if (signal) addAbortCallback(signal, onAbort)
      if (deadline !== Number.POSITIVE_INFINITY) armTimer()
      if (!this.#watching) void this.#watch()
    })
  }

  /** Gives the first a turn for each permit, until nobody waits. */
  async #watch(): Promise<void> {
    this.#watching = true
    while (this.#waiters.size > 0) {
      this.#stop = new AbortController()
      try {
        const permit = await this.#permits.acquire({ signal: this.#stop.signal })
        if (this.#waiters.size === 0) {
          permit.release()
          continue
        }
        permit.detach()
        this.serve(true)
        this.#handOver()
      } catch (reason) {
        if (this.#stop.signal.aborted) continue
        for (const waiter of this.#waiters) waiter.reject(reason)
      }
    }
    this.#watching = false
  }
}

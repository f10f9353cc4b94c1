import { type Abortable, type AbortWatch, watchAbort } from './abort-registry.js'
import { TimeoutError } from './errors.js'
import { holdProcess, letProcessGo, longestTimerMs } from './keep-alive.js'

/** One pending acquisition. Those without limits are kept small: a backlog costs its memory. */
class Waiter<Value> {
  readonly permits: number
  readonly resolve: (value: Value) => void
  readonly reject: (reason: unknown) => void
  limits: Limits<Value> | undefined = undefined
  previous: Waiter<Value> | undefined = undefined
  next: Waiter<Value> | undefined = undefined

  constructor(permits: number, resolve: (value: Value) => void, reject: (reason: unknown) => void) {
    this.permits = permits
    this.resolve = resolve
    this.reject = reject
  }

  /** Whether its signal has aborted, and tells its listeners one after another, and our turn has not come. */
  get isAborting(): boolean {
    return this.limits?.signal?.aborted === true
  }

  /** What its signal was aborted with. */
  get abortReason(): unknown {
    return this.limits?.signal?.reason
  }
}

/** What may end a wait before its grant: a signal, a deadline, or both. Begins to count when it is made. */
class Limits<Value> implements Abortable {
  readonly signal: AbortSignal | undefined
  readonly #waiter: Waiter<Value>
  readonly #queue: WaiterQueue<Value>
  readonly #watch: AbortWatch | undefined
  /** On the clock of `performance.now()`; Infinity: there is no timer. */
  readonly #deadline: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(waiter: Waiter<Value>, queue: WaiterQueue<Value>, timeout: number, signal: AbortSignal | undefined) {
    this.signal = signal
    this.#waiter = waiter
    this.#queue = queue
    this.#watch = signal === undefined ? undefined : watchAbort(signal, this)
    this.#deadline = timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
    if (this.hasTimer) this.#armTimer(timeout)
  }

  /** A timer keeps the process alive by itself. */
  get hasTimer(): boolean {
    return this.#deadline !== Number.POSITIVE_INFINITY
  }

  onAbort(): void {
    this.#queue.giveUp(this.#waiter, this.signal?.reason)
  }

  /** Leaves neither a timer nor a listener. */
  lift(): void {
    this.#watch?.remove(this)
    clearTimeout(this.#timer)
  }

  onTimer(): void {
    // Timers may fire a little early, and there are deadlines beyond the longest timer: look at the clock.
    const left = this.#deadline - performance.now()
    if (left > 0) this.#armTimer(left)
    else this.#queue.giveUp(this.#waiter, this.#queue.timedOut())
  }

  #armTimer(left: number): void {
    this.#timer = setTimeout(onTimer, Math.min(Math.ceil(left), longestTimerMs), this)
  }
}

function onTimer<Value>(limits: Limits<Value>): void {
  limits.onTimer()
}

/**
 * Who waits, in the order they came: a doubly linked list, so that whoever gives up leaves at once from wherever it stands
 * and the first is always alive.
 *
 * Invariant: a waiter is in the list exactly as long as its promise is pending, and only then does it have a timer, hang on
 * its signal, or keep the process alive.
 */
export class WaiterQueue<Value> {
  readonly #what: string
  readonly #onHeadGaveUp: () => void
  #head: Waiter<Value> | undefined
  #tail: Waiter<Value> | undefined
  #size = 0

  /**
   * @param what - what they wait for, in the message of a TimeoutError
   * @param onHeadGaveUp - called after the first one gave up: the next one may want less
   */
  constructor(what: string, onHeadGaveUp: () => void) {
    this.#what = what
    this.#onHeadGaveUp = onHeadGaveUp
  }

  get head(): Waiter<Value> | undefined {
    return this.#head
  }

  get size(): number {
    return this.#size
  }

  /** Waits behind all others. The signal must not be aborted yet, and the timeout not 0. */
  wait(permits: number, timeout: number, signal: AbortSignal | undefined): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const waiter = new Waiter<Value>(permits, resolve, reject)
      if (signal !== undefined || timeout !== Number.POSITIVE_INFINITY)
        waiter.limits = new Limits(waiter, this, timeout, signal)
      if (!waiter.limits?.hasTimer) holdProcess()
      waiter.previous = this.#tail
      if (this.#tail === undefined) this.#head = waiter
      else this.#tail.next = waiter
      this.#tail = waiter
      this.#size += 1
    })
  }

  /** Fulfils a waiter's promise. */
  grant(waiter: Waiter<Value>, value: Value): void {
    this.#remove(waiter)
    waiter.resolve(value)
  }

  /** Rejects a waiter's promise; does not report that the head gave up. */
  refuse(waiter: Waiter<Value>, reason: unknown): void {
    this.#remove(waiter)
    waiter.reject(reason)
  }

  giveUp(waiter: Waiter<Value>, reason: unknown): void {
    const wasHead = waiter === this.#head
    this.refuse(waiter, reason)
    if (wasHead) this.#onHeadGaveUp()
  }

  timedOut(): TimeoutError {
    return new TimeoutError(`${this.#what} was not free in time`)
  }

  #remove(waiter: Waiter<Value>): void {
    const { previous, next } = waiter
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    // An old waiter that still pointed to younger ones would keep them from an early collection.
    waiter.previous = undefined
    waiter.next = undefined
    this.#size -= 1
    waiter.limits?.lift()
    if (!waiter.limits?.hasTimer) letProcessGo()
  }
}

import { type Linked, LinkedList } from '../linked-list.js'
import { channel } from '../platform/diagnostics.js'
import { type Abortable, type AbortWatch, watchAbort } from './abort-registry.js'
import { Deadline, type Timed } from './deadline.js'
import { holdProcess, letProcessGo } from './keep-alive.js'

/** Whom the waiters wait for, as the diagnostics channel tells it. */
export interface WaitSubject {
  readonly kind: string
  readonly object: object
}

const waits = channel('wait')

/** One that waits. Those without limits are kept small: a backlog costs its memory. */
export class Waiter<Value, Ask> implements Linked<Waiter<Value, Ask>> {
  /** What it waits for, or with: permits, an item. */
  readonly ask: Ask
  readonly resolve: (value: Value) => void
  readonly reject: (reason: unknown) => void
  limits: Limits<Value, Ask> | undefined = undefined
  previous: Waiter<Value, Ask> | undefined = undefined
  next: Waiter<Value, Ask> | undefined = undefined

  constructor(ask: Ask, resolve: (value: Value) => void, reject: (reason: unknown) => void) {
    this.ask = ask
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
class Limits<Value, Ask> implements Abortable, Timed {
  readonly signal: AbortSignal | undefined
  readonly #waiter: Waiter<Value, Ask>
  readonly #queue: WaiterQueue<Value, Ask>
  readonly #watch: AbortWatch | undefined
  readonly #deadline: Deadline | undefined

  constructor(
    waiter: Waiter<Value, Ask>,
    queue: WaiterQueue<Value, Ask>,
    timeout: number,
    signal: AbortSignal | undefined,
  ) {
    this.signal = signal
    this.#waiter = waiter
    this.#queue = queue
    this.#watch = signal === undefined ? undefined : watchAbort(signal, this)
    this.#deadline = timeout === Number.POSITIVE_INFINITY ? undefined : new Deadline(timeout, this)
  }

  /** A timer keeps the process alive by itself. */
  get hasTimer(): boolean {
    return this.#deadline !== undefined
  }

  onAbort(): void {
    this.#queue.giveUp(this.#waiter, this.signal?.reason)
  }

  onDeadline(): void {
    this.#queue.giveUp(this.#waiter, this.#queue.timedOut(this.#waiter.ask))
  }

  /** Leaves neither a timer nor a listener. */
  lift(): void {
    this.#watch?.remove(this)
    this.#deadline?.cancel()
  }
}

/**
 * Who waits, in the order they came. Whoever gives up leaves at once from wherever it stands, so the first is always alive.
 *
 * Invariant: a waiter is in the list exactly as long as its promise is pending, and only then does it have a timer, hang on
 * its signal, or keep the process alive.
 */
export class WaiterQueue<Value, Ask = undefined> {
  /** The error of one that asked for `ask` and whose time is over. */
  readonly timedOut: (ask: Ask) => Error
  readonly #onHeadGaveUp: () => void
  readonly #subject: WaitSubject | undefined
  readonly #waiters = new LinkedList<Waiter<Value, Ask>>()

  /**
   * @param timedOut - makes the error of one whose time is over
   * @param onHeadGaveUp - called after the first one gave up: the next one may want less
   * @param subject - whom to tell of on the channel `heddle:async-patterns:wait`; undefined: nobody is told
   */
  constructor(timedOut: (ask: Ask) => Error, onHeadGaveUp: () => void = () => undefined, subject?: WaitSubject) {
    this.timedOut = timedOut
    this.#onHeadGaveUp = onHeadGaveUp
    this.#subject = subject
  }

  get head(): Waiter<Value, Ask> | undefined {
    return this.#waiters.head
  }

  get size(): number {
    return this.#waiters.size
  }

  /** Waits behind all others. The signal must not be aborted yet, and the timeout not 0. */
  wait(ask: Ask, timeout: number, signal: AbortSignal | undefined): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const waiter = new Waiter<Value, Ask>(ask, resolve, reject)
      if (signal !== undefined || timeout !== Number.POSITIVE_INFINITY)
        waiter.limits = new Limits(waiter, this, timeout, signal)
      if (!waiter.limits?.hasTimer) holdProcess()
      this.#waiters.push(waiter)
      if (waits.hasSubscribers && this.#subject !== undefined) waits.publish({ ...this.#subject, waiting: this.size })
    })
  }

  /** Takes the first one out whose signal has not aborted; those before it are refused with the reason of theirs. */
  takeLiveHead(): Waiter<Value, Ask> | undefined {
    for (;;) {
      const { head } = this.#waiters
      if (head === undefined) return undefined
      if (!head.isAborting) {
        this.#remove(head)
        return head
      }
      this.refuse(head, head.abortReason)
    }
  }

  /** Fulfils a waiter's promise. */
  grant(waiter: Waiter<Value, Ask>, value: Value): void {
    this.#remove(waiter)
    waiter.resolve(value)
  }

  /** Rejects a waiter's promise; does not report that the head gave up. */
  refuse(waiter: Waiter<Value, Ask>, reason: unknown): void {
    this.#remove(waiter)
    waiter.reject(reason)
  }

  /** Rejects all that wait: with `reason`, or with that of their own signal if it has aborted. */
  refuseAll(reason: unknown): void {
    for (let { head } = this; head !== undefined; head = this.head)
      this.refuse(head, head.isAborting ? head.abortReason : reason)
  }

  giveUp(waiter: Waiter<Value, Ask>, reason: unknown): void {
    const wasHead = waiter === this.#waiters.head
    this.refuse(waiter, reason)
    if (wasHead) this.#onHeadGaveUp()
  }

  #remove(waiter: Waiter<Value, Ask>): void {
    this.#waiters.remove(waiter)
    waiter.limits?.lift()
    if (!waiter.limits?.hasTimer) letProcessGo()
  }
}

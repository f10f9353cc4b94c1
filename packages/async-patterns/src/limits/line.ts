import { type Linked, LinkedList } from '../linked-list.js'
import type { Clock } from '../platform/clock.js'
import { type Abortable, type AbortWatch, watchAbort } from '../waiting/abort-registry.js'
import { Deadline, type Timed } from '../waiting/deadline.js'
import { holdProcess, letProcessGo } from '../waiting/keep-alive.js'

/** What ends a wait before its grant. */
export interface Limits {
  readonly signal: AbortSignal | undefined
  /** Milliseconds from now. */
  readonly timeout: number
  readonly timedOut: () => Error
}

/** One that stands in the line: a promise that is pending, or a reservation, which nobody waits for. */
export class Turn implements Abortable, Timed, Linked<Turn> {
  readonly permits: number
  /** When its permits come if nobody leaves, on the line's clock. */
  due: number
  /** When it gives up, on the line's clock. */
  deadline = Number.POSITIVE_INFINITY
  state: 'waiting' | 'granted' | 'gone' = 'waiting'
  previous: Turn | undefined = undefined
  next: Turn | undefined = undefined
  readonly #line: Line
  #resolve: (() => void) | undefined = undefined
  #reject: ((reason: unknown) => void) | undefined = undefined
  #limits: Limits | undefined = undefined
  #watch: AbortWatch | undefined = undefined
  #timer: Deadline | undefined = undefined

  constructor(line: Line, permits: number, due: number) {
    this.#line = line
    this.permits = permits
    this.due = due
  }

  /** Whether its signal has aborted, and tells its listeners one after another, and our turn has not come. */
  get isAborting(): boolean {
    return this.#limits?.signal?.aborted === true
  }

  /** Makes it a pending promise, with what may end its wait. The signal must not be aborted yet. */
  promise(limits: Limits, clock: Clock): Promise<void> {
    const { signal, timeout } = limits
    if (signal !== undefined || timeout !== Number.POSITIVE_INFINITY) this.#limits = limits
    if (signal !== undefined) this.#watch = watchAbort(signal, this)
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.deadline = clock.now() + timeout
      this.#timer = new Deadline(timeout, this, clock)
    }
    holdProcess()
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onAbort(): void {
    this.#line.giveUp(this, this.#limits?.signal?.reason)
  }

  onDeadline(): void {
    // Permits that were due before are its own, even if this timer is the first to say how late it is.
    this.#line.serve(false)
    if (this.state === 'waiting') this.#line.giveUp(this, this.#limits?.timedOut())
  }

  /** For the line alone, which it has left. */
  grant(): void {
    this.#leave('granted')
    this.#resolve?.()
  }

  /** For the line alone, which it has left. */
  refuse(reason: unknown): void {
    this.#leave('gone')
    this.#reject?.(this.isAborting ? this.#limits?.signal?.reason : reason)
  }

  #leave(state: 'granted' | 'gone'): void {
    this.state = state
    this.#watch?.remove(this)
    this.#timer?.cancel()
    if (this.#resolve !== undefined) letProcessGo()
  }
}

/**
 * Those who want permits, in the order they came. Not the queue of the locks: a reservation is no promise, the time is that of
 * a given clock, and who comes must know how many permits are wanted ahead.
 *
 * Invariant: a turn is in the list exactly as long as its state is 'waiting'; `permits` is the sum of theirs.
 */
export class Line {
  /** Grants what is due. Called also after the first one left, as the next one may want less. */
  readonly serve: (mayRest?: boolean) => void
  readonly #turns = new LinkedList<Turn>()
  #permits = 0

  constructor(serve: (mayRest?: boolean) => void) {
    this.serve = serve
  }

  get head(): Turn | undefined {
    return this.#turns.head
  }

  get size(): number {
    return this.#turns.size
  }

  get permits(): number {
    return this.#permits
  }

  /** The permits that `turn` and those ahead of it want; takes as long as there are others behind it. */
  permitsUpTo(turn: Turn): number {
    let permits = this.#permits
    for (let behind = turn.next; behind !== undefined; behind = behind.next) permits -= behind.permits
    return permits
  }

  push(permits: number, due: number): Turn {
    const turn = new Turn(this, permits, due)
    this.#turns.push(turn)
    this.#permits += permits
    return turn
  }

  grant(turn: Turn): void {
    this.#remove(turn)
    turn.grant()
  }

  /** Rejects with `reason`, or with that of its own signal if it has aborted. */
  refuse(turn: Turn, reason?: unknown): void {
    this.#remove(turn)
    turn.refuse(reason)
  }

  giveUp(turn: Turn, reason?: unknown): void {
    const wasHead = turn === this.head
    this.refuse(turn, reason)
    if (wasHead) this.serve()
  }

  #remove(turn: Turn): void {
    this.#turns.remove(turn)
    this.#permits -= turn.permits
  }
}

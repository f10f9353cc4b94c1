/** The longest delay that timers take without wrapping around, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/** For how long items may go round before timers and input have their turn, in milliseconds. */
const budgetMs = 5

/**
 * Calls `onDue` once, `ms` milliseconds from now and never earlier: timers may fire a little early, and there are delays beyond
 * the longest timer. Keeps the process alive until then, or until it is cancelled.
 */
export class Deadline {
  readonly #onDue: () => void
  readonly #due: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(ms: number, onDue: () => void) {
    this.#onDue = onDue
    this.#due = performance.now() + ms
    this.#arm(ms)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  #arm(left: number): void {
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(Math.ceil(left), longestTimerMs))
  }

  #onTimer(): void {
    const left = this.#due - performance.now()
    if (left > 0) this.#arm(left)
    else this.#onDue()
  }
}

/** Pauses that all end early together. */
export class Rests {
  readonly #wakers = new Set<() => void>()
  #areOver = false

  /** Resolves after `ms` milliseconds, or at `endAll`: after that at once. */
  rest(ms: number): Promise<void> {
    if (this.#areOver) return Promise.resolve()
    return new Promise((resolve) => {
      const deadline = new Deadline(ms, () => {
        this.#wakers.delete(wake)
        resolve()
      })
      const wake = () => {
        deadline.cancel()
        resolve()
      }
      this.#wakers.add(wake)
    })
  }

  endAll(): void {
    this.#areOver = true
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }
}

let lastTurn = Number.NEGATIVE_INFINITY
let turn: Promise<void> | undefined

/**
 * What to wait for before going on: a queue that need not wait costs microtasks only, and a chain of those never lets go of the
 * thread. Undefined: the event loop went round a moment ago.
 */
export function turnIfDue(): Promise<void> | undefined {
  if (turn === undefined && performance.now() - lastTurn >= budgetMs)
    turn = new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined
        lastTurn = performance.now()
        resolve()
      })
    })
  return turn
}

import type { Line, Turn } from './line.js'

/** A place in a limiter's line. `using reservation = …` gives it back at the block's end if it was not granted by then. */
export interface RateReservation extends Disposable {
  /**
   * Milliseconds until its permits are due: a snapshot, since others may leave the line and the rate may change. 0 once they
   * were granted; Infinity if they never come, also after it was cancelled. Round it up for a timer, and look again.
   */
  readonly delay: number
  /** Whether its permits were granted: its owner may act. */
  readonly ready: boolean
  /**
   * Gives its place back, with all it was to get; those behind move up. Once it was granted its permits are used, and
   * cancelling does nothing. Does not block.
   *
   * @returns whether there was something to give back
   */
  cancel(): boolean
}

/** What `reserve` gives. */
export class Reservation implements RateReservation {
  readonly #turn: Turn | undefined
  readonly #line: Line
  readonly #delayOf: (turn: Turn) => number

  /** @param turn - undefined: granted from the first */
  constructor(turn: Turn | undefined, line: Line, delayOf: (turn: Turn) => number) {
    this.#turn = turn
    this.#line = line
    this.#delayOf = delayOf
  }

  get delay(): number {
    if (this.ready) return 0
    const turn = this.#turn as Turn
    return turn.state === 'gone' ? Number.POSITIVE_INFINITY : this.#delayOf(turn)
  }

  get ready(): boolean {
    // The owner's own timer may be earlier than ours by a hair.
    if (this.#turn?.state === 'waiting') this.#line.serve()
    return this.#turn === undefined || this.#turn.state === 'granted'
  }

  cancel(): boolean {
    if (this.#turn?.state !== 'waiting') return false
    this.#line.giveUp(this.#turn)
    return true
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

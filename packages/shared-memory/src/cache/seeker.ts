import { TimeoutError } from '@heddle/sync-primitives'

/** After so many they begin anew: nobody computes for that long. */
const mostTickets = 2 ** 31 - 1
let tickets = 0

/** This thread's calls of functions that compute, by ticket, which have not returned. */
const running = new Set<number>()

/** One call that looks for a value, and computes it if there is none. */
export class Seeker {
  /** A number above 0 that no other one of this thread has. */
  readonly ticket: number
  /** Whether it blocks this thread while it waits. */
  readonly blocks: boolean
  /** Whether it was counted as a hit or a miss. */
  isCounted = false

  constructor(blocks: boolean) {
    tickets = (tickets % mostTickets) + 1
    this.ticket = tickets
    this.blocks = blocks
  }

  /** Calls the function that computes. Until it returns, if only with a promise, it would wait for itself. */
  call<Result>(compute: () => Result): Result {
    running.add(this.ticket)
    try {
      return compute()
    } finally {
      running.delete(this.ticket)
    }
  }

  /** Whether the computation with this ticket, which is of this thread, cannot go on before this call is over. */
  wouldHoldUp(ticket: number): boolean {
    return this.blocks || running.has(ticket)
  }
}

/** Another one computes the value: it is over when this word has changed. */
export class Computing {
  readonly index: number
  readonly word: number

  constructor(index: number, word: number) {
    this.index = index
    this.word = word
  }
}

export function computedTooLong(): TimeoutError {
  return new TimeoutError('another one has computed the value for longer than the timeout')
}

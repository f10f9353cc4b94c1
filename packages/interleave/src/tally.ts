import type { Problem } from './judge.js'
import { ABORT, type Choice, KILL, kindOf, SPURIOUS, TIMEOUT } from './schedule.js'

/** What a search did, and how it ended. */
export class Tally {
  /** With a cache: different states; without one: states that were come to, again or not. */
  states = 0
  steps = 0
  executions = 0
  /** What was left out, in words. Empty: nothing. */
  readonly bounds = new Set<string>()
  failing: Failing | undefined
  readonly #byKind = [0, 0, 0, 0, 0, 0, 0]

  count(choice: Choice): void {
    this.steps++
    ;(this.#byKind[kindOf(choice)] as number)++
  }

  get events(): EventCounts {
    const [timeouts = 0, aborts = 0, kills = 0, spurious = 0] = [TIMEOUT, ABORT, KILL, SPURIOUS].map(
      (kind) => this.#byKind[kind],
    )
    return { timeouts, aborts, kills, spurious }
  }
}

/** A problem, and the choices that lead to it. */
export interface Failing {
  readonly problem: Problem
  readonly choices: readonly Choice[]
}

/** How many of the transitions that were explored are such events. */
export interface EventCounts {
  readonly timeouts: number
  readonly aborts: number
  readonly kills: number
  readonly spurious: number
}

import type { Judge, Problem } from './judge.js'
import type { Machine } from './machine.js'
import { type Choice, isCounted, threadOf } from './schedule.js'
import { StateSet } from './state-set.js'
import { Tally } from './tally.js'
import { Traps } from './traps.js'

export interface SearchLimits {
  readonly maxStates: number
  readonly maxSteps: number
  readonly maxPreemptions: number | undefined
  readonly cache: boolean
}

/** A state on the way from the start to where the search is. */
interface Level {
  readonly choices: Choice[]
  /** How many of the choices were taken; the last of them leads to the next level. */
  taken: number
  number: number
  /** The thread that made the last step; -1: none. */
  previous: number
}

/**
 * Goes through every schedule from the start, depth first, and ends at the first problem.
 *
 * With the cache, a state that was seen before is not gone into again. That leaves nothing out: equal states have the same
 * future (see `State`), and all checks are about single states or, for traps, about the graph of states. No step is left
 * out because it commutes with another one: sleep sets would save transitions and no states, and here a transition to a
 * known state is one look into a table.
 *
 * Without the cache a loop is not seen to be one: there, schedules are cut at a length, and traps are not looked for.
 */
export class Search {
  readonly #machine: Machine
  readonly #judge: Judge
  readonly #limits: SearchLimits
  readonly #tally = new Tally()
  readonly #levels: Level[] = []
  #depth = -1
  readonly #seen: StateSet | undefined
  readonly #traps = new Traps()

  constructor(machine: Machine, judge: Judge, limits: SearchLimits) {
    this.#machine = machine
    this.#judge = judge
    this.#limits = limits
    this.#seen = limits.cache ? new StateSet(machine.state.width) : undefined
  }

  run(): Tally {
    const { state } = this.#machine
    this.#machine.restart()
    let goesOn = this.#arrive(undefined, -1, false)
    while (goesOn && this.#depth >= 0) {
      const level = this.#levels[this.#depth] as Level
      const choice = level.choices[level.taken]
      if (choice === undefined) {
        goesOn = this.#goBack(level)
        continue
      }
      level.taken++
      state.push()
      const stepped = this.#machine.apply(choice)
      this.#tally.count(choice)
      goesOn = this.#arrive(level, choice, stepped)
    }
    return this.#tally
  }

  /** The machine is in a state that may be new. Returns whether the search goes on. */
  #arrive(from: Level | undefined, choice: Choice, stepped: boolean): boolean {
    const { state } = this.#machine
    const found = this.#seen ? this.#seen.add(state.cells, state.base) : ~this.#tally.states
    if (found >= 0) {
      state.pop()
      if (from) this.#traps.meet(from.number, found, !isCounted(choice))
      return true
    }
    if (this.#tally.states === this.#limits.maxStates) {
      this.#tally.bounds.add(`maxStates ${this.#limits.maxStates}`)
      return false
    }
    this.#tally.states++
    const problem = this.#judge.now()
    if (problem) return this.#fail(problem)
    return this.#goInto(~found, stepped ? threadOf(choice) : (from?.previous ?? -1))
  }

  #goInto(number: number, previous: number): boolean {
    const level = this.#nextLevel(number, previous)
    const { choices } = level
    const { maxSteps, maxPreemptions, cache } = this.#limits
    this.#machine.choices(previous, choices)
    if (choices.length === 0) {
      this.#tally.executions++
      const problem = this.#judge.atEnd()
      if (problem) return this.#fail(problem)
    }
    const isCut = this.#machine.tooDeep || (!cache && this.#depth >= maxSteps * this.#machine.state.threads)
    if (isCut && choices.length > 0) {
      this.#tally.bounds.add(`maxSteps ${maxSteps}`)
      choices.length = 0
    }
    if (this.#machine.withheld) this.#tally.bounds.add(`maxPreemptions ${maxPreemptions}`)
    if (cache) {
      this.#traps.enter(number)
      if (choices.length === 0 || this.#machine.withheld) this.#traps.escape(number)
    }
    this.#depth++
    return true
  }

  #nextLevel(number: number, previous: number): Level {
    let level = this.#levels[this.#depth + 1]
    if (level === undefined) {
      level = { choices: [], taken: 0, number: 0, previous: -1 }
      this.#levels.push(level)
    }
    level.taken = 0
    level.number = number
    level.previous = previous
    return level
  }

  /** All choices of the state are taken. Returns whether the search goes on. */
  #goBack({ number }: Level): boolean {
    this.#depth--
    const from = this.#levels[this.#depth]
    if (this.#limits.cache) {
      if (this.#traps.leave(number)) return this.#fail(this.#judge.inTrap())
      if (from) this.#traps.meet(from.number, number, !isCounted(from.choices[from.taken - 1] as Choice))
    }
    if (from) this.#machine.state.pop()
    return true
  }

  #fail(problem: Problem): false {
    const way = this.#levels.slice(0, this.#depth + 1)
    this.#tally.failing = { problem, choices: way.map(({ choices, taken }) => choices[taken - 1] as Choice) }
    return false
  }
}

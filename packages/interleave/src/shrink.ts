import { isSameProblem, type Judge, type Problem, TRAP } from './judge.js'
import type { Machine } from './machine.js'
import { type Run, runOnce } from './run.js'
import { type Choice, isCounted, kindOf, STEP, threadOf } from './schedule.js'
import type { Failing } from './tally.js'
import { lookForTrap } from './trap.js'

/** Transitions that may be spent on making one schedule simpler. */
const effort = 500_000

/**
 * Makes a failing schedule simpler as long as it still fails in the same way: fewer events from outside, then fewer
 * preemptions, then fewer steps. It tries out schedules with parts taken away, and with parts of one thread moved together.
 * The result is a real schedule that was run; that it is the simplest there is, is not promised.
 */
export function shrink(machine: Machine, judge: Judge, failing: Failing): Failing {
  return new Shrinker(machine, judge, failing).run()
}

class Shrinker {
  readonly #machine: Machine
  readonly #judge: Judge
  readonly #problem: Problem
  #best: readonly Choice[]
  #preemptions: number
  #message: Problem
  #effort = effort

  constructor(machine: Machine, judge: Judge, { problem, choices }: Failing) {
    this.#machine = machine
    this.#judge = judge
    this.#problem = problem
    this.#message = problem
    this.#best = choices
    this.#preemptions = this.#run(choices).preemptions
  }

  run(): Failing {
    let improved = true
    while (improved && this.#effort > 0) {
      improved = false
      for (const candidate of this.#candidates())
        if (this.#improves(candidate)) {
          improved = true
          break
        }
    }
    return { problem: this.#message, choices: this.#best }
  }

  *#candidates(): Generator<readonly Choice[]> {
    const best = this.#best
    yield* this.#regrouped()
    for (let size = best.length >> 1; size >= 1; size >>= 1)
      for (let at = 0; at + size <= best.length; at += Math.max(1, size >> 1)) yield best.toSpliced(at, size)
  }

  /** Each turn of a thread moved to its turn before or after, and left out. */
  *#regrouped(): Generator<readonly Choice[]> {
    const turns: Choice[][] = []
    for (const choice of this.#best) {
      const last = turns.at(-1)
      if (last?.[0] === choice && kindOf(choice) === STEP) last.push(choice)
      else turns.push([choice])
    }
    for (const [from, turn] of turns.entries()) {
      const without = turns.toSpliced(from, 1)
      yield without.flat()
      const isOfSame = (other: Choice[]) => threadOf(other[0] as Choice) === threadOf(turn[0] as Choice)
      const before = without.slice(0, from).findLastIndex(isOfSame)
      if (before >= 0) yield without.toSpliced(before + 1, 0, turn).flat()
      const after = without.slice(from).findIndex(isOfSame)
      if (after >= 0) yield without.toSpliced(from + after, 0, turn).flat()
    }
  }

  #improves(candidate: readonly Choice[]): boolean {
    if (this.#effort <= 0) return false
    const { choices, problem, preemptions } = this.#run(candidate)
    if (!problem || !isSameProblem(problem, this.#problem) || !this.#isSimpler(choices, preemptions)) return false
    this.#best = choices
    this.#preemptions = preemptions
    this.#message = problem
    return true
  }

  #isSimpler(choices: readonly Choice[], preemptions: number): boolean {
    const events = choices.filter(isCounted).length - this.#best.filter(isCounted).length
    return (events || preemptions - this.#preemptions || choices.length - this.#best.length) < 0
  }

  /**
   * Runs the choices of the candidate that are possible when their turn comes. After the last of them the threads run on by
   * themselves, one after the other; but not to come to a trap, from which it would not come back.
   */
  #run(candidate: readonly Choice[]): Run {
    const seeksTrap = this.#problem.likeness === TRAP
    // Without an event a schedule may be longer and simpler.
    const longest = 2 * this.#best.length + 100
    let at = 0
    let length = 0
    const run = runOnce(this.#machine, this.#judge, (choices) => {
      if (++length > longest || (seeksTrap && at >= candidate.length)) return undefined
      // What has to happen anyway does not use up the candidate.
      if (choices.length === 1) {
        if (candidate[at] === choices[0]) at++
        return choices[0]
      }
      while (at < candidate.length) {
        const wanted = candidate[at++] as Choice
        if (choices.includes(wanted)) return wanted
      }
      return seeksTrap ? undefined : choices.find((choice) => !isCounted(choice))
    })
    this.#effort -= run.choices.length + 1
    if (run.problem || run.ended || !seeksTrap) return run
    const { isTrap, states } = lookForTrap(this.#machine)
    this.#effort -= states
    return isTrap ? { ...run, problem: this.#judge.inTrap() } : run
  }
}

import type { Judge, Problem } from './judge.js'
import type { Machine } from './machine.js'
import { type Choice, threadOf } from './schedule.js'

/** One schedule, run from the start to its end or as far as it was let. */
export interface Run {
  readonly choices: readonly Choice[]
  readonly problem: Problem | undefined
  /** Whether nothing more could happen. */
  readonly ended: boolean
  /** Switches away from a thread that could have gone on, unless it had just given a spin hint. */
  readonly preemptions: number
}

/** Takes the next choice out of those there are, or undefined to stop; `previous` made the last step, -1: none. */
export type Pick = (choices: readonly Choice[], previous: number) => Choice | undefined

/** Runs one schedule from the start. */
export function runOnce(machine: Machine, judge: Judge, pick: Pick): Run {
  const { state } = machine
  const taken: Choice[] = []
  const choices: Choice[] = []
  let preemptions = 0
  let previous = -1
  let hinted = false
  machine.restart()
  for (;;) {
    const problem = judge.now()
    if (problem) return { choices: taken, problem, ended: false, preemptions }
    machine.choices(previous, choices)
    if (choices.length === 0) return { choices: taken, problem: judge.atEnd(), ended: true, preemptions }
    const choice = machine.tooDeep ? undefined : pick(choices, previous)
    if (choice === undefined) return { choices: taken, problem: undefined, ended: false, preemptions }
    const thread = threadOf(choice)
    const hints = state.node(thread).op === 'yield'
    const preempts = previous >= 0 && thread !== previous && !hinted && state.isAwake(previous)
    if (machine.apply(choice)) {
      if (preempts) preemptions++
      previous = thread
      hinted = hints
    }
    taken.push(choice)
  }
}

import { invalidArgument } from './errors.js'
import { type FailureKind, Judge, type Problem } from './judge.js'
import { Machine } from './machine.js'
import type { Model } from './model.js'
import { mostOfAnything, planOf } from './plan.js'
import { type Choice, parseSchedule, printSchedule } from './schedule.js'
import { applyTraced } from './trace.js'
import { lookForTrap } from './trap.js'

/** A defect, and a schedule that leads to it. */
export interface Failure {
  readonly kind: FailureKind
  /** What is wrong; of a deadlock, who sleeps on which word for what value. */
  readonly message: string
  /** The schedule in print, for {@link replay}. */
  readonly schedule: string
  /** How many things happen in it; the last of them shows the defect. */
  readonly steps: number
  /** A line for each of them: thread · step · result · memory after it; and a last line with kind and message. */
  readonly trace: readonly string[]
}

/** What one schedule does. */
export interface Replay {
  /** The defect that the schedule leads to; undefined: none up to its end, which says nothing about other schedules. */
  readonly failure: Failure | undefined
  /** Whether nothing more can happen after it. */
  readonly ended: boolean
  /** A line for each thing that happened: thread · step · result · memory after it. */
  readonly trace: readonly string[]
}

/**
 * Runs the model along one schedule, to its end or to the defect: the same each time, in any process, as long as the model is
 * the same. Options of {@link explore} are ignored. Blocks until it is done.
 *
 * @param schedule - what {@link Failure.schedule} gives; threads are a, b, c in the order of the model. `a2b` is two steps of
 *   the first and one of the second; with a sign before the letter, `~` time-out, `^` abort, `!` kill, `?` spurious wake-up,
 *   `=` certain time-out, `.` end of a slice
 * @throws TypeError `ERR_INVALID_ARG`: not a schedule, or not one of this model
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: the model cannot be run
 */
export function replay(model: Model, schedule: string): Replay {
  const plan = planOf(model)
  const choices = parseSchedule(schedule, plan.threadNames.length)
  const machine = new Machine(plan, { maxPreemptions: undefined, maxSteps: mostOfAnything })
  const judge = new Judge(machine)
  return replayChoices(machine, judge, choices)
}

/** @throws TypeError `ERR_INVALID_ARG`: one of the choices is not possible when its turn comes */
export function replayChoices(machine: Machine, judge: Judge, choices: readonly Choice[]): Replay {
  const trace: string[] = []
  const possible: Choice[] = []
  const outcome = (problem: Problem | undefined, ended: boolean): Replay => ({
    failure: problem && failureOf(problem, choices.slice(0, trace.length), trace),
    ended,
    trace,
  })
  machine.restart()
  for (;;) {
    const problem = judge.now()
    if (problem) return outcome(problem, false)
    machine.choices(-1, possible)
    const choice = choices[trace.length]
    if (choice === undefined) break
    if (!possible.includes(choice))
      throw invalidArgument(
        `not a schedule of this model: after ${printSchedule(choices.slice(0, trace.length)) || 'the start'} ` +
          `there is no ${printSchedule([choice])}, only ${possible.map((one) => printSchedule([one])).join(', ') || 'the end'}`,
      )
    trace.push(applyTraced(machine, choice))
  }
  if (possible.length === 0) return outcome(judge.atEnd(), true)
  return outcome(lookForTrap(machine).isTrap ? judge.inTrap() : undefined, false)
}

function failureOf({ kind, message }: Problem, choices: readonly Choice[], lines: readonly string[]): Failure {
  const trace = [...lines, `${kind} · ${message}`]
  return { kind, message, schedule: printSchedule(choices), steps: choices.length, trace }
}

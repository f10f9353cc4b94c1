import { describe, invalidArgument, outOfRange } from './errors.js'
import { Judge } from './judge.js'
import { Machine } from './machine.js'
import type { Model } from './model.js'
import { planOf, wholeNumber } from './plan.js'
import { type Failure, replayChoices } from './replay.js'
import { byChance, byPriority, sample } from './sampling.js'
import { Search } from './search.js'
import { shrink } from './shrink.js'
import type { EventCounts, Tally } from './tally.js'

/** A {@link Model}, and how far it is explored. */
export interface ExploreOptions extends Model {
  /**
   * `exhaustive`, the default: every schedule, up to the bounds. `random`: that many runs in which any thread may come next.
   * `pct`: that many runs with random priorities, which finds defects that need `depth` steps in a certain order sooner.
   */
  readonly mode?: Mode | undefined
  /** Only schedules with so many switches away from a thread that could have gone on. Default: all. */
  readonly maxPreemptions?: number | undefined
  /** The most different states of an exhaustive search. Default: 1,000,000, which take a few hundred megabytes. */
  readonly maxStates?: number | undefined
  /**
   * The most steps of a thread since its start or last checkpoint, after which a schedule is cut. Default: 1,000. Random
   * runs, and schedules of a search without cache, are also cut when there are so many for each thread.
   */
  readonly maxSteps?: number | undefined
  /**
   * Whether an exhaustive search goes into each state only once. Default: true. Without it each schedule is run to its end,
   * there are far more of them, and threads that run for ever are not recognised.
   */
  readonly cache?: boolean | undefined
}

/** Which schedules are explored; `seed` makes runs by chance the same each time. See {@link ExploreOptions.mode}. */
export type Mode =
  | 'exhaustive'
  | { readonly random: { readonly seed: number; readonly runs: number } }
  | { readonly pct: { readonly seed: number; readonly runs: number; readonly depth: number } }

/** What was found. */
export interface Report {
  /**
   * `complete`: every schedule was explored, and none fails. `bound hit`: none failed, but not all were explored; `bounds`
   * says why. `failed`: `failure` says how.
   */
  readonly verdict: 'complete' | 'bound hit' | 'failed'
  /** The bounds that have left something out. */
  readonly bounds: readonly string[]
  /** States that were looked at: with the cache different ones, otherwise some of them many times. */
  readonly states: number
  /** Transitions from one state to the next. */
  readonly steps: number
  /** Schedules that were run to their end. With the cache, one that comes to a known state is not run on, and not counted. */
  readonly executions: number
  /** Transitions that are events from outside: a row of zeros says that what `choices` allow never came to be. */
  readonly events: EventCounts
  readonly failure: Failure | undefined
}

const known = new Set<string>([
  ...(['memory', 'threads', 'invariant', 'final', 'choices', 'slicedWaits', 'onKill'] satisfies (keyof Model)[]),
  ...(['mode', 'maxPreemptions', 'maxStates', 'maxSteps', 'cache'] satisfies (keyof ExploreOptions)[]),
])

/**
 * Explores what the threads of a model can do to each other, up to the first defect, which it then makes simpler: a schedule
 * with as few events, preemptions and steps as it can find that fails in the same way. Blocks until it is done; the same
 * options give the same report.
 *
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
 * @throws TypeError `ERR_INVALID_ARG`: a thread is seen to depend on more than the results of its steps, or a checkpoint to
 *   leave out something that matters
 * @throws what `onKill` throws
 */
export function explore(options: ExploreOptions): Report {
  const plan = planOf(options)
  for (const name of Object.keys(options)) if (!known.has(name)) throw invalidArgument(`there is no option ${name}`)
  const { maxPreemptions, maxStates = 1_000_000, maxSteps = 1_000, cache = true } = options
  if (maxPreemptions !== undefined) wholeNumber('maxPreemptions', maxPreemptions, 0)
  wholeNumber('maxStates', maxStates, 1)
  wholeNumber('maxSteps', maxSteps, 1)
  if (typeof cache !== 'boolean') throw invalidArgument(`cache must be true or false, not ${describe(cache)}`)
  const sampler = samplerOf(options.mode ?? 'exhaustive')

  const machine = new Machine(plan, { maxPreemptions, maxSteps })
  const judge = new Judge(machine)
  const tally = sampler
    ? sampler(machine, judge, maxSteps)
    : new Search(machine, judge, { maxStates, maxSteps, maxPreemptions, cache }).run()
  const failing = tally.failing && shrink(machine, judge, tally.failing)
  const { states, steps, executions, events } = tally
  return {
    verdict: failing ? 'failed' : tally.bounds.size > 0 ? 'bound hit' : 'complete',
    bounds: [...tally.bounds],
    states,
    steps,
    executions,
    events,
    failure: failing && replayChoices(machine, judge, failing.choices).failure,
  }
}

type Sampler = (machine: Machine, judge: Judge, maxSteps: number) => Tally

/** Undefined: not by chance, but exhaustively. */
function samplerOf(mode: Mode): Sampler | undefined {
  if (mode === 'exhaustive') return undefined
  if (typeof mode !== 'object' || mode === null)
    throw invalidArgument(`mode must be 'exhaustive', { random } or { pct }, not ${describe(mode)}`)
  if ('random' in mode) {
    const { seed, runs } = numbersOf('random', mode.random)
    return (machine, judge, maxSteps) => sample(machine, judge, { seed, runs, maxSteps }, 'random', byChance)
  }
  if (!('pct' in mode)) throw invalidArgument("mode must be 'exhaustive', { random } or { pct }")
  const { seed, runs } = numbersOf('pct', mode.pct)
  const depth = wholeNumber('mode.pct.depth', mode.pct.depth, 1, 1_000)
  return (machine, judge, maxSteps) =>
    sample(machine, judge, { seed, runs, maxSteps }, `pct depth ${depth}`, byPriority(machine, depth))
}

function numbersOf(name: string, numbers: { readonly seed: number; readonly runs: number }) {
  if (typeof numbers !== 'object' || numbers === null) throw invalidArgument(`mode.${name} must be an object`)
  const seed = wholeNumber(`mode.${name}.seed`, numbers.seed, 0)
  const runs = wholeNumber(`mode.${name}.runs`, numbers.runs, 1)
  if (runs > 1_000_000_000) throw outOfRange(`mode.${name}.runs must be at most 1,000,000,000`)
  return { seed, runs }
}

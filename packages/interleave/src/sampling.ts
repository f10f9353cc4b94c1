import type { Judge } from './judge.js'
import type { Machine } from './machine.js'
import { Random } from './random.js'
import { type Pick, runOnce } from './run.js'
import { type Choice, isCounted, kindOf, SPURIOUS, TIMEOUT, threadOf } from './schedule.js'
import { Tally } from './tally.js'

export interface Sampling {
  readonly seed: number
  readonly runs: number
  /** A run is cut after so many steps for each thread. */
  readonly maxSteps: number
}

/** Makes the schedule of one run; `length` is that of the longest run so far. */
type Strategy = (random: Random, length: number) => Pick

/**
 * Runs schedules that a strategy makes by chance, up to the first problem. They are never all there are: even without a
 * problem a bound is hit.
 */
export function sample(machine: Machine, judge: Judge, sampling: Sampling, name: string, strategy: Strategy): Tally {
  const { seed, runs, maxSteps } = sampling
  const maxLength = maxSteps * machine.state.threads
  const tally = new Tally()
  const random = new Random(seed)
  let longest = 0
  tally.bounds.add(`${runs} ${name} runs with seed ${seed}`)
  for (let run = 0; run < runs && !tally.failing; run++) {
    const pick = strategy(random, longest)
    let length = 0
    const { choices, problem, ended } = runOnce(machine, judge, (next, previous) =>
      ++length > maxLength ? undefined : pick(next, previous),
    )
    for (const choice of choices) tally.count(choice)
    tally.states += choices.length + 1
    longest = Math.max(longest, choices.length)
    if (ended) tally.executions++
    if (problem) tally.failing = { problem, choices }
    else if (!ended) tally.bounds.add(`maxSteps ${maxSteps}`)
  }
  return tally
}

/** Every step by any thread is equally likely. How likely events are is drawn anew for each run, so that they come early or late. */
export const byChance: Strategy = (random) => {
  const rarity = 2 << random.below(7)
  return (choices) => {
    const events = choices.filter(isCounted)
    if (events.length > 0 && random.below(rarity) === 0) return random.of(events)
    return random.of(choices.filter((choice) => !isCounted(choice)))
  }
}

/**
 * Probabilistic concurrency testing: the thread with the highest priority runs, priorities are drawn at the start, and at
 * `depth - 1` places drawn by chance the running thread falls behind all others. A defect that needs `depth` steps in a
 * certain order is found in a run of n threads and k steps with a probability of at least 1 / (n · k^(depth - 1)).
 *
 * Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs", ASPLOS 2010
 * Differs: k is the longest run so far; events from outside come at places drawn by chance, or at the first chance after.
 */
export const byPriority =
  (machine: Machine, depth: number): Strategy =>
  (random, longest) => {
    const length = Math.max(longest, 1)
    const priorities = random.shuffled(machine.plan.threadNames.map((_, thread) => depth + thread))
    const fallsAt = new Map<number, number>()
    for (let fall = 1; fall < depth; fall++) fallsAt.set(random.below(length), fall)
    const eventsAt = machine.plan.budgets.map(({ budget }) =>
      Array.from({ length: Math.min(budget, length) }, () => random.below(length)).sort((one, other) => one - other),
    )
    let at = -1
    return (choices) => {
      at++
      for (let kind = TIMEOUT; kind <= SPURIOUS; kind++) {
        const places = eventsAt[kind - TIMEOUT] as number[]
        const possible = choices.filter((choice) => kindOf(choice) === kind)
        if (possible.length === 0 || at < (places[0] ?? Number.POSITIVE_INFINITY)) continue
        places.shift()
        return random.of(possible)
      }
      const highest = () => choices.filter((choice) => !isCounted(choice)).reduce(higher)
      const higher = (one: Choice, other: Choice) =>
        (priorities[threadOf(one)] as number) >= (priorities[threadOf(other)] as number) ? one : other
      const fall = fallsAt.get(at)
      if (fall !== undefined) priorities[threadOf(highest())] = fall
      return highest()
    }
  }

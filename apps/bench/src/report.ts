import { median, rangeOf, round } from './statistics.js'

interface Measured {
  readonly suite: string
  /** ours / rival, the median over the rounds. */
  readonly value: number
  readonly ours: number
  readonly rival: string
  readonly theirs: number
  readonly rivalVersion: string
  /** Of `ours` and `theirs`. */
  readonly unit: string
  /** The lowest and the highest ratio of a round. */
  readonly spread: readonly [number, number]
  /** The same calls on the clock instead of on the processors. */
  readonly wall: { readonly unit: string; readonly ours: number; readonly rival: number; readonly value: number }
  readonly rounds: number
  /** What nothing on this platform can be faster than. */
  readonly limit?: string
  readonly note?: string
}

interface Skipped {
  readonly suite: string
  readonly rival: string
  /** Why there is no figure. */
  readonly skipped: string
  /** Nothing is missing: the measurement itself went wrong. */
  readonly failed?: true
}

/** A ratio with a goal. */
export type GateRow =
  | (Measured & { readonly gate: string; readonly goal: string; readonly ok: boolean })
  | (Skipped & { readonly gate: string; readonly goal: string; readonly ok: false })

/** A ratio beside a gate, for comparison. */
export type ComparisonRow = (Measured | Skipped) & { readonly beside: string }

export type Row = GateRow | ComparisonRow

/** What one contender cost in one round, in µs per call. */
export interface Cost {
  readonly cpu: number
  readonly wall: number
}

export interface Duel {
  readonly ours: readonly Cost[]
  readonly rival: readonly Cost[]
}

/** How a cost in µs is told. */
export interface Measure {
  readonly unit: string
  readonly wallUnit: string
  readonly of: (cost: number) => number
}

export const microseconds: Measure = { unit: 'µs CPU per call', wallUnit: 'µs per call', of: (cost) => cost }
export const nanoseconds: Measure = { unit: 'ns CPU per call', wallUnit: 'ns per call', of: (cost) => cost * 1000 }
/** More is better here, so a gate's goal begins with `>=`. */
export const throughput: Measure = {
  unit: 'M operations per CPU second',
  wallUnit: 'M operations per second',
  of: (cost) => 1 / cost,
}

/** Of costs that are times on the clock already. */
export const milliseconds: Measure = { unit: 'ms on the clock', wallUnit: 'ms', of: (cost) => cost / 1000 }

export interface About {
  readonly suite: string
  readonly rival: string
  readonly rivalVersion: string
  readonly limit?: string
  readonly note?: string
}

/** Sums up a duel: every ratio is of one round, so that a machine that changes its speed changes both sides. */
export function summarize(duel: Duel, about: About, { unit, wallUnit, of }: Measure = microseconds): Measured {
  const ratios = (kind: keyof Cost) =>
    duel.ours.map((cost, index) => of(cost[kind]) / of((duel.rival[index] as Cost)[kind]))
  const figure = (costs: readonly Cost[], kind: keyof Cost) => round(median(costs.map((cost) => of(cost[kind]))))
  const [least, most] = rangeOf(ratios('cpu'))
  return {
    ...about,
    value: round(median(ratios('cpu'))),
    ours: figure(duel.ours, 'cpu'),
    theirs: figure(duel.rival, 'cpu'),
    unit,
    spread: [round(least), round(most)],
    wall: {
      unit: wallUnit,
      ours: figure(duel.ours, 'wall'),
      rival: figure(duel.rival, 'wall'),
      value: round(median(ratios('wall'))),
    },
    rounds: duel.ours.length,
  }
}

/** Whether a value meets a goal such as `<= 1.25` or `>= 50`. */
export function meets(value: number, goal: string): boolean {
  const [direction, bound] = goal.split(' ')
  if (direction === '<=') return value <= Number(bound)
  if (direction === '>=') return value >= Number(bound)
  throw new Error(`a goal begins with <= or >=, not ${goal}`)
}

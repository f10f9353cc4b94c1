import { runApart, type Verdict } from './arena.js'
import type { Sizes } from './batches.js'
import { type Measure, meets, nanoseconds, type Row, summarize } from './report.js'
import { median, round } from './statistics.js'

/** One row of a suite: a duel, and how its outcome is told. */
export interface Plan {
  readonly gate: string
  /** Of the row that is the gate itself; the others stand beside it. */
  readonly goal?: string | undefined
  /**
   * Of such rows, the one of the fastest rival becomes the gate, and the others stand beside it. A rival that does fewer
   * operations is none of them: what one of a small backlog costs says nothing about a large one.
   */
  readonly fastest?: true
  readonly rival: string
  /** After the gate's name and a slash, the name of the duel in the suite's module of duels. */
  readonly duel: string
  /** Of Node and V8, for the process of the duel. */
  readonly flags?: readonly string[]
  /** Keep all processes of the duel on one core. */
  readonly oneCore?: boolean
  /** How long the duel may take with so many rounds, where that is more than most need. */
  readonly seconds?: (rounds: number) => number
  readonly measure?: Measure
  /** What the value is, if not the median ratio of a round: the worst ratio, the median of ours less the rival's, or ours alone. */
  readonly value?: 'worst' | 'difference' | 'own'
  readonly limit?: string
  readonly note?: string
}

interface Result {
  readonly plan: Plan
  readonly verdict: Verdict
}

type Measured = ReturnType<typeof summarize>

const usualSeconds = (rounds: number) => 20 + 3 * rounds

/**
 * Measures the plans of a suite, each duel in a process of its own.
 *
 * @param module - the suite's module of duels
 */
export async function measurePlans(
  suite: string,
  module: URL,
  plans: readonly Plan[],
  { rounds, calls }: Sizes,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const gate of new Set(plans.map((plan) => plan.gate))) {
    const results: Result[] = []
    for (const plan of plans.filter((plan) => plan.gate === gate)) {
      const { duel, flags = [], oneCore, seconds = usualSeconds } = plan
      const verdict = await runApart(
        module,
        `${gate}/${duel}`,
        { rounds, calls },
        { flags, oneCore, seconds: seconds(rounds) },
      )
      results.push({ plan, verdict })
    }
    rows.push(...rowsOf(suite, results))
  }
  return rows
}

/** The rows of one gate. Where the fastest rival decides, its row is the first, and the only one that keeps the goal. */
export function rowsOf(suite: string, results: readonly Result[]): Row[] {
  const contest = results.filter(({ plan }) => plan.fastest)
  const fastest = contest.reduce<Result | undefined>(faster, undefined) ?? contest[0]
  if (fastest === undefined) return results.map(({ plan, verdict }) => rowOf(suite, plan, verdict))
  const measured = contest.filter(({ verdict }) => !('skipped' in verdict)).length
  const others = results.filter((result) => result !== fastest)
  return [
    rowOf(suite, fastest.plan, fastest.verdict, `the fastest of ${measured} rivals in this run`),
    ...others.map(({ plan, verdict }) => rowOf(suite, { ...plan, goal: undefined }, verdict)),
  ]
}

function faster(best: Result | undefined, other: Result): Result | undefined {
  const [time, bestTime] = [rivalTime(other), best === undefined ? Number.POSITIVE_INFINITY : rivalTime(best)]
  return time < bestTime ? other : best
}

/** What one operation costs the rival; for ever if it was not measured. */
function rivalTime({ verdict }: Result): number {
  return 'skipped' in verdict ? Number.POSITIVE_INFINITY : median(verdict.duel.rival.map(({ cpu }) => cpu))
}

function rowOf(suite: string, plan: Plan, verdict: Verdict, ...remarks: string[]): Row {
  const { gate, goal, rival } = plan
  const about = { suite, rival }
  if ('skipped' in verdict)
    return goal === undefined ? { beside: gate, ...about, ...verdict } : { gate, goal, ok: false, ...about, ...verdict }
  const notes = [...remarks, plan.note, verdict.note].filter((text) => text !== undefined).join('; ')
  const measured = valued(plan, verdict.duel, {
    ...about,
    rivalVersion: verdict.rivalVersion,
    ...(plan.limit === undefined ? {} : { limit: plan.limit }),
    ...(notes === '' ? {} : { note: notes }),
  })
  return goal === undefined
    ? { beside: gate, ...measured }
    : { gate, goal, ok: meets(measured.value, goal), ...measured }
}

function valued(
  { value, measure = nanoseconds }: Plan,
  duel: Parameters<typeof summarize>[0],
  about: Parameters<typeof summarize>[1],
): Measured {
  const measured = summarize(duel, about, measure)
  if (value === 'worst') {
    const most = measured.spread[1]
    return { ...measured, value: most, ours: round(most * measured.theirs) }
  }
  if (value === 'difference') {
    const differences = duel.ours.map(({ cpu }, index) =>
      round(measure.of(cpu) - measure.of(duel.rival[index]?.cpu ?? Number.NaN)),
    )
    const middle = round(median(differences))
    return {
      ...measured,
      value: middle,
      spread: [Math.min(...differences), Math.max(...differences)],
      wall: { ...measured.wall, value: middle },
    }
  }
  if (value === 'own') {
    const values = duel.ours.map(({ cpu }) => round(measure.of(cpu)))
    return {
      ...measured,
      value: measured.ours,
      spread: [Math.min(...values), Math.max(...values)],
      wall: { ...measured.wall, value: measured.wall.ours },
    }
  }
  return measured
}

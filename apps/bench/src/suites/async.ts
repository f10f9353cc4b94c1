import { runApart, type Verdict } from '../arena.js'
import type { BenchOptions } from '../arguments.js'
import { meets, nanoseconds, type Row, summarize } from '../report.js'
import { median, round } from '../statistics.js'
import { type Plan, plans } from './async-plans.js'

interface Result {
  readonly plan: Plan
  readonly verdict: Verdict
}

type Measured = ReturnType<typeof summarize>

/** What the async patterns cost: beside the least that they could be, and beside the packages that do the same. */
export async function asyncSuite({ rounds, calls }: BenchOptions): Promise<Row[]> {
  const module = new URL('../duels/async.js', import.meta.url)
  const rows: Row[] = []
  for (const gate of new Set(plans.map((plan) => plan.gate))) {
    const results: Result[] = []
    for (const plan of plans.filter((plan) => plan.gate === gate))
      results.push({
        plan,
        verdict: await runApart(module, `${gate}/${plan.duel}`, { rounds, calls }, { seconds: 20 + 2 * rounds }),
      })
    rows.push(...rowsOf(results))
  }
  return rows
}

/** The rows of one gate. Where the fastest rival decides, its row is the first, and the only one that keeps the goal. */
export function rowsOf(results: readonly Result[]): Row[] {
  const contest = results.filter(({ plan }) => plan.fastest)
  const fastest = contest.reduce<Result | undefined>(faster, undefined) ?? contest[0]
  if (fastest === undefined) return results.map(({ plan, verdict }) => rowOf(plan, verdict))
  const measured = contest.filter(({ verdict }) => !('skipped' in verdict)).length
  const others = results.filter((result) => result !== fastest)
  return [
    rowOf(fastest.plan, fastest.verdict, `the fastest of ${measured} rivals in this run`),
    ...others.map(({ plan, verdict }) => rowOf({ ...plan, goal: undefined }, verdict)),
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

function rowOf(plan: Plan, verdict: Verdict, ...remarks: string[]): Row {
  const { gate, goal, rival } = plan
  const about = { suite: 'async', rival }
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
    const differences = duel.ours.map(({ cpu }, index) => round(cpu - (duel.rival[index]?.cpu ?? Number.NaN)))
    const middle = round(median(differences))
    return {
      ...measured,
      value: middle,
      spread: [Math.min(...differences), Math.max(...differences)],
      wall: { ...measured.wall, value: middle },
    }
  }
  return measured
}

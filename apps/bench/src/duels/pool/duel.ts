import type { Outcome } from '../../arena.js'
import type { Cost } from '../../report.js'

/** A duel of times on the clock, in µs; both sides are measured once in each round, after one round that is not counted. */
export async function timed(
  rounds: number,
  rivalVersion: string,
  ours: () => Promise<number>,
  rival: () => Promise<number>,
): Promise<Outcome> {
  const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
  for (let round = -1; round < rounds; round++) {
    const times = [await ours(), await rival()] as const
    if (round < 0) continue
    duel.ours.push({ cpu: times[0], wall: times[0] })
    duel.rival.push({ cpu: times[1], wall: times[1] })
  }
  return { duel, rivalVersion }
}

export function check(results: readonly number[], calls: number): void {
  if (results.length !== calls) throw new Error(`${results.length} results of ${calls} tasks`)
  for (let n = 0; n < calls; n++) if (results[n] !== n + 1) throw new Error(`a wrong result of task ${n}`)
}

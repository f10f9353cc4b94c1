import type { DuelRunner, Outcome } from '../../arena.js'
import { portions, runBatches, type Side } from '../../batches.js'
import type { Cost } from '../../report.js'

type Batches = Omit<Side, 'calls'>

/** How many operations of ours make up a batch, how many batches a round. */
export interface Own {
  readonly calls: number
  readonly batches: number
}

/** A duel of batches. A slow rival does `less` times fewer operations in a batch. */
export function batched(
  rival: () => Promise<Batches & { readonly version: string }>,
  ours: () => Promise<Batches> | Batches,
  own: Own,
  less = 1,
): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, own)
    // First, since a rival that is not there leaves nothing to measure, and nothing to close.
    const { version, ...theirs } = await rival()
    const sides = [
      { ...(await ours()), calls },
      { ...theirs, calls: Math.ceil(calls / less) },
    ] as const
    return { duel: await runBatches(...sides, { rounds: sizes.rounds, batches }), rivalVersion: version }
  }
}

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

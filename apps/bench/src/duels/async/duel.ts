import type { DuelRunner, Outcome } from '../../arena.js'
import { charged, portions, runBatches, type Side, type Sizes } from '../../batches.js'

export type Loop = (calls: number) => unknown

export interface Rival {
  readonly version: string
  readonly loop: Loop
}

/** How many operations of ours make up a batch, how many batches a round. */
export interface Own {
  readonly calls: number
  readonly batches: number
}

type Sides = () => Promise<[ours: Loop, rival: Rival]> | [ours: Loop, rival: Rival]

/** A duel of two loops. A slow rival does `less` times fewer operations in a batch. */
export function pair(sides: Sides, own: Own, less = 1): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, own)
    const [ours, rival] = await sides()
    return await duel(
      rival.version,
      { calls, batch: charged(ours) },
      { calls: Math.ceil(calls / less), batch: charged(rival.loop) },
      sizes,
      batches,
    )
  }
}

/** Beside a program of its own, which tells what it cost by itself and does `less` times fewer operations. */
export function beside(
  ours: () => Loop,
  rival: () => { version: string; batch: Side['batch'] },
  own: number,
  less = 1,
): DuelRunner {
  return async (sizes) => {
    const { calls } = portions(sizes, { calls: own, batches: 1 })
    const { version, batch } = rival()
    return await duel(version, { calls, batch: charged(ours()) }, { calls: Math.ceil(calls / less), batch }, sizes, 1)
  }
}

async function duel(rivalVersion: string, ours: Side, rival: Side, sizes: Sizes, batches: number): Promise<Outcome> {
  return { duel: await runBatches(ours, rival, sizes, batches), rivalVersion }
}

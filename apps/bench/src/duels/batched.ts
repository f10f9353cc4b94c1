import type { DuelRunner } from '../arena.js'
import { portions, runBatches, type Side } from '../batches.js'

export type Batches = Omit<Side, 'calls'>

/** How many operations of ours make up a batch, how many batches a round. */
export interface Own {
  readonly calls: number
  readonly batches: number
}

/** Two contenders that were started together. */
export interface Contenders {
  readonly ours: Batches
  readonly rival: Batches
  readonly version: string
}

/** A duel of batches. A slow rival does `less` times fewer operations in a batch. */
export function batched(
  rival: () => Promise<Batches & { readonly version: string }>,
  ours: () => Promise<Batches> | Batches,
  own: Own,
  less = 1,
): DuelRunner {
  return batchedTogether(
    async () => {
      // First, since a rival that is not there leaves nothing to measure, and nothing to close.
      const { version, ...theirs } = await rival()
      return { ours: await ours(), rival: theirs, version }
    },
    own,
    less,
  )
}

/** The same for contenders that share what they run in. */
export function batchedTogether(start: () => Promise<Contenders>, own: Own, less = 1): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, own)
    const { ours, rival, version } = await start()
    const sides = [
      { ...ours, calls },
      { ...rival, calls: Math.ceil(calls / less) },
    ] as const
    return { duel: await runBatches(...sides, sizes, batches), rivalVersion: version }
  }
}

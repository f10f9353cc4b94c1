import { expect, test } from '@jest/globals'
import { apart } from './verify/apart.mjs'

/** A share of what `npm run verify -- channels` does, with other numbers each time. */
const seed = Date.now() % 2 ** 31

interface Storm {
  readonly counts: { readonly items: number }
  readonly outages: readonly number[]
}

test.each([
  ['processes that are killed', 'process', 2],
  ['threads that are terminated', 'thread', 3],
] as const)(
  '%s while they put and get leave a queue that can be used at once, and lose only what they were getting',
  async (_, kind, rounds) => {
    const { wrong, counts, outages } = await apart<Storm>('./kill-storm.mjs', 'killStorm', {
      kind,
      rounds,
      seed,
      perRole: 2,
      ahead: 1,
    })
    expect({ seed, wrong }).toEqual({ seed, wrong: [] })
    expect(outages).toHaveLength(rounds)
    expect(counts.items).toBeGreaterThan(rounds)
  },
  120_000,
)

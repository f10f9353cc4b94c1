import { expect, test } from '@jest/globals'
import { mutate } from './verify/mutations.mjs'

/** A share of what `npm run verify -- channels` does, with other numbers each time. */
const seed = Date.now() % 2 ** 31

test('a damaged queue gives typed errors or answers, in bounded time and memory', async () => {
  const { wrong, outcomes } = await mutate({ count: 2_000, seed })
  expect({ seed, wrong }).toEqual({ seed, wrong: [] })
  expect(outcomes.answers).toBeGreaterThan(2_000)
  expect(outcomes.ERR_CORRUPT).toBeGreaterThan(100)
}, 120_000)

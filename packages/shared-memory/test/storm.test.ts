import { expect, test } from '@jest/globals'
import { killStorm } from './verify/kill-storm.mjs'
import { mutate } from './verify/mutations.mjs'
import { terminateStorm } from './verify/terminate-storm.mjs'

/** A share of what `npm run verify -- memory` does, with other numbers each time. */
const seed = Date.now() % 2 ** 31

test('processes that are killed in the middle of anything leave every object usable, and nothing lost', async () => {
  const { wrong, outages } = await killStorm({ rounds: 26, seed })
  expect({ seed, wrong }).toEqual({ seed, wrong: [] })
  expect(outages[outages.length >> 1]).toBeLessThan(1_000)
}, 120_000)

test('worker threads that are terminated in the middle of anything end, and leave everything usable', async () => {
  const { wrong } = await terminateStorm({ rounds: 12, seed })
  expect({ seed, wrong }).toEqual({ seed, wrong: [] })
}, 120_000)

test('a damaged segment gives typed errors or answers, in bounded time', async () => {
  const { wrong, outcomes } = await mutate({ count: 1_000, seed })
  expect({ seed, wrong }).toEqual({ seed, wrong: [] })
  expect(outcomes.answers).toBeGreaterThan(1_000)
}, 120_000)

import { expect, test } from '@jest/globals'
import { terminateStorm } from './verify/terminate-storm.mjs'

test('threads that end at any moment leave no lock stuck, and each death inside is told once', async () => {
  const rounds = 15
  const seed = 1 + Math.floor(Math.random() * 2 ** 30)
  const result = await terminateStorm({ rounds, seed })
  expect(result.notes).toEqual([])
  expect({ seed, ...result }).toMatchObject({
    rounds,
    deaths: rounds,
    hangs: 0,
    toldTwice: 0,
    untold: 0,
    intrusions: 0,
  })
  expect(result.told).toBeGreaterThan(0)
})

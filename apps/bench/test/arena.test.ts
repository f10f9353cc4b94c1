import { runApart } from '@heddle/bench/arena.js'
import { expect, test } from '@jest/globals'

const module = new URL('fixtures/duels.mjs', import.meta.url)
const run = (name: string, seconds?: number) =>
  runApart(module, name, { rounds: 1 }, seconds === undefined ? {} : { seconds })

test('a duel runs in a process of its own and its outcome comes back', async () => {
  const one = [{ cpu: 1, wall: 1 }]
  expect(await run('fine')).toEqual({ duel: { ours: one, rival: one }, rivalVersion: '1.0.0' })
})

test('the flags of a duel are those of its process', async () => {
  expect(await runApart(module, 'flags', { rounds: 1 }, { flags: ['--stack-trace-limit=7'] })).toMatchObject({
    rivalVersion: expect.stringContaining('--stack-trace-limit=7'),
  })
})

test('a contender that is absent is skipped, which is no failure', async () => {
  expect(await run('absent')).toEqual({ skipped: 'nothing is not installed' })
})

test('a duel that throws, dies, hangs or does not exist has failed, and says how', async () => {
  expect(await run('failing')).toEqual({ skipped: 'Error: lost counts', failed: true })
  expect(await run('dying')).toEqual({ skipped: expect.stringMatching(/^ended with code 3/), failed: true })
  expect(await run('hanging', 0.5)).toEqual({ skipped: 'did not end within 0.5 s', failed: true })
  expect(await run('unknown')).toEqual({ skipped: 'Error: there is no duel unknown', failed: true })
})

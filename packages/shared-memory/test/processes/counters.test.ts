import { ThreadSafeCounter, ThreadSafeCounter64 } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { setUp } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

test.each([
  ['ThreadSafeCounter', 1, () => new ThreadSafeCounter(0, { memory })],
  ['ThreadSafeCounter64', 1n, () => new ThreadSafeCounter64(0n, { memory })],
])('K1: four processes that increment a %s lose nothing, and each result is got once', async (_, by, create) => {
  const counter = create()
  const rounds = 20_000
  const [marks, gate] = [words(4 * rounds + 1), words(1)]
  const processes = await start(4, { counter })
  const parameters = { name: 'counter', rounds, by, marks, words: gate, parties: 4 }
  await Promise.all(processes.map((each) => each.run('count', parameters)))
  expect(Number(counter.getValue())).toBe(4 * rounds)
  expect(marks.subarray(1).every((each) => each === 1)).toBe(true)
})

test('K2: at its edge a counter refuses a step of another process, and is unchanged', async () => {
  const small = new ThreadSafeCounter(2 ** 31 - 2, { memory })
  const big = new ThreadSafeCounter64(2n ** 63n - 2n, { memory })
  const [other] = await start(1, { small, big })
  expect(await other?.call('small', 'increment')).toBe(2 ** 31 - 1)
  expect(await other?.call('big', 'increment')).toBe(2n ** 63n - 1n)
  for (const name of ['small', 'big'])
    expect(await other?.outcome(name, 'increment')).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  expect(small.getValue()).toBe(2 ** 31 - 1)
  expect(big.getValue()).toBe(2n ** 63n - 1n)
})

test('K5: a 64-bit value that a process flips between two patterns is never read as a mix of halves', async () => {
  const patterns = [0x0123_4567_89ab_cdefn, -0x0123_4567_89ab_cdf0n]
  const counter = new ThreadSafeCounter64(patterns[0], { memory })
  const gate = words(3)
  const [writer, ...readers] = await start(3, { counter })
  const parameters = { name: 'counter', patterns, words: gate, parties: 3 }
  const [, ...read] = await Promise.all([
    writer?.run('flip', { ...parameters, rounds: 100_000 }),
    ...readers.map((each) => each.run<[number, number, number]>('readPatterns', parameters)),
  ])
  for (const [first, second, mixed] of read) {
    expect(mixed).toBe(0)
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(0)
  }
})

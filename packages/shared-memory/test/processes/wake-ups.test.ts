import {
  AutoResetEvent,
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  RecursiveMutex,
  Semaphore,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { quickest, setUp } from '../support/processes.js'

const { segment: memory, start, startThreads, words } = setUp()

/**
 * Who waits looks again after 20 milliseconds even if nobody wakes it: faster than this, it was woken. A busy machine makes
 * many of the rounds slow, and none that nobody is woken in quick.
 */
const wokenMs = 10
const rounds = 100

const pairs = [
  ['two processes that block', false, false],
  ['one that blocks and one that awaits', false, true],
  ['one that awaits and one that blocks', true, false],
  ['two that await', true, true],
] as const

interface Game {
  readonly times: readonly number[]
  readonly stale: number
}

/** @returns of each side how often it saw old data, and whether it was woken */
async function play(
  operation: string,
  objects: Parameters<typeof start>[1],
  forms: readonly [boolean, boolean],
  sides: readonly [object, object],
) {
  const cells = words(2)
  const processes = await start(2, objects)
  const games = await Promise.all(
    processes.map((each, side) =>
      each.run<Game>(operation, { ...sides[side], awaiting: forms[side], begins: side === 0, rounds, words: cells }),
    ),
  )
  return games.map(({ times, stale }) => ({ stale, woken: quickest(times) < wokenMs }))
}

const good = [
  { stale: 0, woken: true },
  { stale: 0, woken: true },
]

describe.each(pairs)('E7: %s wake each other, and see what was written before,', (_, first, second) => {
  const forms = [first, second] as const

  test.each([
    ['Semaphore', () => new Semaphore(0, { memory })],
    ['AutoResetEvent', () => new AutoResetEvent(false, { memory })],
    ['ManualResetEvent', () => new ManualResetEvent(false, { memory })],
  ])('by a %s', async (type, create) => {
    const [a, b] = [create(), create()]
    expect(
      await play('playBall', { a, b }, forms, [
        { type, mine: 'a', theirs: 'b' },
        { type, mine: 'b', theirs: 'a' },
      ]),
    ).toEqual(good)
  })

  test('by a Latch', async () => {
    const latches = Object.fromEntries(Array.from({ length: rounds }, (_, i) => [`${i}`, new Latch(1, { memory })]))
    const names = { latches: Object.keys(latches) }
    expect(await play('playLatches', latches, forms, [names, names])).toEqual(good)
  })

  test('by a Barrier', async () => {
    const names = { barrier: 'barrier' }
    expect(await play('playBarrier', { barrier: new Barrier(2, { memory }) }, forms, [names, names])).toEqual(good)
  })

  test('by a Condition', async () => {
    const mutex = new Mutex({ memory })
    const names = { mutex: 'mutex', condition: 'condition' }
    expect(await play('playCondition', { mutex, condition: new Condition(mutex) }, forms, [names, names])).toEqual(good)
  })

  test.each([
    ['Mutex', () => new Mutex({ memory })],
    ['fair Mutex', () => new Mutex({ memory, fair: true })],
    ['RecursiveMutex', () => new RecursiveMutex({ memory })],
  ])('by a %s', async (_, create) => {
    const [mutex, cells] = [create(), words(4)]
    const processes = await start(2, { mutex })
    const times = await Promise.all(
      processes.map((each, side) =>
        each.run<number[]>('handOver', { name: 'mutex', rounds, awaiting: forms[side], words: cells }),
      ),
    )
    for (const each of times) expect(quickest(each)).toBeLessThan(wokenMs)
  })
})

test.each(pairs.slice(0, 3))(
  'E7: %s wake each other where the second one is a thread without native code',
  async (_, first, second) => {
    const [a, b] = [new AutoResetEvent(false, { memory }), new AutoResetEvent(false, { memory })]
    const cells = words(2)
    const [process] = await start(1, { a, b })
    const [thread] = await startThreads(1, { a, b })
    const common = { type: 'AutoResetEvent', rounds, words: cells }
    const games = await Promise.all([
      process?.run<Game>('playBall', { ...common, mine: 'a', theirs: 'b', awaiting: first, begins: true }),
      thread?.run<Game>('playBall', { ...common, mine: 'b', theirs: 'a', awaiting: second, begins: false }),
    ])
    expect(games.map((game) => game?.stale)).toEqual([0, 0])
    expect(quickest(games[0]?.times ?? [])).toBeLessThan(wokenMs)
  },
)

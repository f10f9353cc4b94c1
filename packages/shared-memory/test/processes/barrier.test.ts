import { Barrier } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { setUp, until } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

const create = (parties: number) => new Barrier(parties, { memory })

interface Turns {
  readonly seen: readonly { readonly index: number; readonly serial: boolean }[]
  readonly early: number
}

test('B1, B2: four processes pass 10 generations in lock-step, and each has every index once and one serial party', async () => {
  const barrier = create(4)
  const cells = words(2)
  const processes = await start(4, { barrier })
  const turns = await Promise.all(
    processes.map((each, i) =>
      each.run<Turns>('meetOften', { name: 'barrier', turns: 10, awaiting: i % 2 === 0, words: cells }),
    ),
  )
  expect(turns.map(({ early }) => early)).toEqual([0, 0, 0, 0])
  for (let turn = 0; turn < 10; turn++) {
    const all = turns.map(({ seen }) => seen[turn])
    expect(new Set(all.map((each) => each?.index))).toEqual(new Set([0, 1, 2, 3]))
    expect(all.filter((each) => each?.serial)).toHaveLength(1)
  }
})

describe.each([
  ['blocks', 'waitSync'],
  ['awaits', 'wait'],
])('a process that %s', (_, method) => {
  test('B5: one that times out gets the time-out and breaks it for the others, and for later ones until reset', async () => {
    const barrier = create(4)
    const [first, second, hasty] = await start(3, { barrier })
    const others = [first?.outcome('barrier', 'waitSync'), second?.outcome('barrier', 'wait')]
    await until(() => barrier.getState().waiting === 2, 'two wait')
    const { code, waited } = (await hasty?.outcome('barrier', method, { timeout: 100 })) ?? { waited: -1 }
    expect(code).toBe('ERR_TIMEOUT')
    expect(waited).toBeGreaterThanOrEqual(100)
    expect(waited).toBeLessThan(1_100)
    for (const other of others) expect(await other).toMatchObject({ code: 'ERR_BARRIER_BROKEN' })
    expect(await first?.outcome('barrier', method)).toMatchObject({ code: 'ERR_BARRIER_BROKEN' })
    barrier.reset()
    const waits = [first, second, hasty].map((each) => each?.call('barrier', method))
    expect(await barrier.wait()).toMatchObject({ index: expect.any(Number) })
    expect(await Promise.all(waits)).toHaveLength(3)
  })

  test('B7: who waits at a reset by another process gets an error, and the next generation passes', async () => {
    const barrier = create(3)
    const processes = await start(2, { barrier })
    const waits = processes.map((each) => each.outcome('barrier', method))
    await until(() => barrier.getState().waiting === 2, 'two wait')
    barrier.reset()
    for (const each of waits) expect(await each).toMatchObject({ code: 'ERR_BARRIER_BROKEN' })
    const next = processes.map((each) => each.call<{ index: number }>('barrier', method))
    const mine = await barrier.wait()
    const indices = [mine, ...(await Promise.all(next))].map(({ index }) => index)
    expect(new Set(indices)).toEqual(new Set([0, 1, 2]))
    expect(barrier.getState()).toMatchObject({ waiting: 0, broken: false })
  })
})

test.each([
  ['that block', 1_000, () => false],
  ['of which some await', 300, (i: number) => i % 2 === 0],
])('B11: five processes %s see each generation once', async (_, generations, awaits) => {
  const barrier = create(5)
  const marks = words(generations)
  const processes = await start(5, { barrier })
  const late = await Promise.all(
    processes.map((each, i) => each.run('markGenerations', { name: 'barrier', awaiting: awaits(i), words: marks })),
  )
  expect(late).toEqual(late.map(() => undefined))
  expect(marks.every((each) => each === 5)).toBe(true)
})

import { Barrier } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker } from './support/event-worker.js'
import { rejects } from './support/rejects.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

const broken = { name: 'BrokenError', code: 'ERR_BARRIER_BROKEN' }

async function threads(barrier: Barrier, count: number) {
  const workers: EventWorker[] = []
  for (let i = 0; i < count; i++) workers.push(await EventWorker.with({ barrier }))
  return workers as [EventWorker, ...EventWorker[]]
}

const waiting = (barrier: Barrier, count: number) =>
  until(() => barrier.getState().waiting === count, `${count} parties wait`)

test.each([
  ['block', [true, true, true], 1_000],
  ['await', [false, false, false], 250],
  ['block and await', [true, false, true], 250],
])('three threads that %s go in lock-step, with every index once in each generation', async (_, forms, rounds) => {
  const barrier = new Barrier(3)
  const [words, marks] = [sharedWords(1), sharedWords(3 * rounds)]
  const workers = await threads(barrier, 3)
  const wrong = await Promise.all(
    workers.map((worker, i) => worker.run('meetOften', { name: 'barrier', rounds, blocking: forms[i], words, marks })),
  )
  expect(wrong).toEqual([[], [], []])
  expect(marks.every((mark) => mark === 1)).toBe(true)
  expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: false })
})

test('no wake-up is lost: the generations of two threads take no slices of waiting', async () => {
  const barrier = new Barrier(2)
  const rounds = 300
  const [words, marks] = [sharedWords(1), sharedWords(2 * rounds)]
  const workers = await threads(barrier, 2)
  const begun = performance.now()
  await Promise.all(
    workers.map((worker, i) => worker.run('meetOften', { name: 'barrier', rounds, blocking: i === 0, words, marks })),
  )
  // A lost wake-up costs 50 ms.
  expect(performance.now() - begun).toBeLessThan((rounds * 50) / 4)
})

test('this thread blocks for parties in other threads, and they for it', async () => {
  const barrier = new Barrier(3)
  const workers = await threads(barrier, 2)
  const others = workers.map((worker, i) => worker.call('barrier', i ? 'waitSync' : 'wait'))
  const mine = barrier.waitSync({ timeout: 5_000 })
  const all = [mine, ...((await Promise.all(others)) as { index: number; serial: boolean }[])]
  expect(all.map(({ index }) => index).sort((a, b) => a - b)).toEqual([0, 1, 2])
  expect(all.filter(({ serial }) => serial)).toHaveLength(1)
})

test('what a party wrote before it came is there for the others', async () => {
  const barrier = new Barrier(2)
  const [worker] = await threads(barrier, 1)
  for (let round = 0; round < 20; round++) {
    const words = sharedWords(2)
    const other = worker.run('meetOften', { name: 'barrier', rounds: 1, blocking: true, words, marks: sharedWords(2) })
    barrier.waitSync()
    expect(words[0]).toBe(1)
    await other
  }
})

describe('the action of a thread', () => {
  test('runs once for each generation, in the thread of the last one', async () => {
    const words = sharedWords(2)
    const barrier = new Barrier(3)
    const first = await EventWorker.with({ barrier }, { action: 'count', words })
    const second = await EventWorker.with({ barrier }, { action: 'count', words })
    let here = 0
    const mine = Barrier.fromHandle(barrier.toHandle(), {
      action: () => {
        here += 1
      },
    })
    const rounds = 60
    const marks = sharedWords(3 * rounds)
    const others = [first, second].map((worker, i) =>
      worker.run('meetOften', { name: 'barrier', rounds, blocking: i === 0, words: sharedWords(1), marks }),
    )
    for (let round = 0; round < rounds; round++) {
      await mine.wait()
      const ran = Atomics.load(words, 0) + here
      expect([round + 1, round + 2]).toContain(ran)
    }
    await Promise.all(others.map((other) => expect(other).resolves.toBeDefined()))
    expect(Atomics.load(words, 0) + here).toBe(rounds)
  })

  test.each([
    ['throws', 'fail', 'waitSync', 'OWN_CODE'],
    ['throws', 'fail', 'wait', 'OWN_CODE'],
    ['returns a promise to waitSync', 'promise', 'waitSync', 'ERR_INVALID_ARG'],
  ] as const)('that %s (%s, %s) breaks the barrier for all until it is reset', async (_, action, form, code) => {
    const words = sharedWords(2)
    const barrier = new Barrier(3)
    const [blocked] = await threads(barrier, 1)
    const last = await EventWorker.with({ barrier }, { action, words })
    const other = rejects(blocked.call('barrier', 'waitSync'), broken.code)
    const mine = rejects(barrier.wait(), broken.code)
    await waiting(barrier, 2)
    await expect(last.call('barrier', form)).rejects.toMatchObject({ code })
    await Promise.all([other, mine])
    expect(words[0]).toBe(1)
    await expect(blocked.call('barrier', 'wait')).rejects.toMatchObject(broken)
    barrier.reset()
    const again = [blocked.call('barrier', 'waitSync'), barrier.wait()]
    await waiting(barrier, 2)
    await barrier.wait()
    await Promise.all(again)
  })
})

describe('breaking across threads', () => {
  test.each(['waitSync', 'wait'])(
    'one that times out gets the time-out, all others a broken barrier: %s',
    async (form) => {
      const barrier = new Barrier(4)
      const [patient, impatient] = (await threads(barrier, 2)) as [EventWorker, EventWorker]
      const other = rejects(patient.call('barrier', 'waitSync'), broken.code)
      const mine = rejects(barrier.wait(), broken.code)
      await waiting(barrier, 2)
      const { code, waited } = await impatient.timed('barrier', form, { timeout: 70 })
      expect(code).toBe('ERR_TIMEOUT')
      expect(waited).toBeGreaterThanOrEqual(70)
      expect(waited).toBeLessThan(1_070)
      await Promise.all([other, mine])
      expect(await impatient.timed('barrier', form)).toMatchObject({ code: 'ERR_BARRIER_BROKEN' })
    },
  )

  test.each(['abort', 'reset'] as const)('%s from another thread reaches who blocks and who awaits', async (how) => {
    const barrier = new Barrier(4)
    const [blocked, awaiting, third] = (await threads(barrier, 3)) as [EventWorker, EventWorker, EventWorker]
    for (let round = 0; round < 3; round++) {
      const waits = [blocked.call('barrier', 'waitSync'), awaiting.call('barrier', 'wait'), barrier.wait()]
      const all = waits.map((wait) => rejects(wait, broken.code))
      await waiting(barrier, 3)
      await third.call('barrier', how)
      await Promise.all(all)
      expect(barrier.getState().broken).toBe(how === 'abort')
      if (how === 'abort') await third.call('barrier', 'reset')
    }
    const turns = [blocked.call('barrier', 'waitSync'), awaiting.call('barrier', 'wait'), barrier.wait()]
    expect(await third.call('barrier', 'waitSync')).toEqual({ index: expect.any(Number), serial: expect.any(Boolean) })
    await Promise.all(turns)
  })
})

describe('a thread that ends', () => {
  test.each(['waitSync', 'wait'])(
    'while it waits (%s) breaks the barrier for those who wait, until a reset',
    async (form) => {
      const barrier = new Barrier(4)
      const [doomed, other] = (await threads(barrier, 2)) as [EventWorker, EventWorker]
      void doomed.call('barrier', form)
      const blocked = rejects(other.call('barrier', 'waitSync'), broken.code)
      const mine = rejects(barrier.wait(), broken.code)
      await waiting(barrier, 3)
      const begun = performance.now()
      await doomed.terminate()
      await Promise.all([blocked, mine])
      expect(performance.now() - begun).toBeLessThan(1_000)
      expect(barrier.getState().broken).toBe(true)
      barrier.reset()
      const turns = [1, 2, 3].map(() => barrier.wait())
      expect(await other.call('barrier', 'waitSync')).toBeDefined()
      await Promise.all(turns)
    },
  )

  test('while it waits breaks the barrier for one who comes later and is not the last', async () => {
    const barrier = new Barrier(3)
    const [doomed] = await threads(barrier, 1)
    void doomed.call('barrier', 'waitSync')
    await waiting(barrier, 1)
    await doomed.terminate()
    expect(thrownBy(() => barrier.waitSync({ timeout: 5_000 }))).toMatchObject(broken)
  })

  test('while it waits breaks the barrier also for the last one who comes', async () => {
    const barrier = new Barrier(2)
    const [doomed] = await threads(barrier, 1)
    void doomed.call('barrier', 'waitSync')
    await waiting(barrier, 1)
    await doomed.terminate()
    expect(thrownBy(() => barrier.waitSync({ timeout: 5_000 }))).toMatchObject(broken)
  })

  test('while it runs the action breaks the barrier', async () => {
    const words = sharedWords(2)
    const barrier = new Barrier(3)
    const [other] = await threads(barrier, 1)
    const doomed = await EventWorker.with({ barrier }, { action: 'block', words })
    const blocked = rejects(other.call('barrier', 'waitSync'), broken.code)
    const mine = rejects(barrier.wait(), broken.code)
    await waiting(barrier, 2)
    void doomed.call('barrier', 'waitSync')
    await until(() => Atomics.load(words, 0) === 1, 'the action runs')
    const next = rejects(barrier.wait(), broken.code) // comes for the generation after it
    await doomed.terminate()
    await Promise.all([blocked, mine, next])
    expect(barrier.getState().broken).toBe(true)
  })

  test('after it has passed does no harm to those who pass later', async () => {
    const barrier = new Barrier(2)
    const [doomed] = await threads(barrier, 1)
    const passed = doomed.call('barrier', 'waitSync')
    await barrier.wait()
    await passed
    await doomed.terminate()
    const turns = await Promise.all([barrier.wait(), barrier.wait({ timeout: 1_000 })])
    expect(turns.map(({ index }) => index)).toEqual([0, 1])
  })

  test('at any instant of its turns leaves a barrier that can be aborted, reset and passed', async () => {
    for (let round = 0; round < 4; round++) {
      const barrier = new Barrier(2)
      const [doomed, other] = (await threads(barrier, 2)) as [EventWorker, EventWorker]
      const words = sharedWords(1)
      const rounds = 100_000
      const data = { name: 'barrier', rounds, blocking: round % 2 === 0, words, marks: sharedWords(2 * rounds) }
      void doomed.run('meetOften', data)
      const end = rejects(other.run('meetOften', data), broken.code)
      await until(() => Atomics.load(words, 0) > 20 + round * 31, 'they meet')
      await doomed.terminate()
      // It may have ended before it came, and nobody can know that it would have come.
      await until(() => barrier.getState().broken || barrier.getState().waiting === 1, 'the other one is alone')
      barrier.abort()
      await end
      barrier.reset()
      const turn = other.call('barrier', 'waitSync')
      await barrier.wait({ timeout: 2_000 })
      await turn
      expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
    }
  })
})

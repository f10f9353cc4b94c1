import { Mutex, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { setUp, until } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

const kinds = [
  ['mutex', () => new Mutex({ memory })],
  ['fair mutex', () => new Mutex({ memory, fair: true })],
  ['recursive mutex', () => new RecursiveMutex({ memory })],
] as const

const free = { held: false, contended: false, ownerDied: false, recoverable: true }

describe.each(kinds)('a %s that processes share', (_, create) => {
  test('M1: ten lockers, of which half block and half await, increment a plain cell inside it: none is lost', async () => {
    const mutex = create()
    const cells = words(4)
    const processes = await start(10, { mutex })
    const told = await Promise.all(
      processes.map((each, i) =>
        each.run('incrementInside', {
          name: 'mutex',
          rounds: 1_000,
          awaiting: i % 2 === 0,
          words: cells,
          parties: processes.length,
        }),
      ),
    )
    expect({ cell: cells[0], mostInside: cells[2], told }).toEqual({
      cell: 10_000,
      mostInside: 1,
      told: Array(10).fill(0),
    })
    expect(mutex.getState()).toMatchObject(free)
  })

  test('M2: while one process holds it, others that try fail at once, and none owns it later', async () => {
    const mutex = create()
    const processes = await start(4, { mutex })
    const guard = mutex.acquireSync()
    const got = await Promise.all(processes.map((each) => each.run('tryOften', { name: 'mutex', rounds: 100 })))
    expect(got).toEqual([0, 0, 0, 0])
    guard.release()
    for (const each of processes) await each.run('ping')
    expect(mutex.getState()).toMatchObject(free)
    expect(await processes[0]?.call('mutex', 'tryAcquire')).toEqual({ ownerDied: false })
    expect(await processes[1]?.call('mutex', 'tryAcquire')).toBeUndefined()
  })

  test('M4: a process that does not hold it cannot release it', async () => {
    const mutex = create()
    const [holder, other] = await start(2, { mutex })
    await holder?.call('mutex', 'acquireSync')
    await expect(other?.call('mutex', 'release')).rejects.toMatchObject({ code: 'ERR_NOT_OWNER' })
    expect(mutex.getState()).toMatchObject({ held: true, owner: { threadId: 0, alive: true } })
    expect(mutex.tryAcquire()).toBeUndefined()
    await holder?.guard('mutex', 'release')
    expect(mutex.getState()).toMatchObject(free)
  })

  test.each(['acquire', 'acquireSync'])(
    'M6: %s in another process gives up after its time, not before, and leaves it sound',
    async (method) => {
      const mutex = create()
      const [waiter] = await start(1, { mutex })
      const guard = mutex.acquireSync()
      for (const timeout of [0, 1, 12.5, 500]) {
        const { code, waited } = (await waiter?.outcome('mutex', method, { timeout })) ?? { waited: -1 }
        expect(code).toBe('ERR_TIMEOUT')
        expect(waited).toBeGreaterThanOrEqual(timeout)
        expect(waited).toBeLessThan(timeout + 1_000)
      }
      expect(guard.held).toBe(true)
      guard.release()
      expect(await waiter?.call('mutex', method)).toEqual({ ownerDied: false })
      await waiter?.guard('mutex', 'release')
      expect(mutex.getState()).toMatchObject({ ...free, contended: expect.any(Boolean) })
    },
  )

  test('M6: a time-out is exact from below where the test blocks and another process holds it', async () => {
    const mutex = create()
    const [holder] = await start(1, { mutex })
    await holder?.call('mutex', 'acquireSync')
    for (const timeout of [0, 1, 12.5, 130]) {
      const begun = performance.now()
      expect(() => mutex.acquireSync({ timeout })).toThrow(expect.objectContaining({ code: 'ERR_TIMEOUT' }))
      expect(performance.now() - begun).toBeGreaterThanOrEqual(timeout)
      expect(performance.now() - begun).toBeLessThan(timeout + 1_000)
    }
    await holder?.guard('mutex', 'release')
    expect(mutex.tryAcquire()).toMatchObject({ held: true })
  })
})

test.each(kinds.slice(0, 2))(
  'M5: a process that holds a %s and locks it again gets an error at once, and holds it on',
  async (_, create) => {
    const mutex = create()
    const [owner] = await start(1, { mutex })
    await owner?.call('mutex', 'acquireSync')
    for (const options of [{}, { timeout: 5_000 }]) {
      const { code, waited } = (await owner?.outcome('mutex', 'acquireSync', options)) ?? { waited: -1 }
      expect(code).toBe('ERR_ALREADY_OWNED')
      expect(waited).toBeLessThan(1_000)
    }
    expect(mutex.getState()).toMatchObject({ held: true, owner: { alive: true } })
    expect(mutex.tryAcquire()).toBeUndefined()
  },
)

test('M5: a process nests in a recursive mutex, and others have it after its last release', async () => {
  const mutex = new RecursiveMutex({ memory })
  const [owner] = await start(1, { mutex })
  await owner?.call('mutex', 'acquireSync')
  await owner?.call('mutex', 'acquireSync')
  await owner?.guard('mutex', 'release')
  expect(mutex.tryAcquire()).toBeUndefined()
  await owner?.guard('mutex', 'release')
  expect(mutex.tryAcquire()).toMatchObject({ held: true })
})

describe.each(kinds)('beside a process that hogs a %s', (_, create) => {
  test.each([
    ['blocks', false],
    ['awaits', true],
  ])('M10: one that %s for it gets 10 turns in a second', async (_, awaiting) => {
    const mutex = create()
    const cells = words(2)
    const [hog, polite] = await start(2, { mutex })
    const hogging = hog?.run<number>('hog', { name: 'mutex', holdMs: 0.1, words: cells })
    await until(() => Atomics.load(cells, 0) > 0, 'the hog is at work')
    const took = await polite?.run('takeTurns', { name: 'mutex', turns: 10, awaiting })
    Atomics.store(cells, 1, 1)
    await hogging
    expect(took).toBeLessThan(1_000)
  })
})

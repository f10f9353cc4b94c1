import { describe, expect, jest, test } from '@jest/globals'
import { again, numbered, retried } from './fixtures/tasks.mjs'
import { FakeWorkers, outcomeOf, pass, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const timedOut = { name: 'TimeoutError', code: 'ERR_TIMEOUT' }

describe('the time of a run', () => {
  test('stands while it is queued and while its worker starts, then runs to the very millisecond', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    const first = pool.run(numbered, [1])
    const call = outcomeOf(pool.run(numbered, [2], { timeout: 100 }))
    await pass(10_000)
    fakes.at(0).ready()
    await pass(10_000)
    fakes.with(1).answer()
    await first
    await settled()
    fakes.begin(2)
    await pass(99)
    expect(call).toEqual({})
    await pass(1)
    expect(call).toMatchObject({ error: timedOut })
    expect((call.error as Error).message).toBe('task numbered was ended: it ran for more than 100 ms')
    expect(fakes.at(0).kills).toBe(1)
    expect(pool.stats()).toMatchObject({ timedOut: 1, succeeded: 1, failed: 0 })
  })

  test('stands while the module of its task is loaded, which may take startTimeout', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, startTimeout: 500 })
    expect(fakes.startTimeout).toBe(500)
    const call = outcomeOf(pool.run(numbered, [1], { timeout: 100 }))
    await settled()
    await pass(499)
    fakes.begin(1)
    await pass(99)
    expect(call).toEqual({})
    fakes.with(1).answer('in time')
    await settled()
    expect(call).toEqual({ value: 'in time' })
  })

  test.each(['thread', 'process'] as const)(
    'is not waited for when the module takes longer: its worker is replaced (%s)',
    async (boundary) => {
      const fakes = new FakeWorkers(boundary)
      const pool = fakes.pool({ maxWorkers: 1, startTimeout: 500 })
      const call = outcomeOf(pool.run(numbered, [1], { timeout: 100 }))
      const next = outcomeOf(pool.run(numbered, [2]))
      await settled()
      await pass(499)
      expect(call).toEqual({})
      await pass(1)
      expect(call).toMatchObject({ error: timedOut })
      expect((call.error as Error).message).toContain('its module took more than 500 ms to load')
      expect(fakes.at(0).kills).toBe(1)
      fakes.at(1).answer()
      await settled()
      expect(next).toEqual({ value: 2 })
    },
  )

  test('a module that is never loaded costs no worker for ever, whether its task was given away or given up', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3, startTimeout: 1_500 })
    const controller = new AbortController()
    const timed = outcomeOf(pool.run(numbered, [1], { timeout: 100 }))
    await settled()
    for (let turn = 0; turn < 400; turn += 1) await pass(10)
    expect(timed).toMatchObject({ error: timedOut })
    expect(fakes.workers.filter(({ held }) => held.flat().includes(1)).map(({ kills }) => kills)).toEqual([1, 1])
    await pool.onIdle()
    const aborted = rejectionOf(pool.run(numbered, [2], { signal: controller.signal }))
    await settled()
    const worker = fakes.with(2)
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    await pass(1_499)
    expect(worker.kills).toBe(0)
    await pass(1)
    expect(worker.kills).toBe(1)
  })

  test('without a start timeout the module may take for ever', async () => {
    const fakes = new FakeWorkers('process')
    const pool = fakes.pool({ maxWorkers: 1, startTimeout: Number.POSITIVE_INFINITY })
    const call = outcomeOf(pool.run(numbered, [1], { timeout: 100 }))
    await settled()
    await pass(1_000_000)
    expect(call).toEqual({})
  })

  test('over, its answer is dropped, and frees no worker', async () => {
    const fakes = new FakeWorkers('thread', { killsAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = outcomeOf(pool.run(numbered, [1], { timeout: 5 }))
    const next = outcomeOf(pool.run(numbered, [2]))
    await settled()
    const worker = fakes.begin(1)
    await pass(5)
    worker.answer('too late')
    await settled()
    expect(call).toMatchObject({ error: timedOut })
    expect(fakes.begunArguments).toEqual([1])
    worker.killed()
    await settled()
    fakes.with(2).answer('next')
    await settled()
    expect(next).toEqual({ value: 'next' })
  })

  test('over, a run that listens has abortGrace to end by itself, and is told a TimeoutError', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 50 })
    const call = rejectionOf(pool.run(numbered, [1], { timeout: 5 }))
    await settled()
    const worker = fakes.begin(1)
    worker.listen()
    await pass(5)
    expect((await call).code).toBe('ERR_TIMEOUT')
    expect([worker.kills, worker.of('abort').length]).toEqual([0, 1])
    await pass(50)
    expect(worker.kills).toBe(1)
  })

  test('over, an idempotent task is run again as often as it may, each time in another worker', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = outcomeOf(pool.run(retried, [1], { timeout: 5 }))
    const never = outcomeOf(pool.run(again, [2], { timeout: 5 }))
    await settled()
    for (let round = 0; round < 2; round += 1) {
      expect(call).toEqual({})
      fakes.begin(1)
      await pass(5)
      expect(fakes.at(round).kills).toBe(1)
    }
    expect(call).toMatchObject({ error: timedOut })
    fakes.begin(2)
    await pass(5)
    expect(never).toMatchObject({ error: timedOut })
    expect(fakes.begun.map(({ argument, attempt }) => [argument, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
    ])
    expect(pool.stats()).toMatchObject({ timedOut: 2, crashes: 0, running: 0 })
  })

  test('over, it is run again by a worker that is free, without waiting for the end of the one that it was in', async () => {
    const fakes = new FakeWorkers('thread', { killsAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 2 })
    const call = outcomeOf(pool.run(retried, [1], { timeout: 5 }))
    await settled()
    fakes.begin(1)
    await pass(5)
    expect(fakes.at(0).isKilling).toBe(true)
    fakes.at(1).answer()
    await settled()
    expect(call).toEqual({ value: 1 })
  })

  test('0 is over as soon as it has begun', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = outcomeOf(pool.run(numbered, [1], { timeout: 0 }))
    await settled()
    await pass(1_000)
    expect(call).toEqual({})
    fakes.begin(1)
    await pass(1)
    expect(call).toMatchObject({ error: timedOut })
  })

  test('counts for each item of a map by itself, and fails the map in its place', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const results = pool.map(numbered, [1, 2, 3], { timeout: 10 })
    const reads = [1, 2, 3].map(() => outcomeOf(results.next()))
    await settled()
    fakes.begin(1)
    fakes.begin(2)
    fakes.with(1).answer()
    await pass(10)
    expect(reads).toMatchObject([{ value: { value: 1 } }, { error: timedOut }, { value: { done: true } }])
    expect(fakes.workers.map(({ kills }) => kills)).toEqual([0, 1, 0])
  })

  test.each(['thread', 'process'] as const)(
    'counts for an item that runs on when its map is over: it does not hold its worker for ever (%s)',
    async (boundary) => {
      const fakes = new FakeWorkers(boundary)
      const pool = fakes.pool({ maxWorkers: 2 })
      const results = pool.map(numbered, [1, 2], { timeout: 10 })
      const read = rejectionOf(results.next())
      await settled()
      fakes.begin(1)
      fakes.begin(2)
      const other = fakes.with(2)
      fakes.with(1).fail(new RangeError('one'))
      expect((await read).message).toBe('one')
      await pass(9)
      expect(other.kills).toBe(0)
      await pass(1)
      expect(other.kills).toBe(1)
      expect(pool.stats()).toMatchObject({ failed: 1, cancelled: 1, running: 0, crashes: 0 })
    },
  )
})

describe('the time of a wait', () => {
  test('0 looks once: what comes a moment later is too late', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const id = await pool.submitTask(numbered, [1])
    const looks = [
      outcomeOf(pool.getTaskResult(id, { timeout: 0 })),
      outcomeOf(pool.waitForAllTasks({ timeout: 0 })),
      outcomeOf(pool.asCompleted({ timeout: 0 }).next()),
      outcomeOf(pool.getTaskResult(id, { timeout: 1_000 })),
    ]
    await settled()
    fakes.with(1).answer('a moment later')
    await settled()
    expect(looks).toEqual([
      { error: expect.objectContaining(timedOut) },
      { value: new Map([[id, { status: 'pending' }]]) },
      { error: expect.objectContaining(timedOut) },
      { value: 'a moment later' },
    ])
  })

  test('for all results is one for all of them', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const ids = await Promise.all([1, 2, 3].map((call) => pool.submitTask(numbered, [call])))
    const completed = pool.asCompleted({ timeout: 100 })
    const first = outcomeOf(completed.next())
    await settled()
    await pass(60)
    fakes.with(1).answer()
    await settled()
    expect(first).toEqual({ value: { done: false, value: { id: ids[0], status: 'success', result: 1 } } })
    const second = outcomeOf(completed.next())
    await pass(39)
    expect(second).toEqual({})
    await pass(1)
    expect(second).toMatchObject({ error: timedOut })
    const rest = await pool.waitForAllTasks({ timeout: 0 })
    expect([...rest]).toEqual([
      [ids[1], { status: 'pending' }],
      [ids[2], { status: 'pending' }],
    ])
  })
})

test('a call that is done leaves no timer behind', async () => {
  const fakes = new FakeWorkers('thread')
  const pool = fakes.pool({ maxWorkers: 1 })
  // The one timer that holds the process is there from the first call of all on, and stays.
  const warmUp = pool.run(numbered, [0])
  await settled()
  fakes.with(0).answer()
  await warmUp
  const before = jest.getTimerCount()
  const call = pool.run(numbered, [1], { timeout: 1_000 })
  await settled()
  expect(jest.getTimerCount()).toBe(before + 1)
  fakes.begin(1)
  expect(jest.getTimerCount()).toBe(before + 1)
  fakes.with(1).answer()
  await call
  expect(jest.getTimerCount()).toBe(before)
  const id = await pool.submitTask(numbered, [2])
  const taken = pool.getTaskResult(id, { timeout: 1_000 })
  const all = pool.waitForAllTasks({ timeout: 1_000 })
  await settled()
  fakes.with(2).answer()
  await Promise.all([taken, all])
  expect(jest.getTimerCount()).toBe(before)
})

const longestDelay = 2 ** 31 - 1

test.each([longestDelay, longestDelay + 1, 2 ** 32, 3 * 2 ** 31])(
  'a timeout of %i ms is not over a moment earlier, of a call or of a wait',
  async (timeout) => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const id = await pool.submitTask(numbered, [1])
    const outcomes = [
      outcomeOf(pool.run(numbered, [2], { timeout })),
      outcomeOf(pool.getTaskResult(id, { timeout })),
      outcomeOf(pool.waitForAllTasks({ timeout })),
    ]
    await settled()
    fakes.begin(1)
    fakes.begin(2)
    await pass(timeout - 1)
    expect(outcomes).toEqual([{}, {}, {}])
    await pass(1)
    expect(outcomes).toEqual([
      { error: expect.objectContaining(timedOut) },
      { error: expect.objectContaining(timedOut) },
      { value: new Map([[id, { status: 'pending' }]]) },
    ])
  },
)

test('timeouts beyond all timers, and without end, never fire by themselves and warn nobody', async () => {
  jest.useRealTimers()
  const warnings: Error[] = []
  const collect = (warning: Error) => warnings.push(warning)
  process.on('warning', collect)
  const fakes = new FakeWorkers('thread')
  const pool = fakes.pool({ maxWorkers: 4 })
  const timeouts = [2 ** 31, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.POSITIVE_INFINITY]
  const outcomes = timeouts.map((timeout) => outcomeOf(pool.run(numbered, [timeout], { timeout })))
  await settled()
  for (const timeout of timeouts) fakes.begin(timeout)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(outcomes).toEqual([{}, {}, {}, {}])
  for (const timeout of timeouts) fakes.with(timeout).answer()
  await settled()
  expect(outcomes).toEqual(timeouts.map((value) => ({ value })))
  process.off('warning', collect)
  expect(warnings).toEqual([])
})

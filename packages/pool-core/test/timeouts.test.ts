import { afterEach, expect, jest, test } from '@jest/globals'
import { numbered } from './fixtures/tasks.mjs'
import { ControlledSlots, settled } from './support/controlled-slots.js'
import { outcomeOf, poolOver } from './support/pool-over.js'

afterEach(() => {
  jest.useRealTimers()
})

function fakeClock(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] })
}

test('the clock of a call stands until its worker is up, then runs to the very millisecond', async () => {
  fakeClock()
  const slots = new ControlledSlots({ startsDown: true })
  const pool = poolOver(slots, { maxWorkers: 1 })
  const call = outcomeOf(pool.run(numbered, [1], { timeout: 100 }))
  jest.advanceTimersByTime(10_000)
  await settled()
  slots.runs(1).up()
  await settled()
  jest.advanceTimersByTime(99)
  await settled()
  expect(call).toEqual({})
  jest.advanceTimersByTime(1)
  await settled()
  expect(call.error).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
})

test('the clock of a queued call stands', async () => {
  fakeClock()
  const slots = new ControlledSlots()
  const pool = poolOver(slots, { maxWorkers: 1 })
  const first = pool.run(numbered, [1])
  const queued = outcomeOf(pool.run(numbered, [2], { timeout: 100 }))
  jest.advanceTimersByTime(10_000)
  slots.runs(1).answer(1)
  await first
  await settled()
  jest.advanceTimersByTime(99)
  await settled()
  expect(queued).toEqual({})
  slots.runs(2).answer('in time')
  await settled()
  expect(queued).toEqual({ value: 'in time' })
})

test('an answer that comes after the timeout is dropped, and frees no slot', async () => {
  fakeClock()
  const slots = new ControlledSlots()
  const pool = poolOver(slots, { maxWorkers: 1 })
  const call = outcomeOf(pool.run(numbered, [1], { timeout: 5 }))
  const next = outcomeOf(pool.run(numbered, [2]))
  await settled()
  const [slot] = slots.slots
  jest.advanceTimersByTime(5)
  slot?.answer('too late')
  await settled()
  expect(call.error).toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(slots.begun).toEqual([1])
  slot?.killed()
  await settled()
  slots.runs(2).answer('next')
  await settled()
  expect(next).toEqual({ value: 'next' })
  expect(slots.violations).toEqual([])
})

test('a wait with timeout 0 looks once: what comes a moment later is too late', async () => {
  const slots = new ControlledSlots()
  const pool = poolOver(slots, { maxWorkers: 1 })
  const id = await pool.submitTask(numbered, [1])
  const looks = [
    outcomeOf(pool.getTaskResult(id, { timeout: 0 })),
    outcomeOf(pool.waitForAllTasks({ timeout: 0 })),
    outcomeOf(pool.getTaskResult(id, { timeout: 1_000 })),
  ]
  slots.runs(1).answer('a moment later')
  await settled()
  expect(looks).toEqual([
    { error: expect.objectContaining({ code: 'ERR_TIMEOUT' }) },
    { value: new Map([[id, { status: 'pending' }]]) },
    { value: 'a moment later' },
  ])
})

test('a call that is done leaves no timer behind', async () => {
  fakeClock()
  const slots = new ControlledSlots()
  const pool = poolOver(slots, { maxWorkers: 1 })
  // The one timer that holds the process is there from the first call of all on, and stays.
  const warmUp = pool.run(numbered, [0])
  slots.runs(0).answer(0)
  await warmUp
  const before = jest.getTimerCount()
  const call = pool.run(numbered, [1], { timeout: 1_000 })
  await settled()
  expect(jest.getTimerCount()).toBe(before + 1)
  slots.runs(1).answer(1)
  await call
  expect(jest.getTimerCount()).toBe(before)
  const id = await pool.submitTask(numbered, [2])
  const taken = pool.getTaskResult(id, { timeout: 1_000 })
  const all = pool.waitForAllTasks({ timeout: 1_000 })
  await settled()
  slots.runs(2).answer(2)
  await Promise.all([taken, all])
  expect(jest.getTimerCount()).toBe(before)
})

const longestDelay = 2 ** 31 - 1

test.each([longestDelay, longestDelay + 1, 2 ** 32, 3 * 2 ** 31])(
  'a timeout of %i ms is not over a moment earlier, of a call or of a wait',
  async (timeout) => {
    fakeClock()
    const slots = new ControlledSlots({ killsAtOnce: true })
    const pool = poolOver(slots, { maxWorkers: 2 })
    const id = await pool.submitTask(numbered, [1])
    const outcomes = [
      outcomeOf(pool.run(numbered, [2], { timeout })),
      outcomeOf(pool.getTaskResult(id, { timeout })),
      outcomeOf(pool.waitForAllTasks({ timeout })),
    ]
    await settled()
    jest.advanceTimersByTime(timeout - 1)
    await settled()
    expect(outcomes).toEqual([{}, {}, {}])
    jest.advanceTimersByTime(1)
    await settled()
    expect(outcomes).toEqual([
      { error: expect.objectContaining({ code: 'ERR_TIMEOUT' }) },
      { error: expect.objectContaining({ code: 'ERR_TIMEOUT' }) },
      { value: new Map([[id, { status: 'pending' }]]) },
    ])
  },
)

test('timeouts beyond all timers, and without end, never fire by themselves and warn nobody', async () => {
  const warnings: Error[] = []
  const collect = (warning: Error) => warnings.push(warning)
  process.on('warning', collect)
  const slots = new ControlledSlots()
  const pool = poolOver(slots, { maxWorkers: 4 })
  const timeouts = [2 ** 31, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.POSITIVE_INFINITY]
  const outcomes = timeouts.map((timeout) => outcomeOf(pool.run(numbered, [timeout], { timeout })))
  await settled()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(outcomes).toEqual([{}, {}, {}, {}])
  for (const timeout of timeouts) slots.runs(timeout).answer(timeout)
  await settled()
  expect(outcomes).toEqual(timeouts.map((value) => ({ value })))
  process.off('warning', collect)
  expect(warnings).toEqual([])
})

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { drain, observe } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

function heldIn(options: Parameters<typeof managerWith>[0]) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const run = (name: string, more?: Parameters<typeof manager.run<unknown>>[1]) =>
    observe(manager.run(held.task(name), more))
  return { manager, held, run }
}

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

test('timeout counts from the beginning of the task and is exact from below', async () => {
  const { manager, held, run } = heldIn({ maxConcurrent: 1, abortGrace: 1_000_000 })
  run('a')
  const late = run('late', { timeout: 50.5 })
  jest.advanceTimersByTime(1_000)
  held.end('a')
  await drain()
  jest.advanceTimersByTime(50)
  await drain()
  expect(late.state).toBe('pending')
  jest.advanceTimersByTime(1)
  await drain()
  expect(late.reason).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
  expect(held.signal('late').reason).toBe(late.reason)
  expect(manager.stats()).toMatchObject({ timedOut: 1, running: 1 })
  held.end('late')
  await drain()
  // What is left is the one timer that keeps the process alive while somebody waits: nobody does.
  expect([manager.stats().running, jest.getTimerCount()]).toEqual([0, 0])
})

test('queueTimeout counts until the task begins; it then has all the time it wants', async () => {
  const { held, run } = heldIn({ maxConcurrent: 1, maxQueued: 1 })
  run('a')
  const [queued, waiting] = [run('queued', { queueTimeout: 20 }), run('waiting', { queueTimeout: 10 })]
  const both = run('both', { queueTimeout: 30, timeout: 40 })
  jest.advanceTimersByTime(9)
  await drain()
  expect(waiting.state).toBe('pending')
  jest.advanceTimersByTime(1)
  await drain()
  expect(waiting.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
  held.end('a')
  await drain()
  jest.advanceTimersByTime(15)
  held.end('queued')
  await drain()
  expect([queued.value, held.begun]).toEqual(['queued', ['a', 'queued', 'both']])
  jest.advanceTimersByTime(39)
  await drain()
  expect(both.state).toBe('pending')
  jest.advanceTimersByTime(1)
  await drain()
  expect(both.reason).toMatchObject({ message: 'the task ran for more than 40 ms' })
})

test('timeouts beyond the longest timer hold, Infinity never passes, and an end in time leaves no timer', async () => {
  const { manager, held, run } = heldIn({})
  const beyond = run('beyond', { timeout: 2 ** 31 + 10 })
  run('endless', { timeout: Number.POSITIVE_INFINITY, queueTimeout: Number.POSITIVE_INFINITY })
  run('in time', { timeout: 100, queueTimeout: 100 })
  held.end('in time')
  await drain()
  jest.advanceTimersByTime(2 ** 31 - 1)
  await drain()
  expect(beyond.state).toBe('pending')
  jest.advanceTimersByTime(11)
  await drain()
  expect(beyond.state).toBe('rejected')
  expect(manager.stats()).toMatchObject({ timedOut: 1, succeeded: 1, running: 2 })
})

test('abortGrace: the place of an aborted body is kept so long, then it is abandoned, and what it gives is ignored', async () => {
  const { manager, held, run } = heldIn({ maxConcurrent: 1, abortGrace: 30 })
  const controller = new AbortController()
  run('a', { signal: controller.signal })
  for (const name of ['b', 'c']) run(name)
  controller.abort('enough')
  jest.advanceTimersByTime(29)
  await drain()
  expect(held.begun).toEqual(['a'])
  jest.advanceTimersByTime(1)
  await drain()
  expect(held.begun).toEqual(['a', 'b'])
  held.end('a')
  await drain()
  // A second place was not freed.
  expect(held.begun).toEqual(['a', 'b'])
  expect(manager.stats()).toMatchObject({ running: 1, queued: 1, cancelled: 1, abandoned: 1 })
})

test('a body that ends in the turn of the grace frees one place', async () => {
  for (const endsFirst of [true, false]) {
    const { manager, held, run } = heldIn({ maxConcurrent: 1, abortGrace: 30 })
    const controller = new AbortController()
    run('a', { signal: controller.signal })
    for (const name of ['b', 'c']) run(name)
    controller.abort('enough')
    if (endsFirst) held.end('a')
    jest.advanceTimersByTime(30)
    if (!endsFirst) held.end('a')
    await drain()
    expect([held.begun, manager.stats().running]).toEqual([['a', 'b'], 1])
  }
})

test('abortGrace Infinity keeps the place until the body ends, without a timer', async () => {
  const { manager, held, run } = heldIn({ maxConcurrent: 1, abortGrace: Number.POSITIVE_INFINITY })
  const task = run('a', { timeout: 5 })
  jest.advanceTimersByTime(5)
  await drain()
  expect([task.state, manager.stats().running, jest.getTimerCount()]).toEqual(['rejected', 1, 0])
  held.end('a')
  await manager.onIdle()
  expect(manager.stats()).toMatchObject({ timedOut: 1, abandoned: 0 })
})

import { getEventListeners } from 'node:events'
import { TaskGroup } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { timersLeft } from './support/timers-left.ts'

afterEach(() => {
  jest.useRealTimers()
})

interface Context {
  readonly signal: AbortSignal
}

/** Ends when its signal aborts, with its reason. */
const untilAborted = ({ signal }: Context): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

function newSignal() {
  const controller = new AbortController()
  const { signal } = controller
  return { controller, signal, count: () => getEventListeners(signal, 'abort').length }
}

describe('cancel', () => {
  test('ends the tasks with the reason, and join does not throw for that', async () => {
    const group = new TaskGroup({ maxConcurrent: 2 })
    const promises = [group.run(untilAborted), group.run(untilAborted), group.run(untilAborted)]
    group.cancel('enough')
    expect([group.signal.aborted, group.signal.reason]).toEqual([true, 'enough'])
    expect(await Promise.all(promises.map(rejectionOf))).toEqual(['enough', 'enough', 'enough'])
    await expect(group.join()).resolves.toBeUndefined()
  })

  test('without a reason gives an AbortError, and tasks that answer with one of their own have not failed', async () => {
    const group = new TaskGroup()
    const first = group.run(untilAborted)
    void group.run(async (context) => {
      await untilAborted(context).catch(() => undefined)
      throw new DOMException('as fetch does', 'AbortError')
    })
    group.cancel()
    expect(await rejectionOf(first)).toMatchObject({ name: 'AbortError' })
    await expect(group.join()).resolves.toBeUndefined()
  })

  test('does not wait, and join waits for tasks that do not listen', async () => {
    const group = new TaskGroup()
    let finish = (): void => undefined
    void group.run(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    group.cancel()
    const joined = observe(group.join())
    await drain()
    expect(joined.state).toBe('pending')
    finish()
    await drain()
    expect(joined.state).toBe('fulfilled')
  })

  test('has only its first reason count', async () => {
    const group = new TaskGroup()
    const promise = group.run(untilAborted)
    group.cancel('first')
    group.cancel('second')
    expect([await rejectionOf(promise), group.signal.reason]).toEqual(['first', 'first'])
    await group.join()
  })

  test('after the group was joined does nothing', async () => {
    const group = new TaskGroup()
    await group.run(() => 1)
    await group.join()
    group.cancel()
    expect(group.signal.aborted).toBe(false)
    await group.join()
  })

  test('leaves the errors of clean-ups to be thrown', async () => {
    const group = new TaskGroup()
    void group.run(async (context) => {
      await untilAborted(context).catch(() => undefined)
      throw new Error('while cleaning up')
    })
    group.cancel()
    await expect(group.join()).rejects.toMatchObject({ errors: [new Error('while cleaning up')] })
  })

  test('makes no failure of a task that is refused another one', async () => {
    const group = new TaskGroup()
    const refused = group.run(async () => {
      await drain()
      await group.run(() => 1)
    })
    group.cancel('enough')
    expect(await rejectionOf(refused)).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
    await expect(group.join()).resolves.toBeUndefined()
  })
})

describe('the signal of the owner', () => {
  test('that has aborted already lets no task begin, and join throws its reason', async () => {
    const { controller, signal, count } = newSignal()
    controller.abort('before')
    jest.useFakeTimers()
    const group = new TaskGroup({ signal, timeout: 50 })
    const task = jest.fn()
    expect(await rejectionOf(group.run(task))).toMatchObject({ code: 'ERR_CLOSED', cause: 'before' })
    expect(task).not.toHaveBeenCalled()
    expect([group.signal.aborted, group.signal.reason]).toEqual([true, 'before'])
    expect(await rejectionOf(group.join())).toBe('before')
    expect([count(), await timersLeft()]).toEqual([0, 0])
  })

  test('cancels the tasks, and join throws its reason as given when they have ended', async () => {
    const { controller, signal, count } = newSignal()
    const group = new TaskGroup({ signal })
    const reason = { why: 'enough' }
    let isClean = false
    void group.run(async (context) => {
      await untilAborted(context).catch(() => undefined)
      await drain()
      isClean = true
    })
    controller.abort(reason)
    expect(await rejectionOf(group.join())).toBe(reason)
    expect([isClean, count()]).toEqual([true, 0])
  })

  test('has no listener of ours after the group was joined, and does nothing to it any more', async () => {
    const { controller, signal, count } = newSignal()
    const group = new TaskGroup({ signal })
    expect(count()).toBe(1)
    await group.run(() => 1)
    await group.join()
    expect(count()).toBe(0)
    controller.abort()
    expect(group.signal.aborted).toBe(false)
    await group.join()
  })

  test('that aborts after a task has failed changes nothing', async () => {
    const { controller, signal, count } = newSignal()
    const group = new TaskGroup({ signal })
    void group.run(() => Promise.reject('failed'))
    await drain()
    expect(count()).toBe(0)
    controller.abort('later')
    await expect(group.join()).rejects.toMatchObject({ errors: ['failed'] })
  })
})

// A3
describe('the time of a group', () => {
  test.each([0, 1, 20])('of %p ms ends its tasks; the error comes after their clean-up', async (timeout) => {
    jest.useFakeTimers()
    const group = new TaskGroup({ timeout })
    const ends: string[] = []
    const promise = group.run(async (context) => {
      await untilAborted(context).catch(() => undefined)
      await drain()
      await drain()
      ends.push('clean-up')
    })
    const joined = group.join().catch((error: unknown) => {
      ends.push('join')
      return error
    })
    if (timeout > 0) jest.advanceTimersByTime(timeout - 0.5)
    expect(group.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(group.signal.aborted).toBe(true)
    expect(await joined).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(ends).toEqual(['clean-up', 'join'])
    await promise
    expect(await timersLeft()).toBe(0)
  })

  test('is the whole of it, however many tasks there are, one after another', async () => {
    jest.useFakeTimers()
    const group = new TaskGroup({ timeout: 100, maxConcurrent: 1 })
    const pause = () => new Promise((resolve) => setTimeout(resolve, 30))
    const done = [1, 2, 3, 4, 5].map(() => observe(group.run(pause)))
    const joined = rejectionOf(group.join())
    for (let passed = 0; passed < 150; passed += 10) {
      jest.advanceTimersByTime(10)
      await drain()
    }
    expect(done.map(({ state }) => state)).toEqual([...Array(4).fill('fulfilled'), 'rejected'])
    expect(await joined).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  test('leaves no timer when the group was joined in time', async () => {
    jest.useFakeTimers()
    const group = new TaskGroup({ timeout: 100 })
    await group.run(() => 1)
    await group.join()
    expect(await timersLeft()).toBe(0)
    expect(group.signal.aborted).toBe(false)
  })

  test('is over also while the group has no task', async () => {
    jest.useFakeTimers()
    const group = new TaskGroup({ timeout: 100 })
    jest.advanceTimersByTime(100)
    expect(group.signal.aborted).toBe(true)
    expect(await rejectionOf(group.run(() => 1))).toMatchObject({ cause: { code: 'ERR_TIMEOUT' } })
    expect(await rejectionOf(group.join())).toMatchObject({ code: 'ERR_TIMEOUT' })
  })
})

test('thousands of tasks that listen are cancelled at little cost, and Node has nothing to warn of', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error) => void warnings.push(warning)
  process.on('warning', warn)
  const group = new TaskGroup()
  const before = process.cpuUsage()
  for (let i = 0; i < 20_000; i++) void group.run(untilAborted)
  group.cancel()
  await group.join()
  const { user, system } = process.cpuUsage(before)
  await drain()
  process.off('warning', warn)
  expect(warnings).toEqual([])
  // On one signal it takes seconds.
  expect((user + system) / 1_000).toBeLessThan(1_500)
})

test('a huge backlog of small tasks lets timers have their turn', async () => {
  const group = new TaskGroup({ maxConcurrent: 2 })
  let ticks = 0
  for (let i = 0; i < 100_000; i++) void group.run(() => undefined)
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  await group.join()
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(3)
})

test('a group that is cancelled while the next task waits for its turn of the event loop begins none and ends', async () => {
  const group = new TaskGroup({ maxConcurrent: 1 })
  let ran = 0
  const spin = () => {
    ran += 1
    for (const end = performance.now() + 1; performance.now() < end; );
  }
  const last = Array.from({ length: 100 }, () => group.run(spin)).at(-1)
  for (let before = -1; before !== ran; ) {
    before = ran
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }
  expect([group.running, group.waiting]).toEqual([1, 100 - ran])
  expect(ran).toBeLessThan(100)
  const ranBefore = ran
  group.cancel('enough')
  await group.join()
  expect(await rejectionOf(last as Promise<void>)).toBe('enough')
  expect([ran, group.running, group.waiting]).toEqual([ranBefore, 0, 0])
})

import { AsyncSemaphore } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

const longestTimerMs = 2 ** 31 - 1

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

describe('timeout', () => {
  // S8
  test('rejects after at least that time and takes nothing', async () => {
    const semaphore = new AsyncSemaphore(2)
    const late = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const timeout = 1 + i / 2
        const start = performance.now()
        const error = await rejectionOf(semaphore.acquire(3, { timeout }))
        expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
        return performance.now() - start - timeout
      }),
    )
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThan(1_000)
    expect([semaphore.availablePermits, semaphore.waiting]).toEqual([2, 0])
  })

  test('0 takes what is free and refuses the rest in the same turn', async () => {
    const semaphore = new AsyncSemaphore(1)
    const first = observe(semaphore.acquire({ timeout: 0 }))
    const second = observe(semaphore.acquire({ timeout: 0 }))
    expect(semaphore.waiting).toBe(0)
    await drain()
    expect(first.state).toBe('fulfilled')
    expect(second.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  test('that is not over when its timer fires waits on', async () => {
    jest.useFakeTimers()
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000)
    const semaphore = new AsyncSemaphore(0)
    const waiting = observe(semaphore.acquire({ timeout: 10 }))
    clock.mockReturnValue(1_009.9)
    jest.advanceTimersByTime(10)
    await drain()
    expect([waiting.state, jest.getTimerCount()]).toEqual(['pending', 1])
    clock.mockReturnValue(1_010)
    jest.advanceTimersByTime(1)
    await drain()
    expect([waiting.state, jest.getTimerCount()]).toEqual(['rejected', 0])
  })

  test('may be longer than the longest timer', async () => {
    jest.useFakeTimers()
    // A longer delay would make the timer fire at once, with a warning.
    const arm = jest.spyOn(globalThis, 'setTimeout')
    const semaphore = new AsyncSemaphore(0)
    const waiting = observe(semaphore.acquire({ timeout: longestTimerMs + 10 }))
    jest.advanceTimersByTime(longestTimerMs)
    jest.advanceTimersByTime(9)
    await drain()
    expect(waiting.state).toBe('pending')
    jest.advanceTimersByTime(1)
    await drain()
    expect(waiting.state).toBe('rejected')
    expect(arm.mock.calls.map(([, delay]) => delay)).toEqual([longestTimerMs, 10])
  })

  test('has one timer per waiter, and all that wait for ever share one', async () => {
    jest.useFakeTimers()
    const semaphore = new AsyncSemaphore(0)
    const { signal } = new AbortController()
    const timed = [1, 2, 3].map((timeout) => semaphore.acquire({ timeout }))
    expect(jest.getTimerCount()).toBe(3)
    const untimed = [{}, { signal }, { timeout: Number.POSITIVE_INFINITY }].map((options) => semaphore.acquire(options))
    expect(jest.getTimerCount()).toBe(4)
    jest.advanceTimersByTime(longestTimerMs)
    expect(jest.getTimerCount()).toBe(1)
    semaphore.release(3)
    const settled = await Promise.allSettled([...timed, ...untimed])
    await drain()
    expect(jest.getTimerCount()).toBe(0)
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([false, false, false, true, true, true])
  })

  test('leaves no timer behind after a grant, an abort or a close, and none for what need not wait', async () => {
    jest.useFakeTimers()
    const semaphore = new AsyncSemaphore(1)
    const controller = new AbortController()
    await semaphore.acquire({ timeout: 1_000 })
    expect(jest.getTimerCount()).toBe(0)
    const endings = [() => semaphore.release(), () => controller.abort(), () => semaphore.close()]
    for (const [i, end] of endings.entries()) {
      const wait = semaphore.acquire({ timeout: 1_000, ...(i === 1 && { signal: controller.signal }) })
      expect(jest.getTimerCount()).toBe(1)
      end()
      expect(jest.getTimerCount()).toBe(0)
      await Promise.allSettled([wait])
    }
  })

  test('of the first waiter lets the next one pass for whom enough was free', async () => {
    jest.useFakeTimers()
    const semaphore = new AsyncSemaphore(1)
    const many = observe(semaphore.acquire(2, { timeout: 5 }))
    const few = observe(semaphore.acquire())
    jest.advanceTimersByTime(5)
    await drain()
    expect([many.state, few.state, semaphore.availablePermits]).toEqual(['rejected', 'fulfilled', 0])
  })

  test('and release in one turn: whichever was first decides, and no permit is lost', async () => {
    jest.useFakeTimers()
    for (const releaseFirst of [true, false]) {
      const semaphore = new AsyncSemaphore(0)
      const waiting = observe(semaphore.acquire({ timeout: 5 }))
      if (releaseFirst) semaphore.release()
      jest.advanceTimersByTime(5)
      if (!releaseFirst) semaphore.release()
      await drain()
      expect(waiting.state).toBe(releaseFirst ? 'fulfilled' : 'rejected')
      waiting.value?.release()
      expect(semaphore.availablePermits).toBe(1)
    }
  })
})

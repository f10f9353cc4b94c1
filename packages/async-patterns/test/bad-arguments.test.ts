import { AsyncSemaphore, type AsyncSemaphoreGuard, type WaitOptions } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { rejectionOf } from './support/observe.js'

// S16
describe('bad arguments', () => {
  const wrongKind = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
  const wrongValue = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  const weights: [unknown, object][] = [
    [0, wrongValue],
    [-1, wrongValue],
    [1.5, wrongValue],
    [Number.NaN, wrongValue],
    [Number.POSITIVE_INFINITY, wrongValue],
    [2 ** 30, wrongValue],
    ['1', wrongKind],
    [null, wrongKind],
    [1n, wrongKind],
  ]

  test.each(weights)(
    '%p permits are refused by acquire, tryAcquire and release, and nothing changes',
    async (weight, error) => {
      const semaphore = new AsyncSemaphore(2)
      const permits = weight as number
      expect(await rejectionOf(semaphore.acquire(permits))).toMatchObject(error)
      expect(() => semaphore.tryAcquire(permits)).toThrow(expect.objectContaining(error))
      expect(() => semaphore.release(permits)).toThrow(expect.objectContaining(error))
      expect([semaphore.availablePermits, semaphore.waiting]).toEqual([2, 0])
    },
  )

  const options: [string, unknown, object][] = [
    ['a negative timeout', { timeout: -1 }, wrongValue],
    ['a timeout that is NaN', { timeout: Number.NaN }, wrongValue],
    ['a timeout that is a string', { timeout: '5' }, wrongKind],
    ['a timeout that is null', { timeout: null }, wrongKind],
    ['a signal that is null', { signal: null }, wrongKind],
    ['a controller in place of its signal', { signal: new AbortController() }, wrongKind],
    ['a signal that cannot be listened to', { signal: { aborted: false } }, wrongKind],
    ['a function in place of the options', () => undefined, wrongKind],
  ]

  test.each(options)('%s is refused, free or not, and nothing changes', async (_, bad, error) => {
    for (const free of [0, 1]) {
      const semaphore = new AsyncSemaphore(free)
      expect(await rejectionOf(semaphore.acquire(1, bad as WaitOptions))).toMatchObject(error)
      expect(await rejectionOf(semaphore.runExclusive(() => 1, bad as WaitOptions))).toMatchObject(error)
      expect([semaphore.availablePermits, semaphore.waiting]).toEqual([free, 0])
    }
  })

  test('options before the permits are refused, and so is a job that is no function', async () => {
    const semaphore = new AsyncSemaphore(2)
    const acquire = semaphore.acquire.bind(semaphore) as (...args: unknown[]) => Promise<AsyncSemaphoreGuard>
    expect(await rejectionOf(acquire({ timeout: 5 }, 2))).toMatchObject(wrongKind)
    expect(await rejectionOf(semaphore.runExclusive('job' as unknown as () => void))).toMatchObject(wrongKind)
    expect(semaphore.availablePermits).toBe(2)
  })

  test('permits left out count as one, with options behind them', async () => {
    const semaphore = new AsyncSemaphore(2)
    const acquire = semaphore.acquire.bind(semaphore) as (...args: unknown[]) => Promise<AsyncSemaphoreGuard>
    expect((await acquire(undefined, { timeout: 5 })).permits).toBe(1)
    expect((await semaphore.acquire({ timeout: undefined, signal: undefined })).permits).toBe(1)
    expect(await rejectionOf(acquire(undefined, { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  const made: [string, unknown[], object][] = [
    ['negative permits', [-1], wrongValue],
    ['half a permit', [0.5], wrongValue],
    ['more permits than maxPermits', [3, { maxPermits: 2 }], wrongValue],
    ['maxPermits 0', [0, { maxPermits: 0 }], wrongValue],
    ['more permits than there can be', [2 ** 30], wrongValue],
    ['permits that are a string', ['1'], wrongKind],
    ['options that are null', [1, null], wrongKind],
    ['options that are a number', [1, 2], wrongKind],
  ]

  test.each(made)('no semaphore is made with %s', (_, args, error) => {
    const make = () => Reflect.construct(AsyncSemaphore, args) as AsyncSemaphore
    expect(make).toThrow(expect.objectContaining(error))
  })
})

import { getEventListeners } from 'node:events'
import { AsyncMutex, type AsyncMutexGuard, type WaitOptions } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

afterEach(() => {
  jest.useRealTimers()
})

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }
const timedOut = { name: 'TimeoutError', code: 'ERR_TIMEOUT' }

describe('exclusion and order', () => {
  test('what is read before an await and written after it is not overwritten', async () => {
    const mutex = new AsyncMutex()
    let count = 0
    const add = async () => {
      using guard = await mutex.acquire()
      const before = count
      await Promise.resolve()
      count = guard.held ? before + 1 : Number.NaN
    }
    await Promise.all(Array.from({ length: 1_000 }, add))
    expect([count, mutex.locked, mutex.waiting]).toEqual([1_000, false, 0])
  })

  test('those who wait are served in the order they asked, one at a time', async () => {
    const mutex = new AsyncMutex()
    const served: number[] = []
    const guards: AsyncMutexGuard[] = []
    for (let i = 0; i < 5; i++)
      void mutex.acquire().then((guard) => {
        served.push(i)
        guards.push(guard)
      })
    for (let i = 0; i < 5; i++) {
      await drain()
      expect([served.length, mutex.waiting, mutex.locked]).toEqual([i + 1, 4 - i, true])
      guards[i]?.release()
    }
    expect(served).toEqual([0, 1, 2, 3, 4])
    expect(mutex.locked).toBe(false)
  })

  // S13
  test('a lock released to a waiter is gone for everybody else before that one runs', async () => {
    const mutex = new AsyncMutex()
    const holder = await mutex.acquire()
    const waiting = observe(mutex.acquire())
    holder.release()
    expect([waiting.state, mutex.locked]).toEqual(['pending', true])
    expect(mutex.tryAcquire()).toBeUndefined()
    expect(await rejectionOf(mutex.acquire({ timeout: 0 }))).toMatchObject(timedOut)
    expect(waiting.state).toBe('fulfilled')
  })

  test('does not recurse: a task that asks again waits for itself, until its timeout', async () => {
    const mutex = new AsyncMutex()
    const run = mutex.runExclusive(() => mutex.acquire({ timeout: 1 }))
    expect(await rejectionOf(run)).toMatchObject(timedOut)
    expect(mutex.locked).toBe(false)
  })

  test('what need not wait takes one microtask', async () => {
    const order: string[] = []
    void new AsyncMutex().acquire().then(() => order.push('acquired'))
    await Promise.resolve().then(() => order.push('one microtask'))
    expect(order).toEqual(['acquired', 'one microtask'])
  })
})

describe('guards', () => {
  test('a second release does nothing, also when somebody else holds the lock by then', async () => {
    const mutex = new AsyncMutex()
    const first = mutex.tryAcquire()
    expect(first?.held).toBe(true)
    first?.release()
    const second = mutex.tryAcquire()
    first?.release()
    first?.[Symbol.dispose]()
    expect([first?.held, second?.held, mutex.locked]).toEqual([false, true, true])
    second?.release()
    expect(mutex.locked).toBe(false)
  })

  test('runExclusive releases when its job has settled, whatever way, and passes its result on', async () => {
    const mutex = new AsyncMutex()
    const error = new Error('the job')
    const jobs: [() => unknown, unknown][] = [
      [() => 1, 1],
      [async () => 2, 2],
      [() => Promise.reject(error), error],
      [
        () => {
          throw error
        },
        error,
      ],
    ]
    for (const [job, outcome] of jobs) {
      const run = mutex.runExclusive((guard) => {
        expect([guard.held, mutex.locked]).toEqual([true, true])
        return job()
      })
      expect(await run.catch((reason: unknown) => reason)).toBe(outcome)
      expect(mutex.locked).toBe(false)
    }
  })

  test('a job that releases early lets the next one in, and its end releases nothing of that one', async () => {
    const mutex = new AsyncMutex()
    let next: AsyncMutexGuard | undefined
    await mutex.runExclusive(async (guard) => {
      guard.release()
      next = await mutex.acquire()
    })
    expect([next?.held, mutex.locked]).toEqual([true, true])
  })
})

describe('giving up', () => {
  test('the timeout is exact from below and leaves nothing', async () => {
    jest.useFakeTimers()
    const mutex = new AsyncMutex()
    const holder = mutex.tryAcquire()
    const wait = observe(mutex.acquire({ timeout: 5 }))
    const job = jest.fn()
    const run = observe(mutex.runExclusive(job, { timeout: 5 }))
    jest.advanceTimersByTime(4)
    await drain()
    expect([wait.state, run.state]).toEqual(['pending', 'pending'])
    jest.advanceTimersByTime(1)
    await drain()
    expect([wait.reason, run.reason]).toMatchObject([timedOut, timedOut])
    expect([mutex.waiting, jest.getTimerCount(), job.mock.calls.length]).toEqual([0, 0, 0])
    holder?.release()
    expect(mutex.locked).toBe(false)
  })

  test('an abort rejects with its reason, before the call and while waiting, and leaves no listener', async () => {
    const mutex = new AsyncMutex()
    expect(await rejectionOf(mutex.acquire({ signal: AbortSignal.abort('early') }))).toBe('early')
    expect(mutex.locked).toBe(false)
    const holder = mutex.tryAcquire()
    const controller = new AbortController()
    const { signal } = controller
    const waits = [mutex.acquire({ signal }), mutex.runExclusive(() => 1, { signal })]
    const next = mutex.acquire({ timeout: 60_000 })
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    controller.abort(null)
    expect(await Promise.all(waits.map(rejectionOf))).toEqual([null, null])
    expect([getEventListeners(signal, 'abort').length, mutex.waiting]).toEqual([0, 1])
    holder?.release()
    expect((await next).held).toBe(true)
  })

  test.each([true, false])(
    'abort and release in one turn: the lock is never lost (abort first: %p)',
    async (isAbortFirst) => {
      const mutex = new AsyncMutex()
      const holder = mutex.tryAcquire()
      const controller = new AbortController()
      const first = observe(mutex.acquire({ signal: controller.signal }))
      const second = observe(mutex.acquire())
      if (isAbortFirst) controller.abort('enough')
      holder?.release()
      controller.abort('enough')
      await drain()
      expect([first.state, second.state]).toEqual(isAbortFirst ? ['rejected', 'fulfilled'] : ['fulfilled', 'pending'])
      expect((isAbortFirst ? second : first).value?.held).toBe(true)
      mutex.close()
    },
  )

  test('a listener that hears of the abort before us and releases: the lock passes the aborted one by', async () => {
    const mutex = new AsyncMutex()
    const holder = mutex.tryAcquire()
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => holder?.release())
    const first = observe(mutex.acquire({ signal: controller.signal }))
    const second = observe(mutex.acquire())
    controller.abort('enough')
    await drain()
    expect([first.reason, second.value?.held]).toEqual(['enough', true])
  })
})

// S15
test('close refuses all who wait and come later, with its reason as the cause; the holder releases as before', async () => {
  const mutex = new AsyncMutex()
  const holder = mutex.tryAcquire()
  const job = jest.fn()
  const waits = [mutex.acquire(), mutex.acquire({ timeout: 60_000 }), mutex.runExclusive(job)]
  mutex.close('the end')
  mutex.close('too late')
  for (const error of await Promise.all(waits.map(rejectionOf)))
    expect(error).toMatchObject({ ...closed, cause: 'the end' })
  expect([mutex.locked, mutex.waiting, holder?.held]).toEqual([true, 0, true])
  holder?.release()
  expect(mutex.locked).toBe(false)
  expect(await rejectionOf(mutex.acquire())).toMatchObject(closed)
  expect(await rejectionOf(mutex.runExclusive(job))).toMatchObject(closed)
  expect(() => mutex.tryAcquire()).toThrow(expect.objectContaining(closed))
  expect(job.mock.calls.length).toBe(0)
  const other = new AsyncMutex()
  other[Symbol.dispose]()
  expect('cause' in ((await rejectionOf(other.acquire())) as Error)).toBe(false)
})

// S16
test('bad arguments are refused, free or not, and change nothing', async () => {
  const bad: [unknown, object][] = [
    [{ timeout: -1 }, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
    [{ timeout: Number.NaN }, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
    [{ timeout: '1' }, { name: 'TypeError', code: 'ERR_INVALID_ARG' }],
    [{ signal: {} }, { name: 'TypeError', code: 'ERR_INVALID_ARG' }],
    [null, { name: 'TypeError', code: 'ERR_INVALID_ARG' }],
    [1, { name: 'TypeError', code: 'ERR_INVALID_ARG' }],
  ]
  const mutex = new AsyncMutex()
  for (const isLocked of [false, true]) {
    if (isLocked) mutex.tryAcquire()
    for (const [options, error] of bad)
      for (const call of [mutex.acquire(options as WaitOptions), mutex.runExclusive(() => 1, options as WaitOptions)])
        expect(await rejectionOf(call)).toMatchObject(error)
    expect(await rejectionOf(mutex.runExclusive('job' as unknown as () => void))).toMatchObject({
      code: 'ERR_INVALID_ARG',
    })
    expect([mutex.locked, mutex.waiting]).toEqual([isLocked, 0])
  }
})

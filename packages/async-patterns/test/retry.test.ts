import { getEventListeners } from 'node:events'
import { type AttemptContext, type RetryOptions, retry } from '@heddle/async-patterns'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { timersLeft } from './support/timers-left.ts'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

/** Fails `times` times with errors of its own, then gives 'done'. */
function failing(times: number) {
  const errors = Array.from({ length: times }, (_, i) => new Error(`attempt ${i + 1}`))
  const attempts: number[] = []
  const fn = async ({ attempt }: AttemptContext): Promise<string> => {
    attempts.push(attempt)
    const error = errors[attempts.length - 1]
    if (error !== undefined) throw error
    return 'done'
  }
  return { fn, errors, attempts }
}

/** Lets fake time pass in small steps, and all that it sets off. */
async function pass(ms: number): Promise<void> {
  await drain()
  for (let passed = 0; passed < ms; passed += 5) {
    jest.advanceTimersByTime(5)
    await drain()
  }
}

/** The pauses before each attempt, as `onRetry` names them and as they really were. */
async function pausesOf(times: number, options: RetryOptions): Promise<{ named: number[]; real: number[] }> {
  const named: number[] = []
  const begins: number[] = []
  const { fn } = failing(times)
  const ended = observe(
    retry(
      (context) => {
        begins.push(performance.now())
        return fn(context)
      },
      { maxAttempts: times + 1, ...options, onRetry: (_, { delay }) => void named.push(delay) },
    ),
  )
  await drain()
  while (ended.state === 'pending') {
    jest.advanceTimersToNextTimer()
    await drain()
  }
  return { named, real: begins.slice(1).map((at, i) => at - (begins[i] as number)) }
}

describe('attempts', () => {
  test('end with the first success, and each is told its number', async () => {
    const { fn, attempts } = failing(2)
    const result = retry(fn, { maxAttempts: 5, minDelay: 10 })
    expect(await pass(100).then(() => result)).toBe('done')
    expect(attempts).toEqual([1, 2, 3])
  })

  test('are three if nothing else is said, and then the last error is thrown as itself', async () => {
    const { fn, attempts, errors } = failing(10)
    const result = rejectionOf(retry(fn))
    await pass(400)
    expect(await result).toBe(errors[2])
    expect(attempts).toEqual([1, 2, 3])
  })

  test('is one with maxAttempts 1: nobody is asked or told, and there is no pause', async () => {
    const [shouldRetry, onRetry] = [jest.fn(() => true), jest.fn()]
    const { fn, errors } = failing(1)
    expect(await rejectionOf(retry(fn, { maxAttempts: 1, shouldRetry, onRetry }))).toBe(errors[0])
    expect([shouldRetry.mock.calls, onRetry.mock.calls]).toEqual([[], []])
    expect(await timersLeft()).toBe(0)
  })

  test('can be any number, also when all happens at once', async () => {
    let calls = 0
    const result = retry(
      () => {
        calls += 1
        if (calls < 200) throw calls
        return calls
      },
      { maxAttempts: Number.POSITIVE_INFINITY, minDelay: 0 },
    )
    await pass(1_000)
    expect(await result).toBe(200)
  })

  test('that give undefined or throw undefined count like others', async () => {
    expect(await retry(() => undefined)).toBeUndefined()
    expect(await rejectionOf(retry(() => Promise.reject(undefined), { maxAttempts: 1 }))).toBeUndefined()
  })
})

describe('pauses', () => {
  test('without jitter are minDelay, times factor each, up to maxDelay, and exactly so long', async () => {
    const { named, real } = await pausesOf(6, { minDelay: 10, factor: 3, maxDelay: 500, jitter: 0 })
    expect(named).toEqual([10, 30, 90, 270, 500, 500])
    expect(real).toEqual(named)
  })

  test('are 100 ms and double up to 30 s if nothing else is said', async () => {
    const { named } = await pausesOf(12, { jitter: 0 })
    expect(named).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000])
  })

  test('with jitter are anything up to that, with half of it at least the other half, and real ones never shorter', async () => {
    for (const jitter of [1, 0.5])
      for (const chance of [0, 0.3, 0.999]) {
        jest.spyOn(Math, 'random').mockReturnValue(chance)
        const { named, real } = await pausesOf(3, { minDelay: 100, jitter })
        expect(named).toEqual([100, 200, 400].map((full) => full * (1 - jitter * chance)))
        for (const [i, ms] of real.entries()) {
          expect(ms).toBeGreaterThanOrEqual(named[i] as number)
          expect(ms).toBeLessThanOrEqual((named[i] as number) + 1)
        }
      }
  })

  test('by real chance lie within their bounds and are not all the same', async () => {
    const { named } = await pausesOf(30, { minDelay: 8, factor: 1 })
    for (const ms of named) expect(ms >= 0 && ms <= 8).toBe(true)
    expect(new Set(named).size).toBeGreaterThan(10)
  })

  test('of 0 ms still let timers have their turn', async () => {
    const { named } = await pausesOf(3, { minDelay: 0, factor: 1e300 })
    expect(named).toEqual([0, 0, 0])
  })

  test('that grow beyond every number stay maxDelay', async () => {
    const { named } = await pausesOf(5, { minDelay: 1e200, factor: 1e200, maxDelay: 7, jitter: 0 })
    expect(named).toEqual([7, 7, 7, 7, 7])
  })
})

describe('shouldRetry and onRetry', () => {
  test('are given the error and the number; false ends it with the error as itself', async () => {
    const { fn, errors } = failing(5)
    const shouldRetry = jest.fn(async (_: unknown, attempt: number) => attempt < 2)
    const onRetry = jest.fn()
    const result = rejectionOf(retry(fn, { maxAttempts: 5, minDelay: 10, jitter: 0, shouldRetry, onRetry }))
    await pass(50)
    expect(await result).toBe(errors[1])
    expect(shouldRetry.mock.calls).toEqual([
      [errors[0], 1],
      [errors[1], 2],
    ])
    expect(onRetry.mock.calls).toEqual([[errors[0], { attempt: 2, delay: 10 }]])
  })

  test.each(['shouldRetry', 'onRetry'])('%s that throws ends it with what it threw', async (name) => {
    const { fn, attempts } = failing(5)
    const broken = () => {
      throw new Error('broken')
    }
    await expect(retry(fn, { [name]: broken })).rejects.toThrow('broken')
    expect([attempts, await timersLeft()]).toEqual([[1], 0])
  })

  test('onRetry is not told of an attempt that will not be: it was aborted while shouldRetry thought', async () => {
    const controller = new AbortController()
    const onRetry = jest.fn()
    let answer: (isWorth: boolean) => void = () => undefined
    const shouldRetry = () => new Promise<boolean>((resolve) => (answer = resolve))
    const { fn, attempts } = failing(5)
    const result = rejectionOf(retry(fn, { shouldRetry, onRetry, signal: controller.signal }))
    await drain()
    controller.abort('enough')
    answer(true)
    expect(await result).toBe('enough')
    await pass(1_000)
    expect([onRetry.mock.calls, attempts]).toEqual([[], [1]])
  })
})

describe('the time', () => {
  test('is over in a pause: the cause is the last error', async () => {
    const { fn, errors } = failing(5)
    const result = observe(retry(fn, { timeout: 50, minDelay: 40, factor: 1, jitter: 0, maxAttempts: 5 }))
    await pass(45)
    expect(result.state).toBe('pending')
    await pass(5)
    expect(result.reason).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT', cause: errors[1] })
    expect(await timersLeft()).toBe(0)
  })

  test('is over in the first attempt: its signal aborts with the same error, which has no cause', async () => {
    let seen: AbortSignal | undefined
    const result = observe(
      retry(
        ({ signal }) => {
          seen = signal
          return new Promise(() => undefined)
        },
        { timeout: 20 },
      ),
    )
    await pass(20)
    expect(result.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(seen?.reason).toBe(result.reason)
    expect(result.reason).not.toHaveProperty('cause')
    expect(await timersLeft()).toBe(0)
  })

  test('is that of all attempts together', async () => {
    const slow = () => new Promise((_, reject) => setTimeout(reject, 30, 'slow'))
    const result = observe(retry(slow, { timeout: 100, minDelay: 0, maxAttempts: 10 }))
    await pass(95)
    expect(result.state).toBe('pending')
    await pass(5)
    expect(result).toMatchObject({ state: 'rejected', reason: { code: 'ERR_TIMEOUT', cause: 'slow' } })
  })
})

describe('the signal', () => {
  test('aborted before: nothing is called', async () => {
    const fn = jest.fn()
    expect(await rejectionOf(retry(fn, { signal: AbortSignal.abort('before') }))).toBe('before')
    expect(fn).not.toHaveBeenCalled()
    expect(await timersLeft()).toBe(0)
  })

  test.each(['in an attempt', 'in a pause'])(
    'aborted %s rejects at once with the reason, and leaves nothing',
    async (when) => {
      const owner = new AbortController()
      const reason = { why: 'enough' }
      let own: AbortSignal | undefined
      const fn = jest.fn((context: AttemptContext) => {
        own = context.signal
        return when === 'in a pause' ? Promise.reject('failed') : new Promise(() => undefined)
      })
      const result = observe(retry(fn, { signal: owner.signal, timeout: 10_000, minDelay: 5_000, jitter: 0 }))
      await drain()
      expect(getEventListeners(owner.signal, 'abort')).toHaveLength(1)
      owner.abort(reason)
      await drain()
      expect(result.reason).toBe(reason)
      expect(own?.reason).toBe(reason)
      expect([getEventListeners(owner.signal, 'abort').length, await timersLeft()]).toEqual([0, 0])
      await pass(100)
      expect(fn).toHaveBeenCalledTimes(1)
    },
  )

  test('ends it also when the attempt succeeds or fails in answer to it', async () => {
    for (const answer of ['succeeds', 'fails']) {
      const owner = new AbortController()
      const fn = ({ signal }: AttemptContext) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => (answer === 'fails' ? reject : resolve)(answer))
        })
      const result = rejectionOf(retry(fn, { signal: owner.signal }))
      owner.abort('enough')
      expect(await result).toBe('enough')
    }
  })

  test('has no listener after a success, nor is there a timer', async () => {
    const owner = new AbortController()
    const { fn } = failing(1)
    const result = retry(fn, { signal: owner.signal, timeout: 10_000, minDelay: 10 })
    await pass(20)
    expect(await result).toBe('done')
    expect([getEventListeners(owner.signal, 'abort').length, await timersLeft()]).toEqual([0, 0])
  })
})

test.each<[unknown, string]>([
  [null, 'ERR_INVALID_ARG'],
  [{ maxAttempts: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ maxAttempts: '3' }, 'ERR_INVALID_ARG'],
  [{ minDelay: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ maxDelay: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  [{ factor: 0.9 }, 'ERR_OUT_OF_RANGE'],
  [{ factor: Number.POSITIVE_INFINITY }, 'ERR_OUT_OF_RANGE'],
  [{ jitter: 1.1 }, 'ERR_OUT_OF_RANGE'],
  [{ jitter: '1' }, 'ERR_INVALID_ARG'],
  [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ signal: {} }, 'ERR_INVALID_ARG'],
  [{ shouldRetry: true }, 'ERR_INVALID_ARG'],
  [{ onRetry: 1 }, 'ERR_INVALID_ARG'],
])('with %p nothing is called', async (options, code) => {
  const fn = jest.fn()
  expect(await rejectionOf(retry(fn, options as RetryOptions))).toMatchObject({ code })
  expect(fn).not.toHaveBeenCalled()
  expect(await timersLeft()).toBe(0)
  expect(await rejectionOf(retry('fn' as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
})

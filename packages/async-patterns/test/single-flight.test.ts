import { getEventListeners } from 'node:events'
import { singleFlight } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { timersLeft } from './support/timers-left.ts'

afterEach(() => {
  jest.useRealTimers()
})

/** A function whose calls are ended by hand, wrapped. */
function newFlights() {
  const calls: {
    key: unknown
    signal: AbortSignal
    resolve: (value: string) => void
    reject: (error: unknown) => void
  }[] = []
  const load = singleFlight(
    (key: unknown, { signal }) =>
      new Promise<string>((resolve, reject) => calls.push({ key, signal, resolve, reject })),
  )
  const last = () => calls.at(-1) as (typeof calls)[number]
  return { load, calls, last }
}

describe('callers who ask for the same at the same time', () => {
  test('share one call and its result', async () => {
    const { load, calls, last } = newFlights()
    const promises = [load('a'), load('a', {}), load('a', { timeout: 1_000 })]
    expect([calls.length, load.size]).toEqual([1, 1])
    last().resolve('result')
    expect(await Promise.all(promises)).toEqual(['result', 'result', 'result'])
    expect([last().signal.aborted, load.size]).toEqual([false, 0])
  })

  test('share its error as itself, also one that is thrown at once', async () => {
    const failure = new Error('at once')
    let calls = 0
    const load = singleFlight(() => {
      calls += 1
      throw failure
    })
    expect(await Promise.all([load(1), load(1)].map(rejectionOf))).toEqual([failure, failure])
    expect([calls, load.size]).toEqual([1, 0])
  })

  test('have a new call once that has ended: nothing is kept', async () => {
    const { load, calls, last } = newFlights()
    for (const result of ['first', 'second']) {
      const promise = load('a')
      last().resolve(result)
      expect(await promise).toBe(result)
    }
    const failed = rejectionOf(load('a'))
    last().reject('failed')
    expect(await failed).toBe('failed')
    void load('a')
    expect(calls).toHaveLength(4)
    last().resolve('')
    await drain()
  })
})

test('keys are compared as those of a Map', async () => {
  const { load, calls } = newFlights()
  const [object, other] = [{}, {}]
  const keys = [Number.NaN, Number.NaN, 0, -0, '0', object, object, other, undefined, undefined, null]
  const promises = keys.map((key) => load(key))
  expect(calls.map(({ key }) => key)).toEqual([Number.NaN, 0, '0', object, other, undefined, null])
  expect(load.size).toBe(7)
  for (const { resolve } of calls) resolve('')
  await Promise.all(promises)
  expect(load.size).toBe(0)
})

describe('a caller that gives up', () => {
  test('by its signal rejects at once with the reason; the others get the result of the one call', async () => {
    const { load, calls, last } = newFlights()
    const controller = new AbortController()
    const reason = { why: 'enough' }
    const first = observe(load('a', { signal: controller.signal }))
    const second = load('a')
    controller.abort(reason)
    await drain()
    expect(first.reason).toBe(reason)
    const third = load('a')
    expect([calls.length, last().signal.aborted]).toEqual([1, false])
    last().resolve('result')
    expect(await Promise.all([second, third])).toEqual(['result', 'result'])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('by its timeout is told so, not before its time', async () => {
    jest.useFakeTimers()
    const { load, last } = newFlights()
    const first = observe(load('a', { timeout: 20 }))
    const second = load('a', { timeout: 50 })
    jest.advanceTimersByTime(19)
    await drain()
    expect(first.state).toBe('pending')
    jest.advanceTimersByTime(1)
    await drain()
    expect(first.reason).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    last().resolve('in time')
    expect(await second).toBe('in time')
    expect(await timersLeft()).toBe(0)
  })

  test('as the last one aborts the signal of the call, and what becomes of that call is nobody’s', async () => {
    const { load, calls, last } = newFlights()
    const [one, two] = [new AbortController(), new AbortController()]
    const promises = [load('a', { signal: one.signal }), load('a', { signal: two.signal })].map(rejectionOf)
    one.abort('one')
    expect(last().signal.aborted).toBe(false)
    two.abort('two')
    expect(last().signal.reason).toMatchObject({ name: 'AbortError' })
    expect(await Promise.all(promises)).toEqual(['one', 'two'])
    expect(load.size).toBe(1)
    last().reject(new Error('nobody hears this'))
    await drain()
    expect([calls.length, load.size]).toEqual([1, 0])
  })

  test('before it asks begins nothing, as one without time', async () => {
    const { load, calls } = newFlights()
    expect(await rejectionOf(load('a', { signal: AbortSignal.abort('before') }))).toBe('before')
    expect(await rejectionOf(load('a', { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect([calls.length, load.size]).toEqual([0, 0])
  })

  test('in the moment the function is called is told at once, and the call is told that nobody waits', async () => {
    const controller = new AbortController()
    let own: AbortSignal | undefined
    const load = singleFlight((_: string, { signal }) => {
      own = signal
      controller.abort('enough')
      return new Promise(() => undefined)
    })
    expect(await rejectionOf(load('a', { signal: controller.signal }))).toBe('enough')
    expect(own?.aborted).toBe(true)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

describe('who comes after the last one has left', () => {
  /** A flight that all have left, and that has not ended. */
  async function deserted() {
    const flights = newFlights()
    const controller = new AbortController()
    const first = rejectionOf(flights.load('a', { signal: controller.signal }))
    controller.abort('left')
    await first
    return flights
  }

  test('begins no second call beside it, but one together when it has ended, well or badly', async () => {
    for (const ending of ['resolve', 'reject'] as const) {
      const { load, calls, last } = await deserted()
      const promises = [load('a'), load('a')]
      await drain()
      expect(calls).toHaveLength(1)
      last()[ending]('old')
      await drain()
      expect([calls.length, load.size, last().signal.aborted]).toEqual([2, 1, false])
      last().resolve('new')
      expect(await Promise.all(promises)).toEqual(['new', 'new'])
      expect(calls).toHaveLength(2)
    }
  })

  test('waits for that no longer than its own time, counted from its asking', async () => {
    jest.useFakeTimers()
    const { load, calls, last } = await deserted()
    const short = observe(load('a', { timeout: 20 }))
    const long = observe(load('a', { timeout: 50 }))
    jest.advanceTimersByTime(20)
    await drain()
    expect([short.state, long.state]).toEqual(['rejected', 'pending'])
    last().resolve('old')
    await drain()
    jest.advanceTimersByTime(29)
    await drain()
    expect([calls.length, long.state, last().signal.aborted]).toEqual([2, 'pending', false])
    jest.advanceTimersByTime(1)
    await drain()
    expect(long.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(last().signal.aborted).toBe(true)
    last().resolve('')
    await drain()
    expect([load.size, await timersLeft()]).toEqual([0, 0])
  })

  test('and leaves as well, begins nothing', async () => {
    const { load, calls, last } = await deserted()
    const controller = new AbortController()
    const promise = rejectionOf(load('a', { signal: controller.signal }))
    controller.abort('left too')
    expect(await promise).toBe('left too')
    last().resolve('old')
    await drain()
    expect([calls.length, load.size]).toEqual([1, 0])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('has no part in the calls of other keys', async () => {
    const { load, calls, last } = await deserted()
    const other = load('b')
    last().resolve('other')
    expect(await other).toBe('other')
    calls[0]?.resolve('')
    await drain()
  })
})

test('the table never grows: ten thousand keys, one after another, with all ways to end', async () => {
  const load = singleFlight((key: number) => (key % 3 === 0 ? Promise.reject(new Error('no')) : key))
  let most = 0
  for (let key = 0; key < 10_000; key++) {
    const promise = load(key, key % 3 === 1 ? { timeout: 1_000 } : undefined).catch(() => undefined)
    most = Math.max(most, load.size)
    await promise
  }
  expect([most, load.size]).toEqual([1, 0])
})

test('the function gets a signal and nothing with which to end the call', async () => {
  const load = singleFlight((_: string, context) => 'abort' in context)
  expect(await load('a')).toBe(false)
})

test('bad arguments are refused, and nothing is begun', async () => {
  expect(() => singleFlight('fn' as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
  const { load, calls } = newFlights()
  for (const [options, code] of [
    [null, 'ERR_INVALID_ARG'],
    [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ timeout: '1' }, 'ERR_INVALID_ARG'],
    [{ signal: {} }, 'ERR_INVALID_ARG'],
  ] as const)
    expect(await rejectionOf(load('a', options as never))).toMatchObject({ code })
  expect([calls.length, load.size]).toEqual([0, 0])
})

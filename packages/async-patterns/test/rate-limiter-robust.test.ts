import { AsyncRateLimiter, type AsyncRateLimiterOptions, type RateAcquireOptions } from '@heddle/async-patterns'
import { describe, expect, jest, test } from '@jest/globals'
import { observe, rejectionOf } from './support/observe.js'
import { drain, FakeClock } from './verify/fake-clock.ts'

describe('clocks', () => {
  // A12
  test.each([false, true])(
    'a clock that jumps back gives no extra tokens and no stall (strict: %p)',
    async (strict) => {
      const clock = new FakeClock(5_000)
      const limiter = new AsyncRateLimiter(2, 100, { strict, clock })
      const timed = { timeout: 100_000 }
      limiter.tryAcquire(2)
      await drain()
      clock.jump(-3_000)
      expect(limiter.tryAcquire()).toBe(false)
      const waiting = [limiter.acquire(timed), limiter.acquire(timed)].map(observe)
      await clock.pass(strict ? 99 : 49)
      clock.jump(-1_000)
      expect(limiter.tryAcquire()).toBe(false)
      expect(waiting.map(({ state }) => state)).toEqual(['pending', 'pending'])
      // The time between the looks before and after the jump is lost, and no more.
      await clock.pass(101)
      expect(waiting.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled'])
      expect(clock.timers).toBe(0)
    },
  )

  test.each([false, true])('a clock that jumps forward gives no more than the burst (strict: %p)', async (strict) => {
    const clock = new FakeClock(5_000)
    const limiter = new AsyncRateLimiter(3, 100, { strict, clock })
    limiter.tryAcquire(3)
    await drain()
    clock.jump(1e12)
    expect(Array.from({ length: 5 }, () => limiter.tryAcquire())).toEqual([true, true, true, false, false])
    const waiting = observe(limiter.acquire())
    await clock.pass(strict ? 100 : 34)
    expect(waiting.state).toBe('fulfilled')
  })

  test('timers that fire early grant nothing early', async () => {
    const clock = new FakeClock()
    clock.early = 0.75
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    limiter.tryAcquire()
    const waiting = observe(limiter.acquire())
    await clock.pass(99.75)
    expect(waiting.state).toBe('pending')
    await clock.pass(0.25)
    expect(waiting.state).toBe('fulfilled')
  })

  test('a delay of more than 2 ** 31 ms takes several timers, none of them longer', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 2 ** 33, { clock })
    limiter.tryAcquire()
    const waiting = observe(limiter.acquire())
    await clock.pass(2 ** 33 - 1)
    expect(waiting.state).toBe('pending')
    await clock.pass(1)
    expect(waiting.state).toBe('fulfilled')
    expect(clock.delays.length).toBeGreaterThan(3)
    expect(Math.max(...clock.delays)).toBeLessThan(2 ** 31)
  })

  test('the clock of the platform is the default, and a permit never comes early by it', async () => {
    const limiter = new AsyncRateLimiter(1, 20)
    const began = performance.now()
    await limiter.acquire()
    await limiter.acquire()
    await limiter.acquire()
    expect(performance.now() - began).toBeGreaterThanOrEqual(40)
  })

  test('fake timers that are installed later are used', async () => {
    const limiter = new AsyncRateLimiter(1, 1_000)
    jest.useFakeTimers()
    try {
      limiter.tryAcquire()
      const waiting = observe(limiter.acquire())
      jest.advanceTimersByTime(1_100)
      await drain()
      expect(waiting.state).toBe('fulfilled')
    } finally {
      jest.useRealTimers()
    }
  })
})

describe('rates', () => {
  test('a tiny rate waits its time', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1e-9, 1_000, { clock })
    expect([limiter.tryAcquire(), limiter.tryAcquire()]).toEqual([true, false])
    expect(limiter.reserve().delay).toBeCloseTo(1e12, 0)
    expect(limiter.bound(1e12)).toBe(2)
    limiter.close()
  })

  test('a huge rate keeps its bound, and its permits count also when the clock says a large number', () => {
    const clock = new FakeClock(1.7e12)
    const limiter = new AsyncRateLimiter(1e12, 1_000, { burst: 5, clock })
    expect(Array.from({ length: 7 }, () => limiter.tryAcquire()).filter(Boolean)).toHaveLength(5)
    clock.elapsed += 0.001
    expect(limiter.tryAcquire(5)).toBe(true)
    const whole = new AsyncRateLimiter(1e12, 1_000, { clock })
    expect([whole.burst, whole.tryAcquire(1e12), whole.tryAcquire()]).toEqual([1e12, true, false])
  })

  test('after 2 ** 53 permits and more one still counts', () => {
    const clock = new FakeClock()
    const burst = 2 ** 40
    const limiter = new AsyncRateLimiter(burst, 1, { burst, clock })
    expect(limiter.tryAcquire(burst)).toBe(true)
    for (let i = 0; i < 2 ** 14; i++) {
      // Never full, so it counts on.
      clock.elapsed += 0.5
      if (!limiter.tryAcquire(burst / 2)) throw new Error(`not even half after ${i}`)
    }
    expect(limiter.tryAcquire()).toBe(false)
    clock.elapsed += 2 ** -38
    expect([limiter.tryAcquire(4), limiter.tryAcquire()]).toEqual([true, false])
  })

  test.each([
    [3, 1_000],
    [7, 10],
    [0.3, 1],
    [1 / 3, 0.7],
    [1_000.1, 13],
  ])('in a long run at %p per %p ms no permit is lost or gained', (rate, per) => {
    const clock = new FakeClock(0.1)
    const limiter = new AsyncRateLimiter(rate, per, { burst: 10, clock })
    limiter.tryAcquire(10)
    let granted = 0
    const step = per / rate / 2.7
    for (let i = 0; i < 300_000; i++) {
      clock.elapsed += step
      if (limiter.tryAcquire()) granted += 1
    }
    const due = (clock.elapsed * rate) / per
    expect(granted).toBeLessThanOrEqual(Math.ceil(due))
    expect(granted).toBeGreaterThanOrEqual(Math.floor(due) - 1)
  })

  test('late timers do not slow a limiter down that has a burst to make up for them', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(100, 1_000, { burst: 10, clock })
    limiter.tryAcquire(10)
    let granted = 0
    for (let i = 0; i < 1_000; i++)
      void limiter.acquire().then(
        () => granted++,
        () => undefined,
      )
    for (let i = 0; i < 300; i++) await clock.block(17)
    expect(granted).toBe(510)
    limiter.close()
  })

  test('after a stop of the thread no more than the burst passes at once', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(100, 1_000, { burst: 10, clock })
    let granted = 0
    for (let i = 0; i < 1_000; i++)
      void limiter.acquire().then(
        () => granted++,
        () => undefined,
      )
    await drain()
    await clock.block(60_000)
    expect(granted).toBe(20)
    limiter.close()
  })

  test('the bound is the burst and what comes in the time; in strict mode the rate for each period begun', () => {
    const limiter = new AsyncRateLimiter(10, 100, { burst: 4 })
    expect([0, 9, 10, 99, 100, 1_000].map((ms) => limiter.bound(ms))).toEqual([4, 4, 5, 13, 14, 104])
    const strict = new AsyncRateLimiter(10, 100, { strict: true })
    expect([0, 1, 100, 101, 1_000].map((ms) => strict.bound(ms))).toEqual([10, 10, 10, 20, 100])
    expect(
      [new AsyncRateLimiter(0, 1), new AsyncRateLimiter(0, 1, { strict: true })].map((each) => each.bound(Infinity)),
    ).toEqual([1, 1])
    expect([limiter, strict].map((each) => each.bound(Infinity))).toEqual([Infinity, Infinity])
  })
})

// S16
describe('bad arguments', () => {
  const wrongKind = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
  const wrongValue = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }

  const made: [string, unknown[], object][] = [
    ['a negative rate', [-1, 1], wrongValue],
    ['a rate that is NaN', [Number.NaN, 1], wrongValue],
    ['an infinite rate', [Infinity, 1], wrongValue],
    ['a rate that is a string', ['1', 1], wrongKind],
    ['a period of 0', [1, 0], wrongValue],
    ['an infinite period', [1, Infinity], wrongValue],
    ['no period', [1], wrongKind],
    ['a burst of 0', [1, 1, { burst: 0 }], wrongValue],
    ['half a burst', [1, 1, { burst: 1.5 }], wrongValue],
    ['a burst that is null', [1, 1, { burst: null }], wrongKind],
    ['burst and strict', [1, 1, { burst: 1, strict: true }], wrongKind],
    ['strict that is no boolean', [1, 1, { strict: 1 }], wrongKind],
    ['maxWaiting below 0', [1, 1, { maxWaiting: -1 }], wrongValue],
    ['options that are null', [1, 1, null], wrongKind],
    ['a clock that is null', [1, 1, { clock: null }], wrongKind],
    ['a clock without timers', [1, 1, { clock: { now: () => 0 } }], wrongKind],
  ]

  test.each(made)('no limiter is made with %s', (_, args, error) => {
    expect(() => Reflect.construct(AsyncRateLimiter, args) as AsyncRateLimiter).toThrow(expect.objectContaining(error))
  })

  const weights: [unknown, object][] = [
    [0, wrongValue],
    [-1, wrongValue],
    [1.5, wrongValue],
    [Number.NaN, wrongValue],
    [4, wrongValue],
    [Infinity, wrongValue],
    ['1', wrongKind],
    [null, wrongKind],
  ]

  test.each(weights)(
    '%p permits of a burst of 3 are refused everywhere, and nothing changes',
    async (weight, error) => {
      for (const options of [{}, { strict: true }] satisfies AsyncRateLimiterOptions[]) {
        const limiter = new AsyncRateLimiter(3, 1_000, options)
        const permits = weight as number
        expect(await rejectionOf(limiter.acquire({ permits }))).toMatchObject(error)
        expect(() => limiter.tryAcquire(permits)).toThrow(expect.objectContaining(error))
        expect(() => limiter.reserve(permits)).toThrow(expect.objectContaining(error))
        expect([limiter.availablePermits, limiter.waiting]).toEqual([3, 0])
      }
    },
  )

  const options: [string, unknown, object][] = [
    ['a negative timeout', { timeout: -1 }, wrongValue],
    ['a timeout that is a string', { timeout: '5' }, wrongKind],
    ['a signal that is null', { signal: null }, wrongKind],
    ['options that are null', null, wrongKind],
    ['options that are a number', 2, wrongKind],
  ]

  test.each(options)('%s is refused, and nothing changes', async (_, bad, error) => {
    const limiter = new AsyncRateLimiter(1, 1_000)
    expect(await rejectionOf(limiter.acquire(bad as RateAcquireOptions))).toMatchObject(error)
    expect([limiter.availablePermits, limiter.waiting]).toEqual([1, 0])
  })

  test('a bad rate or window is refused, and the limiter is as it was', () => {
    const limiter = new AsyncRateLimiter(5, 1_000)
    expect(() => limiter.setRate(-1)).toThrow(expect.objectContaining(wrongValue))
    expect(() => limiter.setRate(1, 0)).toThrow(expect.objectContaining(wrongValue))
    expect(() => limiter.bound(-1)).toThrow(expect.objectContaining(wrongValue))
    expect([limiter.rate, limiter.per, limiter.burst, limiter.availablePermits]).toEqual([5, 1_000, 5, 5])
  })
})

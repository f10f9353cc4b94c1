import { AsyncRateLimiter } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { observe } from './support/observe.js'
import { drain, FakeClock } from './verify/fake-clock.ts'

/** The most of them that any `per` milliseconds hold, the beginning not included. */
function mostIn(per: number, stamps: readonly number[]): number {
  let most = 0
  let first = 0
  for (const [last, stamp] of stamps.entries()) {
    while (stamp - (stamps[first] as number) >= per) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most
}

/** Lets tasks run into a strict limiter until `ms` have passed, and notes by their own clock when each of them went on. */
async function saturate(rate: number, ms: number, task: (pass: () => Promise<void>) => Promise<void>, tasks: number) {
  const limiter = new AsyncRateLimiter(rate / 10, 100, { strict: true })
  const stamps: number[] = []
  const pass = async (): Promise<void> => {
    await limiter.acquire()
    stamps.push(performance.now())
  }
  const ended = Promise.allSettled(Array.from({ length: tasks }, () => task(pass)))
  const began = performance.now()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const whole = performance.now() - began
  limiter.close()
  await ended
  return { stamps, perSecond: (stamps.length * 1_000) / whole }
}

const once = (pass: () => Promise<void>) => pass()
async function forEver(pass: () => Promise<void>): Promise<void> {
  for (;;) await pass()
}

// A17
describe('strict mode, by the clocks of those who are let through', () => {
  test.each([
    [1_000, 'waiting all at once', once, 1_500],
    [1_000, 'in 50 tasks one by one', forEver, 50],
    [20_000, 'waiting all at once', once, 30_000],
    [20_000, 'in 50 tasks one by one', forEver, 50],
  ])('at %p a second, %s, no 100 ms hold more than the rate', async (rate, _, task, tasks) => {
    const { stamps, perSecond } = await saturate(rate, 650, task, tasks)
    expect(mostIn(100, stamps)).toBe(rate / 10)
    // Not the speed, which is measured elsewhere: that it flows at all.
    expect(perSecond).toBeGreaterThan(rate / 5)
  })

  test('also with tryAcquire in a loop that never lets go of the thread', () => {
    const limiter = new AsyncRateLimiter(50, 20, { strict: true })
    const stamps: number[] = []
    for (const end = performance.now() + 150; performance.now() < end; )
      if (limiter.tryAcquire()) stamps.push(performance.now())
    expect(mostIn(20, stamps)).toBe(50)
    expect(stamps.length).toBeGreaterThan(150)
  })
})

describe('strict mode', () => {
  // A17
  test('has no burst across a boundary', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(5, 100, { strict: true, clock })
    const times: number[] = []
    const ask = () => void limiter.acquire().then(() => times.push(clock.elapsed))
    ask()
    await clock.pass(95)
    for (let i = 0; i < 9; i++) ask()
    await clock.pass(400)
    expect(times).toEqual([0, 95, 95, 95, 95, 100, 195, 195, 195, 195])
  })

  test.each([
    ['whose permits were there', 1],
    ['that had to wait', 2],
  ])('a permit stays in the window until a window after its owner, %s, went on', async (_, asks) => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { strict: true, clock })
    let last = 0
    for (let i = 0; i < asks; i++)
      void limiter.acquire().then(() => {
        // It had to do something first.
        clock.elapsed += 30
        last = clock.elapsed
      })
    await drain()
    if (asks === 2) await clock.pass(100)
    expect([last, clock.elapsed]).toEqual(asks === 1 ? [30, 30] : [160, 160])
    const next = observe(limiter.acquire())
    await clock.pass(99)
    expect(next.state).toBe('pending')
    await clock.pass(1)
    expect(next.state).toBe('fulfilled')
  })

  test('a permit that a caller took and did not use at once is in the window from the next look at the clock', () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { strict: true, clock })
    expect(limiter.tryAcquire()).toBe(true)
    clock.elapsed += 70
    expect(limiter.tryAcquire()).toBe(false)
    clock.elapsed += 99
    expect(limiter.tryAcquire()).toBe(false)
    clock.elapsed += 1
    expect(limiter.tryAcquire()).toBe(true)
  })

  test('a rate below one is one permit in a longer window, and of a fraction beyond the whole part stays', async () => {
    const clock = new FakeClock()
    const slow = new AsyncRateLimiter(0.5, 100, { strict: true, clock })
    const fraction = new AsyncRateLimiter(2.9, 100, { strict: true, clock })
    expect([slow.burst, fraction.burst]).toEqual([1, 2])
    slow.tryAcquire()
    await drain()
    const next = observe(slow.acquire())
    await clock.pass(199)
    expect(next.state).toBe('pending')
    await clock.pass(1)
    expect(next.state).toBe('fulfilled')
  })

  test('a smaller rate counts what was let through before', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(20, 100, { strict: true, clock })
    for (let i = 0; i < 10; i++) {
      limiter.tryAcquire(2)
      await drain()
      await clock.pass(5)
    }
    limiter.setRate(3)
    expect(limiter.availablePermits).toBe(0)
    const reservation = limiter.reserve()
    // The three youngest, and with them the one of the same time before them, must leave but two.
    expect(reservation.delay).toBe(40 + 100 - 50)
    await clock.pass(90)
    expect([reservation.ready, limiter.availablePermits]).toEqual([true, 0])
    limiter.setRate(10)
    expect(limiter.availablePermits).toBe(7)
  })
})

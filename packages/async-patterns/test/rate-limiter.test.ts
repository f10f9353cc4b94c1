import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { AsyncRateLimiter } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { observe, rejectionOf } from './support/observe.js'
import { drain, FakeClock } from './verify/fake-clock.ts'

/** Notes the time at which each of `count` acquisitions is granted. */
function grantTimes(limiter: AsyncRateLimiter, clock: FakeClock, count: number): number[] {
  const times: number[] = []
  for (let i = 0; i < count; i++)
    void limiter.acquire().then(
      () => times.push(clock.elapsed),
      () => undefined,
    )
  return times
}

describe('permits', () => {
  // A11
  test('a burst of 3 passes at once, then one per interval', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(10, 1_000, { burst: 3, clock })
    const times = grantTimes(limiter, clock, 7)
    await clock.pass(1_000)
    expect(times).toEqual([0, 0, 0, 100, 200, 300, 400])
  })

  // A13
  test('of 15 simultaneous asks exactly 5 pass with a burst of 5', () => {
    const limiter = new AsyncRateLimiter(10, 1_000, { burst: 5, clock: new FakeClock() })
    const passed = Array.from({ length: 15 }, () => limiter.tryAcquire())
    expect(passed.filter(Boolean)).toHaveLength(5)
    expect(passed.slice(0, 5)).not.toContain(false)
  })

  // A14
  test('with rate 0 only the burst passes, and after the rate is set it flows', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(0, 1_000, { burst: 2, clock })
    const times = grantTimes(limiter, clock, 5)
    await clock.pass(1_000_000)
    expect([times, clock.timers]).toEqual([[0, 0], 0])
    limiter.setRate(10)
    await clock.pass(250)
    expect(times).toEqual([0, 0, 1_000_100, 1_000_200])
    limiter.close()
  })

  test('without a burst of its own a limiter lets rate permits pass at once, a fractional rate its whole part, but one at least', () => {
    expect([2.9, 10, 0.1, 0].map((rate) => new AsyncRateLimiter(rate, 1_000).burst)).toEqual([2, 10, 1, 1])
  })

  test('tryAcquire takes all that it is asked for, or nothing', () => {
    const limiter = new AsyncRateLimiter(3, 1_000, { clock: new FakeClock() })
    expect([limiter.tryAcquire(2), limiter.tryAcquire(2), limiter.availablePermits]).toEqual([true, false, 1])
  })

  test('a setRate re-times those who wait, and keeps what is there', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 1_000, { burst: 1, clock })
    const times = grantTimes(limiter, clock, 4)
    await clock.pass(500)
    limiter.setRate(1, 200)
    await clock.pass(500)
    // Half a permit was there, the other half comes in 100 ms.
    expect(times).toEqual([0, 600, 800, 1_000])
  })

  test('who waits for more than a smaller rate can ever give at once is rejected, and those behind move up', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(5, 1_000, { clock })
    limiter.tryAcquire(5)
    const first = observe(limiter.acquire({ permits: 5 }))
    const reservation = limiter.reserve(4)
    const last = observe(limiter.acquire())
    limiter.setRate(2)
    await drain()
    expect([first.state, first.reason]).toMatchObject(['rejected', { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }])
    expect([reservation.ready, reservation.delay, limiter.waiting]).toEqual([false, Infinity, 1])
    await clock.pass(500)
    expect(last.state).toBe('fulfilled')
  })
})

describe('waiting', () => {
  // A15
  test('a wait that cannot be met before its deadline fails at once and takes nothing', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    await limiter.acquire()
    const met = observe(limiter.acquire({ timeout: 100 }))
    const hopeless = observe(limiter.acquire({ timeout: 199 }))
    await drain()
    expect(hopeless.reason).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect([limiter.waiting, clock.elapsed]).toEqual([1, 0])
    const next = observe(limiter.acquire({ timeout: 200 }))
    await clock.pass(100)
    expect([met.state, next.state]).toEqual(['fulfilled', 'pending'])
    await clock.pass(100)
    expect([next.state, clock.timers]).toEqual(['fulfilled', 0])
  })

  test('a deadline that a slower rate overtakes still holds, and those behind move up', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(2, 100, { clock })
    limiter.tryAcquire(2)
    const first = observe(limiter.acquire({ permits: 2, timeout: 100 }))
    const second = observe(limiter.acquire())
    limiter.setRate(2, 1_000)
    await clock.pass(99)
    expect(first.state).toBe('pending')
    await clock.pass(1)
    expect(first.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
    await clock.pass(399)
    expect(second.state).toBe('pending')
    await clock.pass(1)
    expect([second.state, clock.timers]).toEqual(['fulfilled', 0])
  })

  test('permits that were due in time are granted, however late the event loop is', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    limiter.tryAcquire()
    const inTime = observe(limiter.acquire({ timeout: 100 }))
    const after = observe(limiter.acquire({ timeout: 300 }))
    await clock.block(5_000)
    expect([inTime.state, after.state]).toEqual(['fulfilled', 'rejected'])
  })

  // A16
  test('a cancelled reservation gives its place back, and those behind move up', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { burst: 3, clock })
    limiter.tryAcquire(3)
    const reservation = limiter.reserve(3)
    const behind = observe(limiter.acquire())
    expect([reservation.ready, reservation.delay, limiter.waiting]).toEqual([false, 300, 2])
    expect(reservation.cancel()).toBe(true)
    expect([reservation.ready, reservation.delay, limiter.waiting]).toEqual([false, Infinity, 1])
    await clock.pass(100)
    expect(behind.state).toBe('fulfilled')
    expect(reservation.cancel()).toBe(false)
  })

  test('a reservation is granted when it is due, whether or not anybody looks, and cannot be cancelled then', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    const first = limiter.reserve()
    expect([first.ready, first.delay, first.cancel()]).toEqual([true, 0, false])
    const second = limiter.reserve()
    const third = limiter.reserve()
    expect([second.delay, third.delay]).toEqual([100, 200])
    await clock.pass(150)
    expect([second.ready, second.delay, third.delay, limiter.waiting]).toEqual([true, 0, 50, 1])
    expect([second.cancel(), limiter.availablePermits]).toEqual([false, 0])
    third[Symbol.dispose]()
    expect([limiter.waiting, clock.timers]).toEqual([0, 0])
  })

  test('a reservation that is looked at before the timer of the limiter fires is ready when it is due', () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    limiter.tryAcquire()
    const reservation = limiter.reserve()
    clock.elapsed = 100
    expect([reservation.ready, limiter.waiting, clock.timers]).toEqual([true, 0, 0])
  })

  // A18
  test('an aborted waiter uses no quota, and those behind move up', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { burst: 5, clock })
    limiter.tryAcquire(5)
    const controller = new AbortController()
    const aborted = Array.from({ length: 3 }, () => observe(limiter.acquire({ permits: 5, signal: controller.signal })))
    const behind = observe(limiter.acquire())
    await clock.pass(100)
    expect(behind.state).toBe('pending')
    controller.abort('enough')
    await drain()
    expect(aborted.map(({ reason }) => reason)).toEqual(['enough', 'enough', 'enough'])
    expect([behind.state, limiter.waiting, clock.timers]).toEqual(['fulfilled', 0, 0])
    expect(await rejectionOf(limiter.acquire({ signal: controller.signal }))).toBe('enough')
  })

  test('while a signal tells its listeners, who is about to be told is not granted', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock })
    limiter.tryAcquire()
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => {
      clock.elapsed += 100
      limiter.setRate(1)
    })
    const aborted = observe(limiter.acquire({ signal: controller.signal }))
    const behind = observe(limiter.acquire())
    controller.abort('enough')
    await drain()
    expect([aborted.reason, behind.state]).toEqual(['enough', 'fulfilled'])
  })

  // A20
  test('close ends a long wait at once, and no timer stays', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 3_600_000, { clock })
    await limiter.acquire()
    const waiting = [limiter.acquire(), limiter.acquire({ timeout: 1e9 })].map(observe)
    const reservation = limiter.reserve()
    expect(clock.timers).toBe(2)
    limiter.close('over')
    limiter.close('again')
    await drain()
    for (const { reason } of waiting) expect(reason).toMatchObject({ code: 'ERR_CLOSED', cause: 'over' })
    expect([clock.timers, limiter.waiting, reservation.ready, reservation.delay]).toEqual([0, 0, false, Infinity])
    expect(await rejectionOf(limiter.acquire())).toMatchObject({ name: 'ClosedError', cause: 'over' })
    expect(() => limiter.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => limiter.reserve()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('a block that uses a limiter closes it', async () => {
    const limiter = new AsyncRateLimiter(1, 1_000)
    limiter.tryAcquire()
    const waiting = rejectionOf(limiter.acquire())
    limiter[Symbol.dispose]()
    expect(await waiting).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('one timer serves a thousand waiters, and looks at the clock once for all that are due', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1_000, 1_000, { clock })
    limiter.tryAcquire(1_000)
    const times = grantTimes(limiter, clock, 1_000)
    expect(clock.timers).toBe(1)
    clock.readings = 0
    await clock.block(2_000)
    expect(times).toHaveLength(1_000)
    expect(clock.readings).toBeLessThan(10)
  })

  test('a waiter beyond maxWaiting is refused at once, and so is a reservation', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(1, 100, { clock, maxWaiting: 1 })
    await limiter.acquire()
    const waiting = observe(limiter.acquire())
    const full = { name: 'QueueFullError', code: 'ERR_TIMEOUT', item: 1 }
    expect(await rejectionOf(limiter.acquire())).toMatchObject(full)
    expect(() => limiter.reserve()).toThrow(expect.objectContaining(full))
    await clock.pass(100)
    expect([waiting.state, limiter.waiting]).toEqual(['fulfilled', 0])
  })

  test('who begins to wait is told to the diagnostics channel', async () => {
    const messages: unknown[] = []
    const listener = (message: unknown) => void messages.push(message)
    const limiter = new AsyncRateLimiter(1, 1_000)
    subscribe('heddle:async-patterns:wait', listener)
    try {
      await limiter.acquire()
      const waiting = rejectionOf(limiter.acquire())
      limiter.close()
      await waiting
    } finally {
      unsubscribe('heddle:async-patterns:wait', listener)
    }
    expect(messages).toEqual([{ kind: 'AsyncRateLimiter', object: limiter, waiting: 1 }])
  })

  test('a huge backlog that is due leaves timers their turn', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(200_000, 1_000, { clock })
    limiter.tryAcquire(200_000)
    let granted = 0
    let atTurn = -1
    for (let i = 0; i < 200_000; i++) void limiter.acquire().then(() => granted++)
    const passed = clock.block(1_000)
    setImmediate(() => {
      atTurn = granted
    })
    await passed
    while (granted < 200_000) await drain()
    expect(atTurn).toBeLessThan(200_000)
    expect([limiter.waiting, clock.timers]).toEqual([0, 0])
  })
})

describe("the document's faults", () => {
  test('17: a clock that steps back by 30 s blocks nobody for 30 s', async () => {
    const clock = new FakeClock(1e6)
    const limiter = new AsyncRateLimiter(10, 1_000, { burst: 1, clock })
    limiter.tryAcquire()
    clock.jump(-30_000)
    const waiting = observe(limiter.acquire())
    await clock.pass(100)
    expect(waiting.state).toBe('fulfilled')
  })

  test('18: 200 waiters at 50 a second cost a timer each at most, keep their order, and nobody barges in', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(50, 1_000, { burst: 1, clock })
    const order: number[] = []
    for (let i = 0; i < 200; i++) void limiter.acquire().then(() => order.push(i))
    for (let i = 0; i < 199; i++) {
      clock.elapsed += 10
      expect(limiter.tryAcquire()).toBe(false)
      await clock.pass(10)
    }
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(clock.delays.length).toBeLessThanOrEqual(200)
  })

  test('19: a rate below one admits again and again', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(0.5, 1_000, { clock })
    const times = grantTimes(limiter, clock, 4)
    await clock.pass(6_000)
    expect(times).toEqual([0, 2_000, 4_000, 6_000])
  })

  test('20: the first window has what bound() declares, and no stretch has more', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(10, 1_000, { clock })
    const times = grantTimes(limiter, clock, 100)
    await clock.pass(5_000)
    const most = (length: number) =>
      Math.max(...times.map((end) => times.filter((at) => at > end - length && at <= end).length))
    expect(limiter.bound(1_000)).toBe(20)
    for (const length of [0.5, 100, 250, 999, 1_000, 3_000])
      expect(most(length)).toBeLessThanOrEqual(limiter.bound(length))
    expect(most(1_001)).toBe(20)
    limiter.close()
  })

  test('21: what needs no waiting has happened when the call returns', () => {
    const limiter = new AsyncRateLimiter(10, 1_000, { clock: new FakeClock() })
    void limiter.acquire({ permits: 4 })
    expect(limiter.availablePermits).toBe(6)
  })

  test('22: there are weights, deadlines, cancelling, a time to come back, and reservations', async () => {
    const clock = new FakeClock()
    const limiter = new AsyncRateLimiter(10, 1_000, { clock })
    await limiter.acquire({ permits: 10 })
    const heavy = observe(limiter.acquire({ permits: 8, timeout: 800 }))
    const light = observe(limiter.acquire())
    const comeBack = limiter.reserve()
    expect([comeBack.delay, comeBack.cancel()]).toEqual([1_000, true])
    await clock.pass(799)
    // Seven are there, and the one who waits for eight is not passed.
    expect([limiter.availablePermits, limiter.tryAcquire()]).toEqual([7, false])
    expect([heavy.state, light.state]).toEqual(['pending', 'pending'])
    await clock.pass(101)
    expect([heavy.state, light.state]).toEqual(['fulfilled', 'fulfilled'])
  })
})

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AsyncKeyedRateLimiter } from '@heddle/async-patterns'
import { expect, test } from '@jest/globals'
import { observe, rejectionOf } from './support/observe.js'
import { drain, FakeClock } from './verify/fake-clock.ts'

test('each key has a limiter of its own, also when it waits', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { burst: 2, clock })
  expect([limiter.tryAcquire('a', 2), limiter.tryAcquire('a'), limiter.tryAcquire('b')]).toEqual([true, false, true])
  const waiting = observe(limiter.acquire('a', { permits: 2 }))
  await limiter.acquire('b')
  expect([waiting.state, limiter.size]).toEqual(['pending', 2])
  await clock.pass(200)
  expect(waiting.state).toBe('fulfilled')
})

test('keys are told apart as a Map does', () => {
  const limiter = new AsyncKeyedRateLimiter<unknown>(1, 1_000, { clock: new FakeClock() })
  const object = {}
  const keys = [1, '1', Number.NaN, undefined, null, object, {}]
  expect(keys.map((key) => limiter.tryAcquire(key))).toEqual(keys.map(() => true))
  expect(keys.map((key) => limiter.tryAcquire(key))).toEqual(keys.map(() => false))
})

test('there is a timer for a key on which somebody waits, and none for others', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<number>(1, 100, { clock })
  for (let key = 0; key < 100; key++) limiter.tryAcquire(key)
  expect(clock.timers).toBe(0)
  const waiting = [limiter.acquire(7), limiter.acquire(7)].map(observe)
  expect(clock.timers).toBe(1)
  await clock.pass(200)
  expect([waiting.map(({ state }) => state), clock.timers]).toEqual([['fulfilled', 'fulfilled'], 0])
})

test.each([false, true])(
  'keys that are full again make room as others come, and no others do (strict: %p)',
  async (strict) => {
    const clock = new FakeClock()
    const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { strict, clock })
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 20; i++) expect(limiter.tryAcquire(`${round} ${i}`)).toBe(true)
      await drain()
      await clock.pass(10)
    }
    // Ten rounds are not full; of the full ones two leave for each one that comes.
    expect(limiter.size).toBeGreaterThanOrEqual(200)
    expect(limiter.size).toBeLessThanOrEqual(220)
    for (let round = 41; round < 50; round++)
      for (let i = 0; i < 20; i++) expect(limiter.tryAcquire(`${round} ${i}`)).toBe(false)
  },
)

test('a key that is used on and on is never dropped, whatever comes', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { burst: 3, clock })
  let granted = 0
  for (let i = 0; i < 1_000; i++) {
    if (limiter.tryAcquire('busy')) granted += 1
    limiter.tryAcquire(`other ${i}`)
    await clock.pass(10)
  }
  expect(granted).toBe(3 + 99)
})

test('beyond maxKeys a new key is refused while none is full, and takes the place of one that is', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { burst: 2, maxKeys: 2, clock })
  limiter.tryAcquire('a', 2)
  limiter.tryAcquire('b')
  expect(limiter.tryAcquire('c')).toBe(false)
  expect(await rejectionOf(limiter.acquire('c'))).toMatchObject({
    name: 'QueueFullError',
    code: 'ERR_TIMEOUT',
    item: 'c',
  })
  expect(limiter.size).toBe(2)
  await clock.pass(100)
  expect([limiter.tryAcquire('c'), limiter.tryAcquire('d'), limiter.size]).toEqual([true, false, 2])
  // It was b that left: a has one permit.
  expect([limiter.tryAcquire('a'), limiter.tryAcquire('a')]).toEqual([true, false])
})

test('a key on which somebody waits is not dropped, even if the thread was busy until it was full', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { maxKeys: 1, clock })
  limiter.tryAcquire('a')
  const waiting = observe(limiter.acquire('a'))
  clock.elapsed += 1_000
  expect([limiter.tryAcquire('b'), limiter.size]).toEqual([false, 1])
  await clock.block(0)
  expect([waiting.state, limiter.tryAcquire('b')]).toEqual(['fulfilled', false])
  await clock.pass(100)
  expect(limiter.tryAcquire('b')).toBe(true)
})

test('forget makes a key new, but not one on which somebody waits', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { clock })
  limiter.tryAcquire('a')
  expect([limiter.forget('a'), limiter.forget('a'), limiter.size]).toEqual([true, false, 0])
  expect(limiter.tryAcquire('a')).toBe(true)
  const waiting = observe(limiter.acquire('a'))
  expect(limiter.forget('a')).toBe(false)
  await clock.pass(100)
  expect(waiting.state).toBe('fulfilled')
})

test('a key that was forgotten and came again is not dropped with its first life', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100, { clock })
  for (let i = 0; i < 100; i++) {
    limiter.tryAcquire('a')
    limiter.forget('a')
  }
  await clock.pass(50)
  limiter.tryAcquire('a')
  await clock.pass(60)
  limiter.tryAcquire('b')
  limiter.tryAcquire('c')
  expect(limiter.tryAcquire('a')).toBe(false)
})

test('keys that were forgotten can be collected, however long until they would have been full', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const limiter = new AsyncKeyedRateLimiter<object>(1e-9, 100, { clock: new FakeClock() })
  const keys = Array.from({ length: 1_000 }, () => {
    const key = {}
    limiter.tryAcquire(key)
    limiter.forget(key)
    return new WeakRef(key)
  })
  await drain()
  collect()
  expect(keys.filter((key) => key.deref() !== undefined).length).toBeLessThan(50)
  expect(limiter.size).toBe(0)
})

test('bad arguments leave no key behind', async () => {
  const limiter = new AsyncKeyedRateLimiter<string>(1, 100)
  const bad = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' })
  expect(() => limiter.tryAcquire('a', 2)).toThrow(bad)
  await expect(limiter.acquire('a', { permits: 2 })).rejects.toEqual(bad)
  expect(await rejectionOf(limiter.acquire('a', { signal: AbortSignal.abort('no') }))).toBe('no')
  expect(limiter.size).toBe(0)
  expect(() => new AsyncKeyedRateLimiter(-1, 100)).toThrow(bad)
  expect(() => new AsyncKeyedRateLimiter(1, 100, { maxKeys: 0 })).toThrow(bad)
})

// A20
test('close ends all waiting at once, later calls as they are made, and no timer stays', async () => {
  const clock = new FakeClock()
  const limiter = new AsyncKeyedRateLimiter<string>(1, 3_600_000, { clock })
  await limiter.acquire('a')
  const waiting = rejectionOf(limiter.acquire('a'))
  limiter.close('over')
  expect(await waiting).toMatchObject({ code: 'ERR_CLOSED', cause: 'over' })
  expect([clock.timers, limiter.size]).toEqual([0, 0])
  expect(await rejectionOf(limiter.acquire('a'))).toMatchObject({ code: 'ERR_CLOSED', cause: 'over' })
  expect(() => limiter.tryAcquire('new')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  expect(limiter.size).toBe(0)
})

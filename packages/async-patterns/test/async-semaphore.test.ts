import { AsyncSemaphore } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

const most = 2 ** 30 - 1

describe('permits', () => {
  test('as many acquire as there are permits, and the next one waits', async () => {
    const semaphore = new AsyncSemaphore(2)
    const first = await semaphore.acquire()
    await semaphore.acquire()
    const third = observe(semaphore.acquire())
    await drain()
    expect(third.state).toBe('pending')
    expect([semaphore.availablePermits, semaphore.waiting]).toEqual([0, 1])
    first.release()
    await drain()
    expect(third.state).toBe('fulfilled')
    expect([semaphore.availablePermits, semaphore.waiting]).toEqual([0, 0])
  })

  test('without arguments there is one permit', async () => {
    const semaphore = new AsyncSemaphore()
    expect(semaphore.availablePermits).toBe(1)
    expect((await semaphore.acquire()).permits).toBe(1)
    expect(semaphore.availablePermits).toBe(0)
  })

  // S6
  test('with no permits at first, acquire waits for a release', async () => {
    const semaphore = new AsyncSemaphore(0)
    const waiting = observe(semaphore.acquire())
    expect(semaphore.tryAcquire()).toBeUndefined()
    await drain()
    expect(waiting.state).toBe('pending')
    semaphore.release()
    await drain()
    expect(waiting.value?.held).toBe(true)
  })

  // S1
  test('seven permits and ten that want two each: 6, 7, 6 and 1 more pass as they are released', async () => {
    const semaphore = new AsyncSemaphore(7)
    let passed = 0
    const asks = Array.from({ length: 20 }, () => semaphore.acquire().then(() => passed++))
    const passedAfter: number[] = []
    for (const released of [0, 6, 6, 1]) {
      if (released > 0) semaphore.release(released)
      await drain()
      passedAfter.push(passed)
    }
    expect(passedAfter).toEqual([7, 13, 19, 20])
    await Promise.all(asks)
    expect([semaphore.availablePermits, semaphore.waiting]).toEqual([0, 0])
  })

  // S2
  test('release(n) lets exactly n waiters pass', async () => {
    const semaphore = new AsyncSemaphore(0)
    let passed = 0
    for (let i = 0; i < 10; i++) void semaphore.acquire().then(() => passed++)
    semaphore.release(4)
    await drain()
    expect([passed, semaphore.waiting]).toEqual([4, 6])
    semaphore.release(6)
    await drain()
    expect([passed, semaphore.waiting, semaphore.availablePermits]).toEqual([10, 0, 0])
  })

  // S3
  test('tryAcquire takes all that it is asked for, or nothing', () => {
    const semaphore = new AsyncSemaphore(2)
    expect(semaphore.tryAcquire(3)).toBeUndefined()
    expect(semaphore.availablePermits).toBe(2)
    expect(semaphore.tryAcquire(2)?.permits).toBe(2)
    expect(semaphore.availablePermits).toBe(0)
  })

  // S5
  test('a release without an acquisition adds a permit', () => {
    const semaphore = new AsyncSemaphore(1)
    semaphore.release()
    semaphore.release(3)
    expect(semaphore.availablePermits).toBe(5)
  })

  // S4
  test('a release beyond maxPermits is refused and changes nothing', async () => {
    const semaphore = new AsyncSemaphore(2, { maxPermits: 3 })
    expect(() => semaphore.release(2)).toThrow(
      expect.objectContaining({ name: 'LockStateError', code: 'ERR_OVER_RELEASE' }),
    )
    expect(semaphore.availablePermits).toBe(2)
    semaphore.release()
    expect(() => semaphore.release()).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
    expect(semaphore.availablePermits).toBe(3)
    const all = await semaphore.acquire(3)
    expect(all.held).toBe(true)
  })

  // S7
  test('at the greatest number of permits one more is refused, and nothing wraps around', () => {
    const semaphore = new AsyncSemaphore(most)
    expect(() => semaphore.release()).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
    expect(semaphore.availablePermits).toBe(most)
  })

  test('a permit beyond maxPermits is refused even if a waiter would take it at once', async () => {
    const semaphore = new AsyncSemaphore(2, { maxPermits: 3 })
    const waiting = observe(semaphore.acquire(3))
    expect(() => semaphore.release(2)).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
    await drain()
    expect([waiting.state, semaphore.availablePermits, semaphore.waiting]).toEqual(['pending', 2, 1])
    semaphore.close()
  })
})

describe('order', () => {
  test('waiters are served in the order they asked, in one turn', async () => {
    const semaphore = new AsyncSemaphore(0)
    const served: number[] = []
    for (let i = 0; i < 5; i++) void semaphore.acquire().then(() => served.push(i))
    semaphore.release(5)
    // One reaction each: they have all run when a reaction that was asked for later runs.
    await Promise.resolve()
    expect(served).toEqual([0, 1, 2, 3, 4])
  })

  // S9
  test('one that asked for few does not pass one that asked for many before', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const many = observe(semaphore.acquire(3))
    const few = observe(semaphore.acquire(1))
    semaphore.release(2)
    await drain()
    expect([many.state, few.state, semaphore.availablePermits]).toEqual(['pending', 'pending', 2])
    holder.release()
    await drain()
    expect([many.state, few.state, semaphore.availablePermits]).toEqual(['fulfilled', 'pending', 0])
    many.value?.release()
    await drain()
    expect([few.state, semaphore.availablePermits]).toEqual(['fulfilled', 2])
  })

  // S11
  test('one that wants all permits gets them among a stream of those who want one', async () => {
    const semaphore = new AsyncSemaphore(4)
    let streaming = true
    let served = 0
    const lane = async () => {
      while (streaming) {
        using guard = await semaphore.acquire()
        served += guard.permits
        await drain()
      }
    }
    const lanes = Array.from({ length: 8 }, lane)
    await drain()
    const all = await semaphore.acquire(4)
    expect(semaphore.availablePermits).toBe(0)
    expect(served).toBeGreaterThan(0)
    streaming = false
    all.release()
    await Promise.all(lanes)
    expect(semaphore.availablePermits).toBe(4)
  })

  // S12
  test('one that asks for more than can ever be free is refused at once and holds nobody up', async () => {
    const semaphore = new AsyncSemaphore(2, { maxPermits: 2 })
    const tooMany = observe(semaphore.acquire(3))
    const others = [observe(semaphore.acquire()), observe(semaphore.acquire())]
    await drain()
    expect(tooMany.reason).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(others.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled'])
    expect(semaphore.waiting).toBe(0)
  })

  // S13
  test('a permit released to a waiter is gone for everybody else before the waiter runs', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const waiting = observe(semaphore.acquire())
    holder.release()
    expect(waiting.state).toBe('pending')
    expect(semaphore.availablePermits).toBe(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    const late = observe(semaphore.acquire())
    await drain()
    expect([waiting.state, late.state]).toEqual(['fulfilled', 'pending'])
    semaphore.close()
  })

  test('tryAcquire and timeout 0 are refused while somebody waits, even if enough is free for them', async () => {
    const semaphore = new AsyncSemaphore(1)
    const waiting = observe(semaphore.acquire(2))
    expect(semaphore.tryAcquire()).toBeUndefined()
    expect(await rejectionOf(semaphore.acquire({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect([waiting.state, semaphore.availablePermits, semaphore.waiting]).toEqual(['pending', 1, 1])
    semaphore.close()
  })
})

describe('guards', () => {
  test('a second release does nothing, also when somebody else holds the permit by then', async () => {
    const semaphore = new AsyncSemaphore(1)
    const first = await semaphore.acquire()
    const second = semaphore.acquire()
    first.release()
    expect(first.held).toBe(false)
    first.release()
    expect((await second).held).toBe(true)
    expect(semaphore.availablePermits).toBe(0)
  })

  test('a guard gives back as many permits as it took', async () => {
    const semaphore = new AsyncSemaphore(5)
    const guard = await semaphore.acquire(3)
    expect([guard.permits, guard.held, semaphore.availablePermits]).toEqual([3, true, 2])
    guard.release()
    expect([guard.permits, guard.held, semaphore.availablePermits]).toEqual([3, false, 5])
  })

  test('using gives the permits back at the end of the block', async () => {
    const semaphore = new AsyncSemaphore(2)
    {
      using guard = await semaphore.acquire(2)
      expect([guard.held, semaphore.availablePermits]).toEqual([true, 0])
    }
    expect(semaphore.availablePermits).toBe(2)
  })

  test('a detached guard gives nothing back, and release does it in its place', async () => {
    const semaphore = new AsyncSemaphore(2)
    const guard = await semaphore.acquire(2)
    guard.detach()
    expect(guard.held).toBe(false)
    guard.release()
    expect(semaphore.availablePermits).toBe(0)
    semaphore.release(2)
    expect(semaphore.availablePermits).toBe(2)
  })

  test('a guard whose release is refused still holds, and can release later', async () => {
    const semaphore = new AsyncSemaphore(1, { maxPermits: 1 })
    const guard = await semaphore.acquire()
    semaphore.release()
    expect(() => guard.release()).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
    expect([guard.held, semaphore.availablePermits]).toEqual([true, 1])
    semaphore.tryAcquire()?.detach()
    guard.release()
    expect([guard.held, semaphore.availablePermits]).toEqual([false, 1])
  })
})

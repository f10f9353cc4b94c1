import { Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { hasWaiters } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const mostPermits = 2 ** 30 - 1

describe('making one', () => {
  test('it begins with the permits given, and with one by default', () => {
    expect(new Semaphore().availablePermits).toBe(1)
    for (const permits of [0, 1, 7, mostPermits]) expect(new Semaphore(permits).availablePermits).toBe(permits)
    expect(new Semaphore(3, { maxPermits: 3 }).availablePermits).toBe(3)
    expect(new Semaphore(3, {}).availablePermits).toBe(3)
    expect(new Semaphore(3, { maxPermits: undefined }).availablePermits).toBe(3)
  })

  test('one that begins with no permits is locked until somebody releases', async () => {
    const semaphore = new Semaphore(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    const waiting = semaphore.acquire()
    semaphore.release()
    expect((await waiting).held).toBe(true)
    expect(semaphore.availablePermits).toBe(0)
  })

  test.each([
    ['-1 permits', [-1], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['half a permit', [0.5], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['NaN permits', [Number.NaN], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['Infinity permits', [Number.POSITIVE_INFINITY], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['2 ** 30 permits', [2 ** 30], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['more permits than maxPermits', [2, { maxPermits: 1 }], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['0 maxPermits', [0, { maxPermits: 0 }], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['2 ** 30 maxPermits', [1, { maxPermits: 2 ** 30 }], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['a fraction of maxPermits', [1, { maxPermits: 1.5 }], 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['null permits', [null], 'TypeError', 'ERR_INVALID_ARG'],
    ['permits in text', ['1'], 'TypeError', 'ERR_INVALID_ARG'],
    ['a handle as permits', [new Semaphore().toHandle()], 'TypeError', 'ERR_INVALID_ARG'],
    ['null maxPermits', [1, { maxPermits: null }], 'TypeError', 'ERR_INVALID_ARG'],
    ['null options', [1, null], 'TypeError', 'ERR_INVALID_ARG'],
    ['a number as options', [1, 1], 'TypeError', 'ERR_INVALID_ARG'],
  ])('%s is refused', (_, parameters, name, code) => {
    const construct = Semaphore as unknown as new (...parameters: unknown[]) => Semaphore
    expect(thrownBy(() => new construct(...parameters))).toMatchObject({ name, code })
  })
})

describe('taking and releasing', () => {
  test('each form takes one permit, each guard gives one back, and then the next one is refused', async () => {
    const semaphore = new Semaphore(3)
    const guards = [await semaphore.acquire(), semaphore.acquireSync(), semaphore.tryAcquire()]
    expect(guards.map((guard) => guard?.held)).toEqual([true, true, true])
    expect(semaphore.availablePermits).toBe(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    expect(thrownBy(() => semaphore.acquireSync({ timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    await expect(semaphore.acquire({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(semaphore.availablePermits).toBe(0)
    for (const [given, guard] of guards.entries()) {
      guard?.release()
      expect(guard?.held).toBe(false)
      expect(semaphore.availablePermits).toBe(given + 1)
    }
  })

  test('a guard released twice gives its permit back once', () => {
    const semaphore = new Semaphore(2)
    const guard = semaphore.acquireSync()
    guard.release()
    guard.release()
    expect(semaphore.availablePermits).toBe(2)
  })

  test('a detached guard does not give its permit back; release does', () => {
    const semaphore = new Semaphore(1)
    {
      using guard = semaphore.acquireSync()
      guard.detach()
      expect(guard.held).toBe(false)
      guard.release()
      guard.detach()
    }
    expect(semaphore.availablePermits).toBe(0)
    semaphore.release()
    expect(semaphore.availablePermits).toBe(1)
  })

  test('a guard in a using declaration gives its permit back at the end of the block', () => {
    const semaphore = new Semaphore(2)
    {
      using guard = semaphore.acquireSync()
      expect(guard.held).toBe(true)
      expect(semaphore.availablePermits).toBe(1)
    }
    expect(semaphore.availablePermits).toBe(2)
  })

  test('without maxPermits, releasing what nobody acquired makes more permits', () => {
    const semaphore = new Semaphore(1)
    semaphore.release()
    semaphore.release(5)
    expect(semaphore.availablePermits).toBe(7)
  })

  test('release(n) lets exactly n waiters pass, in the order they asked', async () => {
    const semaphore = new Semaphore(0)
    const order: number[] = []
    const waits = Array.from({ length: 10 }, async (_, task) => {
      await semaphore.acquire()
      order.push(task)
    })
    semaphore.release(3)
    await Promise.all(waits.slice(0, 3))
    await turnsOfTheLoop(10)
    expect(order).toEqual([0, 1, 2])
    expect(semaphore.availablePermits).toBe(0)
    semaphore.release(10)
    await Promise.all(waits)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(semaphore.availablePermits).toBe(3)
  })

  test('a released permit that a task of this thread awaits is not for a tryAcquire that comes later', async () => {
    const semaphore = new Semaphore(1)
    const guard = semaphore.acquireSync()
    const waiting = semaphore.acquire()
    guard.release()
    expect(semaphore.tryAcquire()).toBeUndefined()
    const next = await waiting
    expect(semaphore.tryAcquire()).toBeUndefined()
    next.release()
    expect(semaphore.tryAcquire()?.held).toBe(true)
  })

  test('a task that asks right after the release is behind the one that waited', async () => {
    const semaphore = new Semaphore(0)
    const order: string[] = []
    const take = async (task: string) => {
      await semaphore.acquire()
      order.push(task)
    }
    const waited = take('waited')
    semaphore.release(2)
    await Promise.all([take('came later'), waited])
    expect(order).toEqual(['waited', 'came later'])
  })

  test('when the waiter has left, the permit of the holder is the only one', async () => {
    const semaphore = new Semaphore(1)
    const guard = semaphore.acquireSync()
    const controller = new AbortController()
    const waiting = semaphore.acquire({ signal: controller.signal })
    controller.abort('left')
    await expect(waiting).rejects.toBe('left')
    guard.release()
    expect(semaphore.availablePermits).toBe(1)
    await turnsOfTheLoop(10)
    expect(semaphore.availablePermits).toBe(1)
  })

  test('it is not owned: the thread that took all permits may wait for one more', async () => {
    const semaphore = new Semaphore(1)
    semaphore.acquireSync()
    const begun = performance.now()
    expect(thrownBy(() => semaphore.acquireSync({ timeout: 30 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(30)
    expect(semaphore.availablePermits).toBe(0)
  })
})

describe('the bound', () => {
  test('releasing past maxPermits is ERR_OVER_RELEASE and changes nothing', () => {
    const semaphore = new Semaphore(1, { maxPermits: 3 })
    expect(thrownBy(() => semaphore.release(3))).toMatchObject({ name: 'LockStateError', code: 'ERR_OVER_RELEASE' })
    expect(semaphore.availablePermits).toBe(1)
    semaphore.release(2)
    expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(semaphore.availablePermits).toBe(3)
    semaphore.acquireSync().release()
    expect(semaphore.availablePermits).toBe(3)
  })

  test('the highest number of permits is a bound too: no wrap to a negative number', () => {
    const semaphore = new Semaphore(mostPermits)
    expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(thrownBy(() => semaphore.release(mostPermits))).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(semaphore.availablePermits).toBe(mostPermits)
    const guard = semaphore.acquireSync()
    expect(semaphore.availablePermits).toBe(mostPermits - 1)
    guard.release()
    expect(semaphore.availablePermits).toBe(mostPermits)
  })

  test('a refused release wakes nobody and leaves the waiter in its place', async () => {
    const semaphore = new Semaphore(0, { maxPermits: 2 })
    const waiting = semaphore.acquire()
    expect(thrownBy(() => semaphore.release(3))).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(hasWaiters(semaphore)).toBe(true)
    expect(semaphore.availablePermits).toBe(0)
    semaphore.release(2)
    ;(await waiting).release()
    expect(semaphore.availablePermits).toBe(2)
  })

  test('a guard whose permit somebody else gave back is ERR_OVER_RELEASE, and stays held', () => {
    const semaphore = new Semaphore(1, { maxPermits: 1 })
    const guard = semaphore.acquireSync()
    semaphore.release()
    expect(thrownBy(() => guard.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(guard.held).toBe(true)
    expect(semaphore.availablePermits).toBe(1)
    semaphore.acquireSync().detach()
    guard.release()
    expect(semaphore.availablePermits).toBe(1)
  })

  test('the bound travels with the handle', () => {
    const semaphore = new Semaphore(1, { maxPermits: 2 })
    const sameSemaphore = Semaphore.fromHandle(structuredClone(semaphore.toHandle()))
    sameSemaphore.release()
    expect(thrownBy(() => sameSemaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(semaphore.availablePermits).toBe(2)
  })

  test.each([
    ['0', 0, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['-1', -1, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['a fraction', 1.5, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['NaN', Number.NaN, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['2 ** 32 + 1', 2 ** 32 + 1, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['text', '1', 'TypeError', 'ERR_INVALID_ARG'],
    ['null', null, 'TypeError', 'ERR_INVALID_ARG'],
  ])('releasing %s permits is refused and changes nothing', (_, permits, name, code) => {
    const semaphore = new Semaphore(2)
    expect(thrownBy(() => semaphore.release(permits as number))).toMatchObject({ name, code })
    expect(semaphore.availablePermits).toBe(2)
  })

  test.each([-1, Number.NaN])('the timeout %p is refused and takes no permit', async (timeout) => {
    const semaphore = new Semaphore(2)
    expect(thrownBy(() => semaphore.acquireSync({ timeout }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await expect(semaphore.acquire({ timeout })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(semaphore.availablePermits).toBe(2)
  })
})

describe('run exclusively', () => {
  test('as many functions run together as there are permits', async () => {
    const semaphore = new Semaphore(3)
    let [running, most] = [0, 0]
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, task) =>
        semaphore.runExclusive(async () => {
          running += 1
          most = Math.max(most, running)
          await turnsOfTheLoop()
          running -= 1
          return task
        }),
      ),
    )
    expect(most).toBe(3)
    expect(results).toEqual(Array.from({ length: 12 }, (_, task) => task))
    expect(semaphore.availablePermits).toBe(3)
  })

  test('an error of the function passes unchanged and gives the permit back', async () => {
    const semaphore = new Semaphore(1)
    const error = new Error('of the function')
    await expect(semaphore.runExclusive(() => Promise.reject(error))).rejects.toBe(error)
    expect(
      thrownBy(() =>
        semaphore.runExclusiveSync((guard) => {
          expect([guard.held, semaphore.availablePermits]).toEqual([true, 0])
          throw error
        }),
      ),
    ).toBe(error)
    expect(semaphore.availablePermits).toBe(1)
    expect(semaphore.runExclusiveSync(() => 'its result')).toBe('its result')
  })

  test('the function is not called when no permit was free in time', async () => {
    const semaphore = new Semaphore(0)
    let calls = 0
    const count = () => {
      calls += 1
    }
    await expect(semaphore.runExclusive(count, { timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(thrownBy(() => semaphore.runExclusiveSync(count, { timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(calls).toBe(0)
    expect(semaphore.getState()).toMatchObject({ free: 0, waitingHere: 0 })
  })
})

import { getEventListeners } from 'node:events'
import { Mutex, type MutexGuard, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { stateOf, wordsUnder } from './support/shared-words.js'
import { turnsOfTheLoop } from './support/until.js'

const FREE = 0
const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

/** Both locks that can be awaited, taken once: what holds of giving up holds of each. */
const locks = [
  ['a mutex', () => new Mutex()],
  ['a semaphore', () => new Semaphore(1)],
] as const

describe.each(locks)('giving up on %s', (_, create) => {
  test('a timeout is exact from below, and the lock is sound after it', async () => {
    const lock = create()
    const guard = lock.acquireSync()
    for (const timeout of [1, 12.5, 40, 130]) {
      const begun = performance.now()
      await expect(lock.acquire({ timeout })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
      const waited = performance.now() - begun
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
    }
    expect(guard.held).toBe(true)
    guard.release()
    const next = lock.tryAcquire()
    expect(next?.held).toBe(true)
    expect(lock.tryAcquire()).toBeUndefined()
    next?.release()
  })

  test('a timeout of 0 tries once: it takes a free lock and gives up at once on a held one', async () => {
    const lock = create()
    const guard = await lock.acquire({ timeout: 0 })
    await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    guard.release()
    ;(await lock.acquire({ timeout: 0 })).release()
  })

  test.each([2 ** 31, 2 ** 40, Number.MAX_VALUE, Number.POSITIVE_INFINITY])(
    'a timeout of %p ms is no timer that wraps around',
    async (timeout) => {
      const lock = create()
      const guard = lock.acquireSync()
      let settled = false
      const long = lock.acquire({ timeout }).finally(() => {
        settled = true
      })
      await expect(lock.acquire({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      expect(settled).toBe(false)
      guard.release()
      ;(await long).release()
    },
  )

  test('a signal that is aborted already rejects with its reason, even if the lock is free', async () => {
    const lock = create()
    const before = stateOf(lock)
    const reason = { why: 'changed my mind' }
    await expect(lock.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(stateOf(lock)).toBe(before)
  })

  test.each([
    ['an error', new Error('stop')],
    ['a word', 'stop'],
    ['null', null],
    ['zero', 0],
  ])('the reason arrives as given: %s', async (_, reason) => {
    const lock = create()
    const guard = lock.acquireSync()
    const controller = new AbortController()
    const waiting = lock.acquire({ signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    guard.release()
  })

  test('the first of three leaves by abort: the others get the lock in order', async () => {
    const order = await orderAfterLeaving(create(), 0)
    expect(order).toEqual([1, 2])
  })

  test('one in the middle leaves by abort: the others get the lock in order', async () => {
    const order = await orderAfterLeaving(create(), 1)
    expect(order).toEqual([0, 2])
  })

  test('the last leaves by abort: the others get the lock in order', async () => {
    const order = await orderAfterLeaving(create(), 2)
    expect(order).toEqual([0, 1])
  })

  test('abort of the first waiter and release in the same tick: the second one owns the lock', async () => {
    for (const abortFirst of [true, false]) {
      const lock = create()
      const a = lock.acquireSync()
      const controller = new AbortController()
      const b = lock.acquire({ signal: controller.signal })
      const c = lock.acquire()
      if (abortFirst) controller.abort('b leaves')
      a.release()
      if (!abortFirst) controller.abort('b leaves')
      await expect(b).rejects.toBe('b leaves')
      const guard = await c
      expect(guard.held).toBe(true)
      expect(lock.tryAcquire()).toBeUndefined()
      guard.release()
      expect(lock.tryAcquire()?.held).toBe(true)
    }
  })

  test('release and abort in the same tick: all who hang on the signal leave, and the one behind them owns the lock', async () => {
    const lock = create()
    const a = lock.acquireSync()
    const controller = new AbortController()
    const leaving = Array.from({ length: 3 }, () => lock.acquire({ signal: controller.signal }))
    const staying = lock.acquire()
    a.release()
    controller.abort('all of them')
    for (const promise of leaving) await expect(promise).rejects.toBe('all of them')
    const guard = await staying
    expect(guard.held).toBe(true)
    guard.release()
    expect(lock.tryAcquire()?.held).toBe(true)
  })

  test('however many have waited and left, at most one sleeper of this thread is on the word', async () => {
    const lock = create()
    const guard = lock.acquireSync()
    const controllers = Array.from({ length: 20 }, () => new AbortController())
    const waits = controllers.map(({ signal }) => lock.acquire({ signal }).catch(() => 'left'))
    for (const controller of controllers) {
      controller.abort()
      await turnsOfTheLoop(1)
    }
    expect(new Set(await Promise.all(waits))).toEqual(new Set(['left']))
    const { words, state } = wordsUnder(lock)
    expect(Atomics.notify(words, state)).toBeLessThanOrEqual(1)
    guard.release()
  })

  test('an abort after the lock was got changes nothing', async () => {
    const lock = create()
    const a = lock.acquireSync()
    const controller = new AbortController()
    const waiting = lock.acquire({ signal: controller.signal })
    a.release()
    const guard = await waiting
    controller.abort()
    await turnsOfTheLoop()
    expect(guard.held).toBe(true)
    expect(lock.tryAcquire()).toBeUndefined()
    guard.release()
  })

  test('a request that is dead when the lock is released does not take it', async () => {
    const lock = create()
    const a = lock.acquireSync()
    await expect(lock.acquire({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const aborted = lock.acquire({ signal: controller.signal })
    controller.abort('gone')
    await expect(aborted).rejects.toBe('gone')
    const next = lock.acquire({ timeout: 3_000 })
    a.release()
    const guard = await next
    expect(guard.held).toBe(true)
    guard.release()
    expect(lock.tryAcquire()?.held).toBe(true)
  })

  test('1,000 waits that gave up leave nothing: the lock is free at once after the holder', async () => {
    const lock = create()
    const free = stateOf(lock)
    const a = lock.acquireSync()
    const controller = new AbortController()
    const waits = Array.from({ length: 1_000 }, (_, i) =>
      lock.acquire(i % 2 === 0 ? { signal: controller.signal } : { timeout: 1 }).then(
        () => 'got it',
        () => 'gave up',
      ),
    )
    await turnsOfTheLoop()
    controller.abort()
    expect(new Set(await Promise.all(waits))).toEqual(new Set(['gave up']))
    a.release()
    expect(stateOf(lock)).toBe(free)
    lock.acquireSync({ timeout: 0 }).release()
  })

  test('a signal carries one listener however many wait on it, and none when they are through', async () => {
    const [lock, other] = [create(), create()]
    const { signal } = new AbortController()
    const [a, b] = [lock.acquireSync(), other.acquireSync()]
    const waits = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? lock : other).acquire({ signal }))
    expect(listenersOf(signal)).toBe(1)
    a.release()
    b.release()
    for (const wait of waits) (await wait).release()
    expect(listenersOf(signal)).toBe(0)
  })

  test('no listener stays on a signal after a timeout, after an abort, or for a free lock', async () => {
    const lock = create()
    const controller = new AbortController()
    const { signal } = controller
    const guard = await lock.acquire({ signal, timeout: 1_000 })
    expect(listenersOf(signal)).toBe(0)
    const timed = lock.acquire({ signal, timeout: 5 })
    expect(listenersOf(signal)).toBe(1)
    await expect(timed).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(listenersOf(signal)).toBe(0)
    const aborted = lock.acquire({ signal, timeout: 60_000 })
    controller.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    expect(listenersOf(signal)).toBe(0)
    guard.release()
  })

  test('a signal serves again after all of its waits were through', async () => {
    const lock = create()
    const controller = new AbortController()
    for (let round = 0; round < 3; round++) {
      const guard = lock.acquireSync()
      const waiting = lock.acquire({ signal: controller.signal })
      guard.release()
      ;(await waiting).release()
    }
    const guard = lock.acquireSync()
    const waiting = lock.acquire({ signal: controller.signal })
    controller.abort('at last')
    await expect(waiting).rejects.toBe('at last')
    guard.release()
  })
})

test('the wait of a thread for itself ends by its timeout', async () => {
  const mutex = new Mutex()
  const guard = await mutex.acquire()
  await expect(mutex.acquire({ timeout: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  guard.release()
  expect(stateOf(mutex)).toBe(FREE)
})

/** Three tasks wait, the one with the given number is aborted, and the rest is served: in which order? */
async function orderAfterLeaving(lock: Mutex | Semaphore, leaver: number): Promise<number[]> {
  const guard = lock.acquireSync()
  const order: number[] = []
  const controller = new AbortController()
  const tasks = [0, 1, 2].map(async (task) => {
    let mine: Pick<MutexGuard, 'release'>
    try {
      mine = await lock.acquire(task === leaver ? { signal: controller.signal } : {})
    } catch {
      return
    }
    order.push(task)
    mine.release()
  })
  await turnsOfTheLoop()
  controller.abort()
  await turnsOfTheLoop()
  expect(order).toEqual([])
  guard.release()
  await Promise.all(tasks)
  return order
}

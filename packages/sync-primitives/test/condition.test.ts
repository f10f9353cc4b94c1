import { getEventListeners } from 'node:events'
import { Condition, Mutex, type MutexGuard, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const notOwner = { name: 'LockStateError', code: 'ERR_NOT_OWNER' }
const outOfRange = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }

/** A task that takes the mutex, waits once, and notes its name with the mutex held. */
async function waitAs(name: number, condition: Condition, order: number[], options = {}): Promise<boolean> {
  const guard = await condition.mutex.acquire()
  try {
    const woken = await condition.wait(guard, options)
    order.push(name)
    return woken
  } finally {
    expect(guard.held).toBe(true)
    guard.release()
  }
}

/** Notifies with the mutex held, behind all tasks that asked for it before. */
async function notify(condition: Condition, count: number): Promise<number> {
  const guard = await condition.mutex.acquire()
  const reached = condition.notify(guard, count)
  guard.release()
  return reached
}

test('a notification that finds nobody is not remembered: a later wait sleeps', async () => {
  const condition = new Condition(new Mutex())
  const guard = await condition.mutex.acquire()
  expect([condition.notify(guard), condition.notify(guard, 5), condition.notifyAll(guard)]).toEqual([0, 0, 0])
  expect(await condition.wait(guard, { timeout: 10 })).toBe(false)
  expect(condition.waitSync(guard, { timeout: 10 })).toBe(false)
})

test('of five waiters three are let through by notify(3), and a later notify(5) reaches old and new ones', async () => {
  const condition = new Condition(new Mutex({ fair: true }))
  const order: number[] = []
  const waits = [1, 2, 3, 4, 5].map((name) => waitAs(name, condition, order))
  expect(await notify(condition, 3)).toBe(3)
  await Promise.all(waits.slice(0, 3))
  await turnsOfTheLoop(10)
  expect(order).toEqual([1, 2, 3])
  expect(condition.waiting).toBe(2)
  waits.push(waitAs(6, condition, order), waitAs(7, condition, order))
  expect(await notify(condition, 5)).toBe(4)
  expect(await Promise.all(waits)).toEqual(waits.map(() => true))
  expect(order).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(await notify(condition, 5)).toBe(0)
  expect(condition.waiting).toBe(0)
})

test('one that comes back finds the mutex its own, even if others want it', async () => {
  const mutex = new Mutex()
  const condition = new Condition(mutex)
  let inside = 0
  const tasks = Array.from({ length: 20 }, async () => {
    const guard = await mutex.acquire()
    await condition.wait(guard)
    inside += 1
    expect([inside, mutex.tryAcquire()]).toEqual([1, undefined])
    await turnsOfTheLoop(1)
    inside -= 1
    guard.release()
  })
  expect(await notify(condition, 100)).toBe(20)
  await Promise.all(tasks)
})

test('a wait without a notification gives false, not before its time and with the mutex held', async () => {
  const mutex = new Mutex()
  const condition = new Condition(mutex)
  const guard = await mutex.acquire()
  for (const timeout of [0, 1, 12.5, 80]) {
    for (const form of ['wait', 'waitSync'] as const) {
      const begun = performance.now()
      expect(await condition[form](guard, { timeout })).toBe(false)
      const waited = performance.now() - begun
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
      expect([guard.held, mutex.tryAcquire()]).toEqual([true, undefined])
    }
  }
})

test('waits that time out one after another leave room for more, however little there is', async () => {
  const condition = new Condition(new Mutex(), { maxWaiters: 1 })
  const guard = await condition.mutex.acquire()
  for (let wait = 0; wait < 5; wait++) expect(await condition.wait(guard, { timeout: 1 })).toBe(false)
  for (let wait = 0; wait < 5; wait++) expect(condition.waitSync(guard, { timeout: 0 })).toBe(false)
})

test('one more than there is room for is refused with the mutex held, and has room when one has gone', async () => {
  const condition = new Condition(new Mutex(), { maxWaiters: 3 })
  const order: number[] = []
  const waits = [1, 2, 3].map((name) => waitAs(name, condition, order))
  const guard = await condition.mutex.acquire()
  await expect(condition.wait(guard)).rejects.toMatchObject(outOfRange)
  expect(thrownBy(() => condition.waitSync(guard))).toMatchObject(outOfRange)
  expect([guard.held, condition.waiting]).toEqual([true, 3])
  condition.notify(guard)
  guard.release()
  await waits[0]
  waits.push(waitAs(4, condition, order))
  expect(await notify(condition, 3)).toBe(3)
  await Promise.all(waits)
  expect(order).toEqual([1, 2, 3, 4])
})

describe('waitFor', () => {
  test('looks first: a predicate that is true needs no notification, and gives the mutex up at no time', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const guard = await mutex.acquire()
    expect(await condition.waitFor(guard, () => mutex.getState().held, { timeout: 0 })).toBe(true)
    expect(condition.waitForSync(guard, () => guard.held)).toBe(true)
    expect(await condition.waitFor(guard, async () => true)).toBe(true)
  })

  test('has one time limit, however many notifications come that are of no use', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    let looks = 0
    const guard = await mutex.acquire()
    const begun = performance.now()
    const waiting = condition.waitFor(guard, () => ++looks < 0, { timeout: 120 })
    let over = false
    void waiting.finally(() => {
      over = true
    })
    while (!over) {
      const other = await mutex.acquire()
      condition.notify(other)
      other.release()
      await turnsOfTheLoop(1)
    }
    const waited = performance.now() - begun
    expect(await waiting).toBe(false)
    expect(waited).toBeGreaterThanOrEqual(120)
    expect(waited).toBeLessThan(1_120)
    expect(looks).toBeGreaterThan(2)
    expect(guard.held).toBe(true)
  })

  test('gives what the predicate says when the time is up', async () => {
    const condition = new Condition(new Mutex())
    const guard = await condition.mutex.acquire()
    let looks = 0
    expect(await condition.waitFor(guard, () => ++looks === 2, { timeout: 5 })).toBe(true)
    expect(condition.waitForSync(guard, () => ++looks === 4, { timeout: 5 })).toBe(true)
    expect(condition.waitForSync(guard, () => false, { timeout: 5 })).toBe(false)
  })

  test('passes on what the predicate throws, first or later, with the mutex held', async () => {
    const condition = new Condition(new Mutex())
    const guard = await condition.mutex.acquire()
    const failure = new Error('of the predicate')
    for (const failing of [1, 2]) {
      let looks = 0
      const predicate = () => {
        looks += 1
        if (looks === failing) throw failure
        return false
      }
      await expect(condition.waitFor(guard, predicate, { timeout: 5 })).rejects.toBe(failure)
      looks = 0
      expect(thrownBy(() => condition.waitForSync(guard, predicate, { timeout: 5 }))).toBe(failure)
      expect(guard.held).toBe(true)
    }
    await expect(condition.waitFor(guard, () => Promise.reject(failure))).rejects.toBe(failure)
    expect([guard.held, condition.notifyAll(guard)]).toEqual([true, 0])
  })

  test('whose predicate lets the mutex go is refused, and waits for nothing', async () => {
    for (const mutex of [new Mutex(), new RecursiveMutex()]) {
      const condition = new Condition(mutex)
      const letGo = (guard: MutexGuard) => () => {
        guard.release()
        return false
      }
      const first = await mutex.acquire()
      await expect(condition.waitFor(first, letGo(first), { timeout: 20 })).rejects.toMatchObject(notOwner)
      const second = mutex.acquireSync()
      expect(thrownBy(() => condition.waitForSync(second, letGo(second), { timeout: 20 }))).toMatchObject(notOwner)
      expect([second.held, mutex.getState().held, condition.waiting]).toEqual([false, false, 0])
    }
  })
})

describe('abort', () => {
  test('a waiter rejects with the reason as given, holds the mutex, and leaves no listener', async () => {
    const condition = new Condition(new Mutex())
    for (const reason of [new Error('stop'), 'stop', null, { why: 'enough' }]) {
      const controller = new AbortController()
      const guard = await condition.mutex.acquire()
      const waiting = condition.wait(guard, { signal: controller.signal, timeout: 60_000 })
      expect([guard.held, getEventListeners(controller.signal, 'abort').length]).toEqual([false, 1])
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      expect([guard.held, getEventListeners(controller.signal, 'abort').length]).toEqual([true, 0])
      await expect(condition.wait(guard, { signal: controller.signal })).rejects.toBe(reason)
      await expect(condition.waitFor(guard, () => false, { signal: controller.signal })).rejects.toBe(reason)
      expect([guard.held, condition.notifyAll(guard)]).toEqual([true, 0])
      guard.release()
    }
  })

  test('one that is notified and aborted at once passes the notification on', async () => {
    for (const abortFirst of [true, false]) {
      const condition = new Condition(new Mutex())
      const order: number[] = []
      const controller = new AbortController()
      const leaving = waitAs(1, condition, order, { signal: controller.signal })
      const staying = waitAs(2, condition, order)
      const guard = await condition.mutex.acquire()
      if (abortFirst) controller.abort('left')
      expect(condition.notify(guard)).toBe(1)
      if (!abortFirst) controller.abort('left')
      guard.release()
      await expect(leaving).rejects.toBe('left')
      expect(await staying).toBe(true)
      expect(order).toEqual([2])
      expect(await notify(condition, 5)).toBe(0)
    }
  })

  test('a hundred that leave, each notified, pass on what one hundred who stay get', async () => {
    const condition = new Condition(new Mutex())
    const order: number[] = []
    const controller = new AbortController()
    const leaving = Array.from({ length: 100 }, (_, i) => waitAs(-i, condition, order, { signal: controller.signal }))
    const staying = Array.from({ length: 100 }, (_, i) => waitAs(i, condition, order))
    const guard = await condition.mutex.acquire()
    expect(condition.notify(guard, 100)).toBe(100)
    controller.abort('left')
    guard.release()
    for (const wait of leaving) await expect(wait).rejects.toBe('left')
    expect(await Promise.all(staying)).toEqual(staying.map(() => true))
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('one that gave up before is passed over: the notification reaches the next one', async () => {
    const condition = new Condition(new Mutex())
    const order: number[] = []
    const controller = new AbortController()
    const [aborted, late] = [
      waitAs(1, condition, order, { signal: controller.signal }),
      waitAs(2, condition, order, { timeout: 5 }),
    ]
    const staying = waitAs(3, condition, order)
    await turnsOfTheLoop()
    controller.abort('left')
    await expect(aborted).rejects.toBe('left')
    expect(await late).toBe(false)
    expect(await notify(condition, 1)).toBe(1)
    expect(await staying).toBe(true)
  })
})

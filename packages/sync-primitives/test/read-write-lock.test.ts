import { getEventListeners } from 'node:events'
import { ReadWriteLock } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const free = {
  readers: 0,
  writer: undefined,
  upgradableReader: undefined,
  contended: false,
  waitingHere: 0,
  ownerDied: false,
  recoverable: true,
}
const here = { threadId: 0, alive: true }

/** Notes in `order` when one after another gets in. */
function entersAs<Guard>(order: string[], who: string, acquisition: Promise<Guard>): Promise<Guard> {
  return acquisition.then((guard) => {
    order.push(who)
    return guard
  })
}

test('any number of readers are inside together, and no writer with them', async () => {
  const lock = new ReadWriteLock()
  const guards = [lock.acquireReadSync(), await lock.acquireRead(), lock.tryAcquireRead()]
  for (let reader = 0; reader < 50; reader++) guards.push(await lock.acquireRead())
  expect(guards.every((guard) => guard?.held)).toBe(true)
  expect(lock.getState()).toEqual({ ...free, readers: 53 })
  expect(lock.tryAcquireWrite()).toBeUndefined()
  for (const guard of guards) guard?.release()
  expect(lock.getState()).toEqual(free)
})

test('a writer enters only when both readers have left', async () => {
  const lock = new ReadWriteLock()
  const [first, second] = [lock.acquireReadSync(), lock.acquireReadSync()]
  const order: string[] = []
  const writing = entersAs(order, 'writer', lock.acquireWrite())
  first.release()
  await turnsOfTheLoop()
  expect(order).toEqual([])
  second.release()
  ;(await writing).release()
  expect(lock.getState()).toEqual(free)
})

test('two readers that wait for a writer are both inside when it leaves', async () => {
  const lock = new ReadWriteLock()
  const writer = lock.acquireWriteSync()
  const waiting = [lock.acquireRead(), lock.acquireRead()]
  await turnsOfTheLoop()
  expect(lock.getState()).toEqual({ ...free, writer: here, contended: true, waitingHere: 2 })
  writer.release()
  const readers = await Promise.all(waiting)
  expect(lock.getState()).toEqual({ ...free, readers: 2 })
  for (const reader of readers) reader.release()
})

test('while somebody writes nobody enters; while somebody reads readers enter and writers do not', () => {
  const lock = new ReadWriteLock()
  const writer = lock.acquireWriteSync()
  expect(lock.tryAcquireRead()).toBeUndefined()
  expect(lock.tryAcquireWrite()).toBeUndefined()
  expect(lock.tryAcquireUpgradableRead()).toBeUndefined()
  expect(lock.getState()).toEqual({ ...free, writer: here })
  writer.release()
  const reader = lock.acquireReadSync()
  expect(lock.tryAcquireWrite()).toBeUndefined()
  expect(lock.tryAcquireRead()?.release()).toBeUndefined()
  expect(lock.getState()).toEqual({ ...free, readers: 1 })
  reader.release()
  const next = lock.tryAcquireWrite()
  expect(next).toMatchObject({ held: true, ownerDied: false })
  next?.release()
})

test('a reader that awaits comes in behind a writer that waits, not before it', async () => {
  const lock = new ReadWriteLock()
  const inside = lock.acquireReadSync()
  const order: string[] = []
  const writing = entersAs(order, 'writer', lock.acquireWrite())
  const late = entersAs(order, 'late reader', lock.acquireRead())
  await turnsOfTheLoop()
  expect(order).toEqual([])
  inside.release()
  const writer = await writing
  await turnsOfTheLoop()
  expect(order).toEqual(['writer'])
  writer.release()
  ;(await late).release()
})

test('a reader reads again beside a writer that waits for it, by the Sync form and not by the others', async () => {
  const lock = new ReadWriteLock()
  const guards = [lock.acquireReadSync()]
  const order: string[] = []
  const writing = entersAs(order, 'writer', lock.acquireWrite())
  guards.push(lock.acquireReadSync({ timeout: 0 }))
  guards.push(lock.acquireReadSync())
  expect(lock.tryAcquireRead()).toBeUndefined()
  await expect(lock.acquireRead({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(lock.getState()).toMatchObject({ readers: 3, writer: here })
  for (const guard of guards) {
    await turnsOfTheLoop()
    expect(order).toEqual([])
    guard.release()
  }
  const writer = await writing
  expect(lock.tryAcquireRead()).toBeUndefined()
  writer.release()
})

test('tasks of one thread write in the order in which they asked, and a try form does not pass them', async () => {
  const lock = new ReadWriteLock()
  const first = lock.acquireWriteSync()
  const order: string[] = []
  const tasks = ['a', 'b', 'c', 'd'].map(async (name) => {
    const guard = await entersAs(order, name, lock.acquireWrite())
    await turnsOfTheLoop(1)
    guard.release()
  })
  first.release()
  expect(lock.tryAcquireWrite()).toBeUndefined()
  expect(lock.tryAcquireUpgradableRead()).toBeUndefined()
  await Promise.all(tasks)
  expect(order).toEqual(['a', 'b', 'c', 'd'])
  expect(lock.getState()).toEqual(free)
})

describe('a wait that could never end', () => {
  const refused = { name: 'LockStateError', code: 'ERR_ALREADY_OWNED' }

  test('a reader that asks to write is refused: by undefined, or by an error at once', async () => {
    const lock = new ReadWriteLock()
    const reader = lock.acquireReadSync()
    expect(lock.tryAcquireWrite()).toBeUndefined()
    expect(thrownBy(() => lock.acquireWriteSync())).toMatchObject(refused)
    await expect(lock.acquireWrite({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(reader.held).toBe(true)
    expect(lock.getState()).toEqual({ ...free, readers: 1 })
    reader.release()
  })

  test('a writer that asks for anything by a Sync form gets an error at once', () => {
    const lock = new ReadWriteLock()
    const writer = lock.acquireWriteSync()
    expect(thrownBy(() => lock.acquireReadSync())).toMatchObject(refused)
    expect(thrownBy(() => lock.acquireWriteSync())).toMatchObject(refused)
    expect(thrownBy(() => lock.acquireUpgradableReadSync())).toMatchObject(refused)
    expect(lock.getState()).toEqual({ ...free, writer: here })
    writer.release()
  })

  test('an upgradable reader reads beside itself, and is refused to write or to be upgradable twice', () => {
    const lock = new ReadWriteLock()
    const upgradable = lock.acquireUpgradableReadSync()
    expect(thrownBy(() => lock.acquireWriteSync())).toMatchObject(refused)
    expect(thrownBy(() => lock.acquireUpgradableReadSync())).toMatchObject(refused)
    expect(lock.tryAcquireWrite()).toBeUndefined()
    const reader = lock.acquireReadSync()
    expect(thrownBy(() => upgradable.upgradeSync())).toMatchObject(refused)
    expect(upgradable.tryUpgrade()).toBeUndefined()
    expect(upgradable.held).toBe(true)
    reader.release()
    upgradable.release()
    expect(lock.getState()).toEqual(free)
  })

  test('a second object on the same lock knows what this thread holds', () => {
    const lock = new ReadWriteLock()
    const twin = ReadWriteLock.fromHandle(lock.toHandle())
    const reader = lock.acquireReadSync()
    expect(thrownBy(() => twin.acquireWriteSync())).toMatchObject(refused)
    const second = twin.acquireReadSync()
    expect(lock.getState()).toEqual({ ...free, readers: 2 })
    reader.release()
    second.release()
    const writer = twin.acquireWriteSync()
    expect(thrownBy(() => lock.acquireReadSync())).toMatchObject(refused)
    writer.release()
    expect(twin.getState()).toEqual(free)
  })
})

describe('giving up', () => {
  const forms = ['acquireRead', 'acquireWrite', 'acquireUpgradableRead'] as const

  test.each(forms)('%s gives up in time, exact from below, and leaves nothing', async (form) => {
    const lock = new ReadWriteLock()
    const writer = lock.acquireWriteSync()
    for (const timeout of [0, 1, 12.5, 60]) {
      const begun = performance.now()
      await expect(lock[form]({ timeout })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
      const waited = performance.now() - begun
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
    }
    expect(lock.getState()).toMatchObject({ writer: here, waitingHere: 0 })
    writer.release()
    expect(lock.getState()).toEqual(free)
  })

  test.each(forms)(
    '%s rejects with the reason of its signal as given, and leaves neither hold nor listener',
    async (form) => {
      const lock = new ReadWriteLock()
      const [controller, reason] = [new AbortController(), { why: 'enough' }]
      await expect(lock[form]({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      expect(lock.getState()).toEqual(free)
      const writer = lock.acquireWriteSync()
      const waits = Array.from({ length: 40 }, () => lock[form]({ signal: controller.signal }))
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
      await turnsOfTheLoop()
      controller.abort(reason)
      for (const wait of waits) await expect(wait).rejects.toBe(reason)
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
      expect(lock.getState()).toMatchObject({ writer: here, waitingHere: 0 })
      writer.release()
      expect(lock.getState()).toEqual(free)
    },
  )

  test.each([
    ['times out', { timeout: 15 }, { code: 'ERR_TIMEOUT' }],
    ['is aborted', { signal: AbortSignal.timeout(15) }, { name: 'TimeoutError' }],
  ])('a writer that %s while it waits for readers lets those in who waited behind it', async (_, options, failure) => {
    const lock = new ReadWriteLock()
    const inside = lock.acquireReadSync()
    const [writer, next] = [lock.acquireWrite(options), lock.acquireWrite()]
    const late = lock.acquireRead()
    await expect(writer).rejects.toMatchObject(failure)
    inside.release()
    ;(await next).release()
    ;(await late).release()
    expect(lock.getState()).toEqual(free)
  })

  test('when the only writer that waits leaves, the readers behind it enter beside the one inside', async () => {
    const lock = new ReadWriteLock()
    const inside = lock.acquireReadSync()
    const controller = new AbortController()
    const writer = lock.acquireWrite({ signal: controller.signal })
    const late = [lock.acquireRead(), lock.acquireRead()]
    await turnsOfTheLoop()
    controller.abort('left')
    await expect(writer).rejects.toBe('left')
    for (const reader of await Promise.all(late)) reader.release()
    expect(lock.getState()).toEqual({ ...free, readers: 1 })
    inside.release()
  })
})

test('a thread is inside 2,046 times at most; the next one is refused in every form, and enters when one has left', async () => {
  const lock = new ReadWriteLock()
  const guards = Array.from({ length: 2_046 }, () => lock.acquireReadSync())
  const tooMany = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  expect(thrownBy(() => lock.acquireReadSync())).toMatchObject(tooMany)
  expect(thrownBy(() => lock.tryAcquireRead())).toMatchObject(tooMany)
  await expect(lock.acquireRead()).rejects.toMatchObject(tooMany)
  expect(lock.getState()).toEqual({ ...free, readers: 2_046 })
  expect(lock.tryAcquireWrite()).toBeUndefined()
  guards.pop()?.release()
  guards.push(await lock.acquireRead())
  for (const guard of guards) guard.release()
  expect(lock.getState()).toEqual(free)
})

test('run forms hold the lock while the function runs, and release it whatever comes out', async () => {
  const lock = new ReadWriteLock()
  const failure = new Error('of the function')
  const fail = () => {
    throw failure
  }
  expect(await lock.runRead(async (guard) => [guard.held, lock.getState().readers])).toEqual([true, 1])
  expect(lock.runReadSync((guard) => [guard.held, lock.getState().readers])).toEqual([true, 1])
  expect(await lock.runWrite(async (guard) => [guard.held, lock.getState().writer])).toEqual([true, here])
  expect(lock.runWriteSync((guard) => [guard.held, lock.getState().writer])).toEqual([true, here])
  await expect(lock.runRead(fail)).rejects.toBe(failure)
  await expect(lock.runWrite(fail)).rejects.toBe(failure)
  expect(thrownBy(() => lock.runReadSync(fail))).toBe(failure)
  expect(thrownBy(() => lock.runWriteSync(fail))).toBe(failure)
  expect(lock.getState()).toEqual(free)
})

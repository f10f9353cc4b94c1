import { equal } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Mutex, ReadWriteLock, type ReadWriteLockOptions, ThreadMemory, type WriteGuard } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const here = { threadId: 0, alive: true }
const nobody = { readers: 0, writer: undefined, upgradableReader: undefined, waitingHere: 0, contended: false }
const released = { name: 'LockStateError', code: 'ERR_NOT_OWNER' }

test('a guard that was released does nothing and is refused everything, whoever is inside by then', async () => {
  const lock = new ReadWriteLock()
  const [reader, upgradable] = [lock.acquireReadSync(), lock.acquireUpgradableReadSync()]
  reader.release()
  upgradable[Symbol.dispose]()
  const writer = lock.acquireWriteSync()
  writer.release()
  const [inside, beside] = [lock.acquireReadSync(), lock.acquireUpgradableReadSync()]
  for (const guard of [reader, upgradable, writer]) {
    guard.release()
    guard[Symbol.dispose]()
    expect(guard.held).toBe(false)
  }
  expect(thrownBy(() => writer.markConsistent())).toMatchObject(released)
  expect(thrownBy(() => writer.downgrade())).toMatchObject(released)
  expect(thrownBy(() => upgradable.downgrade())).toMatchObject(released)
  expect(thrownBy(() => upgradable.tryUpgrade())).toMatchObject(released)
  expect(thrownBy(() => upgradable.upgradeSync())).toMatchObject(released)
  await expect(upgradable.upgrade()).rejects.toMatchObject(released)
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1, upgradableReader: here })
  inside.release()
  beside.release()
  const last = lock.acquireWriteSync()
  writer.release()
  reader.release()
  expect(lock.getState()).toMatchObject({ ...nobody, writer: here })
  last.release()
})

test('guards that are let go by using leave at the end of the block', () => {
  const lock = new ReadWriteLock()
  {
    using reader = lock.acquireReadSync()
    using upgradable = lock.acquireUpgradableReadSync()
    expect([reader.held, upgradable.held]).toEqual([true, true])
  }
  {
    using writer = lock.acquireWriteSync()
    expect(writer.held).toBe(true)
  }
  expect(lock.getState()).toMatchObject(nobody)
})

test('a mark of consistency without a death changes nothing', () => {
  const lock = new ReadWriteLock()
  const writer = lock.acquireWriteSync()
  writer.markConsistent()
  expect(writer.ownerDied).toBe(false)
  writer.release()
  expect(lock.getState()).toMatchObject({ ...nobody, ownerDied: false, recoverable: true })
})

test('a writer that downgrades stays inside as a reader: no writer comes in between, readers do', async () => {
  const lock = new ReadWriteLock()
  const writer = lock.acquireWriteSync()
  const order: string[] = []
  const late = lock.acquireRead().then((guard) => {
    order.push('reader')
    guard.release()
  })
  await turnsOfTheLoop()
  const reader = writer.downgrade()
  expect([writer.held, reader.held]).toEqual([false, true])
  expect(lock.tryAcquireWrite()).toBeUndefined()
  await late
  writer.release()
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1 })
  const next = lock.acquireWrite().then((guard) => {
    order.push('writer')
    guard.release()
  })
  await turnsOfTheLoop()
  expect(order).toEqual(['reader'])
  reader.release()
  await next
})

test('a writer that waited before a downgrade does not enter by it', async () => {
  const lock = new ReadWriteLock()
  const writer = lock.acquireWriteSync()
  let entered = false
  const next = lock.acquireWrite().then((guard) => {
    entered = true
    return guard
  })
  await turnsOfTheLoop()
  const reader = writer.downgrade()
  await turnsOfTheLoop()
  expect(entered).toBe(false)
  reader.release()
  ;(await next).release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('one upgradable reader is inside beside readers, and keeps writers and other upgradable ones out', async () => {
  const lock = new ReadWriteLock()
  const upgradable = await lock.acquireUpgradableRead()
  const reader = lock.acquireReadSync()
  expect(lock.tryAcquireUpgradableRead()).toBeUndefined()
  expect(lock.tryAcquireWrite()).toBeUndefined()
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1, upgradableReader: here })
  const order: string[] = []
  const waits = [lock.acquireUpgradableRead(), lock.acquireWrite()].map(async (wait, at) => {
    const guard = await wait
    order.push(['upgradable', 'writer'][at] as string)
    guard.release()
  })
  reader.release()
  await turnsOfTheLoop()
  expect(order).toEqual([])
  upgradable.release()
  await Promise.all(waits)
  expect(order).toEqual(['upgradable', 'writer'])
})

test('an upgrade in each form makes a writer of the guard, which is released by it', async () => {
  const lock = new ReadWriteLock()
  for (const form of ['upgrade', 'upgradeSync', 'tryUpgrade'] as const) {
    const upgradable = lock.acquireUpgradableReadSync()
    const writer = await upgradable[form]()
    expect([upgradable.held, writer?.held, writer?.ownerDied]).toEqual([false, true, false])
    upgradable.release()
    expect(lock.getState()).toMatchObject({ ...nobody, writer: here })
    expect(lock.tryAcquireRead()).toBeUndefined()
    const reader = writer?.downgrade()
    expect(lock.getState()).toMatchObject({ ...nobody, readers: 1 })
    reader?.release()
  }
})

test('an upgradable reader that downgrades leaves its right to write to another one, and stays inside', () => {
  const lock = new ReadWriteLock()
  const upgradable = lock.acquireUpgradableReadSync()
  const reader = upgradable.downgrade()
  expect([upgradable.held, reader.held]).toEqual([false, true])
  const next = lock.tryAcquireUpgradableRead()
  expect(next?.tryUpgrade()).toBeUndefined()
  upgradable.release()
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1, upgradableReader: here })
  reader.release()
  next?.tryUpgrade()?.release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('while an upgrade waits for readers new ones wait, and the guard is refused everything and stays as it is', async () => {
  const lock = new ReadWriteLock()
  const [reader, upgradable] = [lock.acquireReadSync(), lock.acquireUpgradableReadSync()]
  const upgrading = upgradable.upgrade()
  let late = false
  const waiting = lock.acquireRead().then((guard) => {
    late = true
    return guard
  })
  const busy = { name: 'LockStateError', code: 'ERR_ALREADY_OWNED' }
  expect(thrownBy(() => upgradable.release())).toMatchObject(busy)
  expect(thrownBy(() => upgradable[Symbol.dispose]())).toMatchObject(busy)
  expect(thrownBy(() => upgradable.downgrade())).toMatchObject(busy)
  expect(thrownBy(() => upgradable.tryUpgrade())).toMatchObject(busy)
  expect(thrownBy(() => upgradable.upgradeSync())).toMatchObject(busy)
  await expect(upgradable.upgrade()).rejects.toMatchObject(busy)
  await turnsOfTheLoop()
  expect([upgradable.held, late]).toEqual([true, false])
  reader.release()
  const writer = await upgrading
  await turnsOfTheLoop()
  expect([upgradable.held, writer.held, late]).toEqual([false, true, false])
  writer.release()
  ;(await waiting).release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('an upgrade that times out or is aborted leaves an upgradable reader as before, and lets new readers in', async () => {
  const lock = new ReadWriteLock()
  const [reader, upgradable] = [lock.acquireReadSync(), lock.acquireUpgradableReadSync()]
  const controller = new AbortController()
  for (const timeout of [0, 1, 25]) {
    const begun = performance.now()
    await expect(upgradable.upgrade({ timeout, signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(timeout)
  }
  const reason = { why: 'enough' }
  const aborted = upgradable.upgrade({ signal: controller.signal })
  const late = lock.acquireRead()
  await turnsOfTheLoop()
  controller.abort(reason)
  await expect(aborted).rejects.toBe(reason)
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  ;(await late).release()
  await expect(upgradable.upgrade({ signal: controller.signal })).rejects.toBe(reason)
  await expect(upgradable.upgrade({ timeout: -1 })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  expect(thrownBy(() => upgradable.upgradeSync({ timeout: Number.NaN }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  expect(upgradable.held).toBe(true)
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1, upgradableReader: here })
  reader.release()
  upgradable.tryUpgrade()?.release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('a guard that comes by downgrade when the thread is inside 2,046 times does not make it lose the others', () => {
  const lock = new ReadWriteLock()
  const upgradable = lock.acquireUpgradableReadSync()
  const guards = Array.from({ length: 2_046 }, () => lock.acquireReadSync())
  // Each is refused or counted: either way nobody may be forgotten.
  for (const enter of [() => upgradable.downgrade(), () => lock.acquireReadSync()]) {
    try {
      guards.push(enter())
    } catch (error) {
      equal((error as { code: string }).code, 'ERR_OUT_OF_RANGE')
    }
  }
  expect(lock.getState().readers).toBe(guards.length)
  upgradable.release()
  expect(lock.tryAcquireWrite()).toBeUndefined()
  for (const guard of guards) guard.release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('a writer that waits for readers is told by getState, as contention and as a task of this thread', async () => {
  const lock = new ReadWriteLock()
  const reader = lock.acquireReadSync()
  const writing = lock.acquireWrite()
  await turnsOfTheLoop()
  expect(lock.getState()).toMatchObject({ readers: 1, writer: here, contended: true, waitingHere: 1 })
  reader.release()
  ;(await writing).release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('an upgrade that waits for readers is told by getState, as contention and as a task of this thread', async () => {
  const lock = new ReadWriteLock()
  const [reader, upgradable] = [lock.acquireReadSync(), lock.acquireUpgradableReadSync()]
  const upgrading = upgradable.upgrade()
  await turnsOfTheLoop()
  expect(lock.getState()).toMatchObject({ readers: 1, writer: here, contended: true, waitingHere: 1 })
  reader.release()
  ;(await upgrading).release()
})

test('bad options are refused in every form, and nothing is acquired', async () => {
  const lock = new ReadWriteLock()
  const bad: [unknown, string][] = [
    [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ timeout: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    [{ timeout: '5' }, 'ERR_INVALID_ARG'],
    [null, 'ERR_INVALID_ARG'],
    [5, 'ERR_INVALID_ARG'],
  ]
  for (const [options, code] of bad as [object, string][]) {
    for (const form of ['acquireRead', 'acquireWrite', 'acquireUpgradableRead'] as const) {
      await expect(lock[form](options)).rejects.toMatchObject({ code })
      expect(thrownBy(() => lock[`${form}Sync`](options))).toMatchObject({ code })
    }
  }
  const signal = {} as AbortSignal
  await expect(lock.acquireWrite({ signal })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
  expect(lock.getState()).toMatchObject(nobody)
})

test('a lock is made and opened with good options and handles only', () => {
  const invalid = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
  for (const options of [null, 1, { memory: {} }, { memory: null }, { onOwnerDied: 'repair' }])
    expect(thrownBy(() => new ReadWriteLock(options as unknown as ReadWriteLockOptions))).toMatchObject(invalid)
  const memory = ThreadMemory.create({ bytes: 8_192, participants: 1 })
  const fill = () => {
    for (;;) new ReadWriteLock({ memory })
  }
  expect(thrownBy(fill)).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
  const handle = new ReadWriteLock().toHandle()
  const notAFunction = { onOwnerDied: 1 as unknown as (guard: WriteGuard) => void }
  expect(thrownBy(() => ReadWriteLock.fromHandle(handle, notAFunction))).toMatchObject(invalid)
  const bad = [
    undefined,
    'x',
    { ...handle, index: handle.index + 16 },
    { ...handle, version: 9 },
    new Mutex().toHandle(),
  ]
  for (const wrong of bad)
    expect(thrownBy(() => ReadWriteLock.fromHandle(wrong as typeof handle))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
})

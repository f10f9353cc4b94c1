import {
  Condition,
  Mutex,
  type MutexOptions,
  RecursiveMutex,
  type RecursiveMutexGuard,
  type SharedObjectHandle,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const notOwner = { name: 'LockStateError', code: 'ERR_NOT_OWNER' }
const depthOf = (mutex: RecursiveMutex) => mutex.getState().depth
const sameAs = (mutex: RecursiveMutex) => RecursiveMutex.fromHandle(structuredClone(mutex.toHandle()))

describe.each([
  ['a recursive mutex', () => new RecursiveMutex()],
  ['a fair recursive mutex', () => new RecursiveMutex({ fair: true })],
])('%s', (_, create) => {
  test('is taken again by its thread in every Sync and try form, through every object of it', () => {
    const mutex = create()
    const same = sameAs(mutex)
    const guards = [
      mutex.acquireSync(),
      mutex.acquireSync({ timeout: 0 }),
      same.tryAcquire(),
      same.acquireSync(),
      mutex.tryAcquire(),
    ]
    expect([depthOf(mutex), depthOf(same)]).toEqual([5, 5])
    guards.forEach((guard, released) => {
      expect(guard?.held).toBe(true)
      guard?.release()
      expect(guard?.held).toBe(false)
      expect(mutex.getState()).toMatchObject({ depth: 4 - released, held: released < 4 })
    })
  })

  test('is free when the last of its guards was released, in whatever order, each counting once', () => {
    const mutex = create()
    const [outer, middle, inner] = [mutex.acquireSync(), mutex.acquireSync(), mutex.acquireSync()]
    outer.release()
    outer.release()
    expect(depthOf(mutex)).toBe(2)
    inner.release()
    inner.release()
    expect(mutex.getState()).toMatchObject({ depth: 1, held: true })
    middle.release()
    middle.release()
    expect(mutex.getState()).toMatchObject({ depth: 0, held: false, owner: undefined })
    // A guard of the holding that is over does not touch the one that comes after it.
    const next = mutex.acquireSync()
    for (const old of [outer, middle, inner]) old.release()
    expect(mutex.getState()).toMatchObject({ depth: 1, held: true })
    expect(next.held).toBe(true)
    next.release()
  })

  test('keeps other threads out until the last level is released', async () => {
    const mutex = create()
    const worker = await MortalWorker.withObjects({ mutex })
    const guards = [mutex.acquireSync(), mutex.acquireSync(), mutex.acquireSync()]
    const acquired = worker.run('acquireSync', { name: 'mutex' })
    await until(() => mutex.getState().contended, 'the worker waits')
    for (const guard of guards) {
      expect(mutex.getState().owner).toEqual({ threadId: 0, alive: true })
      guard.release()
    }
    await acquired
    expect(mutex.getState()).toMatchObject({ held: true, depth: 0 })
    expect(mutex.getState().owner?.threadId).not.toBe(0)
    expect(mutex.tryAcquire()).toBeUndefined()
    await expect(mutex.acquire({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await worker.run('release', { name: 'mutex' })
    expect(mutex.tryAcquire()?.held).toBe(true)
  })

  test('async code recurses through its guard, and another task waits until all of its guards are released', async () => {
    const mutex = create()
    const guard = await mutex.acquire()
    const inner = guard.acquire()
    const innermost = inner.acquire()
    let others = 0
    const other = mutex.acquire().then((mine) => {
      others += 1
      return mine
    })
    for (const each of [guard, innermost]) {
      each.release()
      await turnsOfTheLoop()
      expect(others).toBe(0)
    }
    inner.release()
    ;(await other).release()
    expect(mutex.getState()).toMatchObject({ held: false, depth: 0, waitingHere: 0 })
  })

  test('a guard that was released takes nothing once more, while the lock is free or somebody else holds it', () => {
    const mutex = create()
    const guard = mutex.acquireSync()
    guard.release()
    expect(thrownBy(() => guard.acquire())).toMatchObject(notOwner)
    expect(thrownBy(() => guard.markConsistent())).toMatchObject(notOwner)
    const other = mutex.acquireSync()
    expect(thrownBy(() => guard.acquire())).toMatchObject(notOwner)
    expect(depthOf(mutex)).toBe(1)
    other.release()
  })

  test('is not released without a guard, nor by another thread', async () => {
    const mutex = create()
    const worker = await MortalWorker.withObjects({ mutex })
    await worker.run('acquireSync', { name: 'mutex' })
    await worker.run('release', { name: 'mutex' })
    const guard = mutex.acquireSync()
    expect(thrownBy(() => mutex.release())).toMatchObject(notOwner)
    await worker.run('releaseOnceMore', { name: 'mutex' })
    expect(mutex.getState()).toMatchObject({ depth: 1, owner: { threadId: 0 } })
    guard.release()
  })

  test('runExclusive nests by its guard, runExclusiveSync by its thread, and errors pass unchanged', async () => {
    const mutex = create()
    const error = new Error('from within')
    expect(
      thrownBy(() =>
        mutex.runExclusiveSync(() =>
          mutex.runExclusiveSync(() => {
            expect(depthOf(mutex)).toBe(2)
            throw error
          }),
        ),
      ),
    ).toBe(error)
    expect(mutex.getState()).toMatchObject({ depth: 0, held: false })
    const result = await mutex.runExclusive(async (guard) => {
      using again = guard.acquire()
      await turnsOfTheLoop()
      return [again.held, depthOf(mutex)]
    })
    expect(result).toEqual([true, 2])
    await expect(mutex.runExclusive(() => Promise.reject(error))).rejects.toBe(error)
    expect(mutex.getState()).toMatchObject({ depth: 0, held: false })
  })

  test('a wait for a condition gives up all levels, and has restored them when it returns', async () => {
    const mutex = create()
    const changed = new Condition(mutex)
    const [outer, inner] = [mutex.acquireSync(), mutex.acquireSync()]
    const waiting = changed.wait(inner)
    expect(mutex.getState()).toMatchObject({ held: false, depth: 0 })
    expect([outer.held, inner.held]).toEqual([false, false])
    expect(thrownBy(() => outer.acquire())).toMatchObject(notOwner)
    const other = await mutex.acquire()
    expect(changed.notify(other)).toBe(1)
    other.release()
    expect(await waiting).toBe(true)
    expect([outer.held, inner.held, depthOf(mutex)]).toEqual([true, true, 2])
    expect(changed.waitSync(outer, { timeout: 5 })).toBe(false)
    expect(depthOf(mutex)).toBe(2)
    for (const guard of [outer, inner]) guard.release()
    expect(mutex.getState()).toMatchObject({ held: false, depth: 0 })
  })

  test('a guard that is released while another one waits does not come back, and the lock is free when all are gone', async () => {
    const mutex = create()
    const changed = new Condition(mutex)
    const outer = mutex.acquireSync()
    const inner = outer.acquire()
    const waiting = changed.wait(outer)
    inner.release()
    const other = await mutex.acquire()
    expect(changed.notify(other)).toBe(1)
    other.release()
    expect(await waiting).toBe(true)
    expect([outer.held, inner.held, depthOf(mutex)]).toEqual([true, false, 1])
    outer.release()
    expect(mutex.getState()).toMatchObject({ held: false, depth: 0 })
  })

  test('threads increment a plain word two levels deep: no increment is lost', async () => {
    const mutex = create()
    const words = sharedWords(2)
    const workers = await Promise.all([1, 2].map(() => MortalWorker.withObjects({ mutex })))
    const done = Promise.all(workers.map((worker) => worker.run('nestedRounds', { name: 'mutex', rounds: 400, words })))
    for (let round = 0; round < 50; round++) (await mutex.acquire()).release()
    await done
    expect(words[0]).toBe(800)
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false })
  })

  test('the death of an owner some levels deep is told to the next one, through each of its guards', async () => {
    const mutex = create()
    const owner = await MortalWorker.withObjects({ mutex })
    for (let level = 0; level < 3; level++) await owner.run('acquireSync', { name: 'mutex' })
    await owner.terminate()
    const outer = mutex.acquireSync()
    const inner = mutex.acquireSync()
    expect([outer.ownerDied, inner.ownerDied, outer.acquire().ownerDied]).toEqual([true, true, true])
    inner.markConsistent()
    expect(mutex.getState()).toMatchObject({ depth: 3, ownerDied: false })
  })

  test('a release of the outermost level only, without a repair, makes it not recoverable', async () => {
    const mutex = create()
    const owner = await MortalWorker.withObjects({ mutex })
    await owner.run('acquireSync', { name: 'mutex' })
    await owner.terminate()
    const [outer, inner] = [mutex.acquireSync(), mutex.acquireSync()]
    inner.release()
    expect(mutex.getState()).toMatchObject({ held: true, recoverable: true })
    outer.release()
    expect(mutex.getState()).toMatchObject({ held: false, recoverable: false, depth: 0 })
    for (const take of [() => mutex.acquireSync(), () => mutex.tryAcquire()])
      expect(thrownBy(take)).toMatchObject({ code: 'ERR_NOT_RECOVERABLE' })
    await expect(mutex.acquire()).rejects.toMatchObject({ code: 'ERR_NOT_RECOVERABLE' })
  })

  test('acquireSync right after an acquire that was granted nests in it: the thread holds it', async () => {
    const mutex = create()
    const granted = mutex.acquire()
    expect(mutex.getState().held).toBe(true)
    const guard = mutex.acquireSync()
    expect(guard.held).toBe(true)
    guard.release()
    ;(await granted).release()
    expect(mutex.getState()).toMatchObject({ held: false, depth: 0 })
  })
})

test('a task that asks again without its guard waits for itself: its timeout ends that, and its guard stays held', async () => {
  const mutex = new RecursiveMutex()
  const guard = await mutex.acquire()
  await expect(mutex.acquire({ timeout: 5 })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
  await expect(mutex.acquire({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
  expect(guard.held).toBe(true)
  guard.release()
})

test('bad options are refused also by one who holds it already, and add no level', async () => {
  const mutex = new RecursiveMutex()
  const guard = mutex.acquireSync()
  for (const timeout of [-1, Number.NaN])
    expect(thrownBy(() => mutex.acquireSync({ timeout }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  expect(thrownBy(() => mutex.acquireSync({ timeout: '1' as never }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
  await expect(mutex.acquire({ signal: {} as AbortSignal })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
  expect(depthOf(mutex)).toBe(1)
  guard.release()
})

test('a handle of a mutex opens no recursive mutex, nor the other way round', () => {
  const open = (handle: SharedObjectHandle) => () => RecursiveMutex.fromHandle(handle)
  expect(thrownBy(open(new Mutex().toHandle()))).toMatchObject({ name: 'TypeError', code: 'ERR_BAD_HANDLE' })
  expect(thrownBy(() => Mutex.fromHandle(new RecursiveMutex().toHandle()))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
  const place = { ...new RecursiveMutex().toHandle(), index: new Mutex().toHandle().index }
  expect(thrownBy(open(place))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
})

test.each([
  ['null', null],
  ['a number', 7],
  ['fair in text', { fair: 'yes' }],
  ['an onOwnerDied that is no function', { onOwnerDied: 1 }],
])('%s is refused by the constructor', (_, options) => {
  expect(thrownBy(() => new RecursiveMutex(options as MutexOptions<RecursiveMutexGuard>))).toMatchObject({
    name: 'TypeError',
    code: 'ERR_INVALID_ARG',
  })
})

import { deepEqual, equal } from 'node:assert/strict'
import {
  Condition,
  type ConditionHandle,
  type ConditionOptions,
  Mutex,
  type MutexGuard,
  ReadWriteLock,
  RecursiveMutex,
  ThreadMemory,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const notOwner = { name: 'LockStateError', code: 'ERR_NOT_OWNER' }
const invalid = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
const outOfRange = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
const badHandle = { name: 'TypeError', code: 'ERR_BAD_HANDLE' }

/** Every operation that needs the mutex held, with what it gives or throws. */
async function refusals(condition: Condition, guard: MutexGuard): Promise<unknown[]> {
  const results: unknown[] = []
  for (const options of [undefined, { timeout: 5 }]) {
    results.push(await condition.wait(guard, options).catch((error) => error))
    results.push(await condition.waitFor(guard, () => false, options).catch((error) => error))
    results.push(thrownBy(() => condition.waitSync(guard, options)))
    results.push(thrownBy(() => condition.waitForSync(guard, () => false, options)))
  }
  results.push(
    thrownBy(() => condition.notify(guard)),
    thrownBy(() => condition.notifyAll(guard)),
  )
  return results
}

test('without the mutex held everything is refused at once, timed forms too', async () => {
  const mutex = new Mutex()
  const condition = new Condition(mutex)
  const guard = mutex.acquireSync()
  guard.release()
  for (const error of await refusals(condition, guard)) expect(error).toMatchObject(notOwner)
  // Also while somebody else holds it.
  using other = mutex.acquireSync()
  for (const error of await refusals(condition, guard)) expect(error).toMatchObject(notOwner)
  expect([other.held, condition.waiting]).toEqual([true, 0])
})

test('the guard of another mutex, of another kind of lock, or none is refused', async () => {
  const condition = new Condition(new Mutex())
  const guards: unknown[] = [
    new Mutex().acquireSync(),
    new RecursiveMutex().acquireSync(),
    new ReadWriteLock().acquireWriteSync(),
    { held: true, release() {} },
    undefined,
    null,
    7,
  ]
  for (const guard of guards)
    for (const error of await refusals(condition, guard as MutexGuard)) expect(error).toMatchObject(invalid)
  expect(condition.waiting).toBe(0)
})

test('a guard that waits already is refused a second wait, and one that is released meanwhile does not come back', async () => {
  for (const mutex of [new Mutex(), new RecursiveMutex()]) {
    const condition = new Condition(mutex)
    const guard = await mutex.acquire()
    const waiting = condition.wait(guard)
    for (const error of await refusals(condition, guard)) expect(error).toMatchObject(notOwner)
    expect(thrownBy(() => guard.markConsistent())).toMatchObject(notOwner)
    guard.release()
    const other = await mutex.acquire()
    guard.release()
    expect([other.held, condition.waiting, condition.notify(other)]).toEqual([true, 1, 1])
    other.release()
    expect(await waiting).toBe(true)
    expect(guard.held).toBe(false)
    expect(mutex.getState().held).toBe(false)
  }
})

test('bad arguments are refused with the mutex held', async () => {
  const condition = new Condition(new Mutex())
  const guard = condition.mutex.acquireSync()
  for (const count of [0, -1, 1.5, Number.NaN, 2 ** 31])
    expect(thrownBy(() => condition.notify(guard, count))).toMatchObject(outOfRange)
  for (const count of ['1', null, {}])
    expect(thrownBy(() => condition.notify(guard, count as number))).toMatchObject(invalid)
  for (const timeout of [-1, Number.NaN]) {
    await expect(condition.wait(guard, { timeout })).rejects.toMatchObject(outOfRange)
    expect(thrownBy(() => condition.waitSync(guard, { timeout }))).toMatchObject(outOfRange)
  }
  await expect(condition.wait(guard, { signal: {} as AbortSignal })).rejects.toMatchObject(invalid)
  await expect(condition.waitFor(guard, 1 as unknown as () => boolean)).rejects.toMatchObject(invalid)
  expect(thrownBy(() => condition.waitForSync(guard, undefined as unknown as () => boolean))).toMatchObject(invalid)
  expect([guard.held, condition.waiting]).toEqual([true, 0])
})

test('a signal whose listener cannot be added leaves the mutex held and nobody waiting', async () => {
  const condition = new Condition(new Mutex())
  const guard = await condition.mutex.acquire()
  const failure = new Error('no listeners')
  const addEventListener = () => {
    throw failure
  }
  const signal = { aborted: false, addEventListener, removeEventListener() {} } as unknown as AbortSignal
  await expect(condition.wait(guard, { signal })).rejects.toBe(failure)
  expect(guard.held).toBe(true)
  expect(condition.notifyAll(guard)).toBe(0)
})

test('a condition is made of a mutex and good options only', () => {
  for (const mutex of [undefined, null, {}, new ReadWriteLock(), new Mutex().toHandle()])
    expect(thrownBy(() => new Condition(mutex as Mutex))).toMatchObject(invalid)
  const mutex = new Mutex()
  for (const maxWaiters of [0, -1, 1.5, 2 ** 20 + 1])
    expect(thrownBy(() => new Condition(mutex, { maxWaiters }))).toMatchObject(outOfRange)
  for (const options of [null, 3, { maxWaiters: '3' }])
    expect(thrownBy(() => new Condition(mutex, options as ConditionOptions))).toMatchObject(invalid)
  const memory = ThreadMemory.create({ bytes: 16_384, participants: 1 })
  expect(thrownBy(() => new Condition(new Mutex({ memory }), { maxWaiters: 10_000 }))).toMatchObject(outOfRange)
})

describe('a recursive mutex', () => {
  const threeLevels = (mutex: RecursiveMutex) => {
    const first = mutex.acquireSync()
    return [first, mutex.acquireSync(), first.acquire()] as const
  }
  /** Nothing was lost or won: it takes three releases to be free. */
  const mustHaveThree = (mutex: RecursiveMutex, guards: readonly MutexGuard[]) => {
    deepEqual(
      guards.map((guard) => guard.held),
      [true, true, true],
    )
    for (const [at, guard] of guards.entries()) {
      equal(mutex.getState().depth, 3 - at)
      guard.release()
    }
    equal(mutex.getState().held, false)
  }

  test.each(['wait', 'waitFor'] as const)(
    'is given up by %s with all its levels, and has them all again',
    async (form) => {
      const mutex = new RecursiveMutex()
      const condition = new Condition(mutex)
      const guards = threeLevels(mutex)
      let told = false
      const waiting = form === 'wait' ? condition.wait(guards[1]) : condition.waitFor(guards[1], () => told)
      await until(() => !mutex.getState().held, 'it waits')
      expect(mutex.getState().depth).toBe(0)
      expect(guards.map((guard) => guard.held)).toEqual([false, false, false])
      const other = mutex.acquireSync()
      expect(mutex.getState().depth).toBe(1)
      told = true
      condition.notify(other)
      other.release()
      expect(await waiting).toBe(true)
      mustHaveThree(mutex, guards)
    },
  )

  test('has all its levels again after a blocking wait', () => {
    const mutex = new RecursiveMutex()
    const condition = new Condition(mutex)
    const guards = threeLevels(mutex)
    expect(condition.waitSync(guards[2], { timeout: 5 })).toBe(false)
    expect(condition.waitForSync(guards[0], () => false, { timeout: 5 })).toBe(false)
    mustHaveThree(mutex, guards)
  })

  test('is used by another task of the thread meanwhile, whose guard is its own', async () => {
    const mutex = new RecursiveMutex()
    const condition = new Condition(mutex)
    const outer = await mutex.acquire()
    const waiting = condition.wait(outer)
    const inner = mutex.acquireSync()
    const twice = mutex.acquireSync()
    expect(mutex.getState().depth).toBe(2)
    expect(condition.notifyAll(twice)).toBe(1)
    await turnsOfTheLoop()
    expect(outer.held).toBe(false)
    inner.release()
    twice.release()
    expect(await waiting).toBe(true)
    expect([outer.held, mutex.getState().depth]).toEqual([true, 1])
  })
})

describe('fromHandle', () => {
  test('opens the condition and its mutex, which are the same as ever', async () => {
    for (const mutex of [new Mutex(), new RecursiveMutex(), new Mutex({ fair: true })]) {
      const condition = new Condition(mutex)
      for (const twin of [
        Condition.fromHandle(condition.toHandle()),
        Condition.fromHandle(condition.toHandle(), mutex),
      ]) {
        const guard = await twin.mutex.acquire()
        const waiting = twin.wait(guard)
        const other = await mutex.acquire()
        expect(condition.notify(other)).toBe(1)
        other.release()
        expect(await waiting).toBe(true)
        guard.release()
      }
      expect(Condition.fromHandle(condition.toHandle(), mutex as Mutex).mutex).toBe(mutex)
    }
  })

  test('refuses another mutex than the one of the condition, and what is no mutex', () => {
    const condition = new Condition(new Mutex())
    const handle = condition.toHandle()
    expect(thrownBy(() => Condition.fromHandle(handle, new Mutex()))).toMatchObject(badHandle)
    expect(thrownBy(() => Condition.fromHandle(handle, new RecursiveMutex()))).toMatchObject(badHandle)
    for (const mutex of [{}, null, 5])
      expect(thrownBy(() => Condition.fromHandle(handle, mutex as unknown as Mutex))).toMatchObject(invalid)
  })

  test('refuses a handle that was tampered with', () => {
    const handle = new Condition(new Mutex()).toHandle()
    const foreign = ThreadMemory.create({ bytes: 65_536 })
    const bad = [
      undefined,
      { ...handle, mutex: undefined },
      { ...handle, mutex: null },
      { ...handle, mutex: handle },
      { ...handle, index: handle.mutex.index },
      { ...handle, index: handle.index + 16 },
      { ...handle, version: 0 },
      { ...handle, buffer: foreign.buffer },
    ]
    for (const wrong of bad)
      expect(thrownBy(() => Condition.fromHandle(wrong as unknown as ConditionHandle))).toMatchObject(badHandle)
  })

  test.each([
    ['in the same memory', () => new Mutex()],
    ['in another memory', () => new Mutex({ memory: ThreadMemory.create() })],
  ])('refuses a handle with the mutex of another condition, %s', (_, create) => {
    const handle = new Condition(new Mutex()).toHandle()
    const mixed = { ...handle, mutex: create().toHandle() }
    expect(thrownBy(() => Condition.fromHandle(mixed))).toMatchObject(badHandle)
  })
})

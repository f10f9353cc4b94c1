import {
  type AcquireOptions,
  Condition,
  Mutex,
  type MutexGuard,
  RecursiveMutex,
  type RecursiveMutexGuard,
} from '@heddle/sync-primitives'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { heldGuards } from './support/held-guards.js'
import { MortalWorker } from './support/mortal-worker.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

/** What the tests before have left; each test tells how many more there are. */
let before = 0
const count = () => heldGuards() - before

beforeEach(() => {
  before = heldGuards()
})

describe.each<[string, () => Mutex | RecursiveMutex]>([
  ['mutex', () => new Mutex()],
  ['recursive mutex', () => new RecursiveMutex()],
])('a guard that waits for a condition of a %s', (_, make) => {
  /** Begins a wait by the async form, and looks while it lasts. */
  async function wait(mutex: Mutex | RecursiveMutex, guard: MutexGuard, options?: AcquireOptions) {
    const condition = new Condition(mutex)
    const waiting = condition.wait(guard, options)
    expect(count()).toBe(0)
    return { condition, waiting }
  }
  const withLevels = (mutex: Mutex | RecursiveMutex) => {
    const guard = mutex.acquireSync()
    return { guard, levels: mutex instanceof RecursiveMutex ? [guard, mutex.acquireSync()] : [guard] }
  }

  test('does not count until it has its mutex back, whether it was notified, aborted or out of time', async () => {
    const mutex = make()
    const { guard, levels } = withLevels(mutex)
    const { condition, waiting } = await wait(mutex, guard)
    const other = await mutex.acquire()
    condition.notify(other)
    await turnsOfTheLoop()
    expect(count()).toBe(1)
    other.release()
    expect([await waiting, count()]).toEqual([true, levels.length])
    const late = await wait(mutex, guard, { timeout: 5 })
    expect([await late.waiting, count()]).toEqual([false, levels.length])
    const stop = new AbortController()
    const aborted = await wait(mutex, guard, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(aborted.waiting).rejects.toThrow('enough')
    expect([condition.waitSync(guard, { timeout: 5 }), count()]).toEqual([false, levels.length])
    for (const each of levels) each.release()
    expect(count()).toBe(0)
  })

  test('never counts again if it was released meanwhile', async () => {
    const mutex = make()
    const { guard, levels } = withLevels(mutex)
    const { condition, waiting } = await wait(mutex, guard)
    for (const each of levels) each.release()
    expect(count()).toBe(0)
    const other = await mutex.acquire()
    condition.notifyAll(other)
    other.release()
    await waiting
    expect([guard.held, count(), mutex.getState().held]).toEqual([false, 0, false])
  })

  test('counts no more if its mutex was lost meanwhile', async () => {
    const mutex = make()
    const { guard } = withLevels(mutex)
    const stop = new AbortController()
    const { waiting } = await wait(mutex, guard, { signal: stop.signal })
    await dieHolding(mutex)
    const heir = mutex.acquireSync()
    expect([heir.ownerDied, count()]).toEqual([true, 1])
    heir.release()
    stop.abort()
    await expect(waiting).rejects.toHaveProperty('code', 'ERR_NOT_RECOVERABLE')
    guard.release()
    expect(count()).toBe(0)
  })
})

test.each<[string, (options?: { onOwnerDied: (guard: MutexGuard) => void }) => Mutex | RecursiveMutex]>([
  ['mutex', (options) => new Mutex(options)],
  ['fair mutex', (options) => new Mutex({ fair: true, ...options })],
  ['recursive mutex', (options) => new RecursiveMutex(options)],
])('the guard of a %s whose owner has died counts once, also while and after it is repaired', async (_, make) => {
  const seen: number[] = []
  const error = new Error('of the repair')
  const handlers: ((guard: MutexGuard) => void)[] = [
    () => seen.push(count()),
    () => {
      throw error
    },
    (guard) => {
      guard.release()
      throw error
    },
    (guard) => {
      if ('acquire' in guard) (guard as RecursiveMutexGuard).acquire()
      throw error
    },
  ]
  const byHand = make()
  const [repaired, ...failing] = handlers.map((onOwnerDied) => make({ onOwnerDied }))
  const orphans = [byHand, repaired as Mutex, ...failing]
  await dieHolding(...orphans)
  const guard = byHand.acquireSync()
  expect([guard.ownerDied, count()]).toEqual([true, 1])
  guard.markConsistent()
  expect(count()).toBe(1)
  guard.release()
  expect(count()).toBe(0)
  const whole = await (repaired as Mutex).acquire()
  expect([...seen, count()]).toEqual([1, 1])
  whole.release()
  for (const mutex of failing) {
    expect(thrownBy(() => mutex.acquireSync())).toBe(error)
    expect([count(), mutex.getState().held]).toEqual([0, false])
    await expect(mutex.acquire()).rejects.toHaveProperty('code', 'ERR_NOT_RECOVERABLE')
    expect(count()).toBe(0)
  }
})

async function dieHolding(...mutexes: (Mutex | RecursiveMutex)[]): Promise<void> {
  const owner = await MortalWorker.withObjects(Object.fromEntries(mutexes.entries()))
  for (const name of mutexes.keys()) await owner.run('acquireSync', { name: String(name) })
  await owner.terminate()
}

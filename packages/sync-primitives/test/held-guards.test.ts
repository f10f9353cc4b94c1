import { Worker } from 'node:worker_threads'
import { Mutex, type MutexGuard, ReadWriteLock, RecursiveMutex, Semaphore } from '@heddle/sync-primitives'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { heldGuards } from './support/held-guards.js'
import { type LockLike, lockLikes } from './support/lock-likes.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const reading: LockLike = {
  make: () => new ReadWriteLock(),
  open: (handle) => ReadWriteLock.fromHandle(handle),
  acquire: (lock, options) => (lock as ReadWriteLock).acquireRead(options),
  acquireSync: (lock, options) => (lock as ReadWriteLock).acquireReadSync(options),
  tryAcquire: (lock) => (lock as ReadWriteLock).tryAcquireRead(),
  run: (lock, fn, options) => (lock as ReadWriteLock).runRead(fn, options),
  runSync: (lock, fn, options) => (lock as ReadWriteLock).runReadSync(fn, options),
}
const threePermits: LockLike = {
  make: () => new Semaphore(3),
  open: (handle) => Semaphore.fromHandle(handle),
  acquire: (lock, options) => (lock as Semaphore).acquire(3, options),
  acquireSync: (lock, options) => (lock as Semaphore).acquireSync(3, options),
  tryAcquire: (lock) => (lock as Semaphore).tryAcquire(3),
  run: (lock, fn, options) => (lock as Semaphore).runExclusive(fn, { permits: 3, ...options }),
  runSync: (lock, fn, options) => (lock as Semaphore).runExclusiveSync(fn, { permits: 3, ...options }),
}
const kinds: Readonly<Record<string, LockLike>> = {
  ...lockLikes,
  'ReadWriteLock for reading': reading,
  'Semaphore of three permits': threePermits,
}

/** What the tests before have left; each test tells how many more there are. */
let before = 0
const count = () => heldGuards() - before
const workers = new Set<Worker>()

beforeEach(() => {
  before = heldGuards()
})

afterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.terminate()))
  workers.clear()
})

describe.each(Object.entries(kinds))('the guard of a %s', (kind, like) => {
  const forms: [string, (lock: ReturnType<LockLike['make']>) => unknown][] = [
    ['acquireSync', (lock) => like.acquireSync(lock)],
    ['acquireSync in time', (lock) => like.acquireSync(lock, { timeout: 5_000 })],
    ['acquire', (lock) => like.acquire(lock)],
    ['acquire in time', (lock) => like.acquire(lock, { timeout: 5_000, signal: new AbortController().signal })],
    ['tryAcquire', (lock) => like.tryAcquire(lock)],
  ]

  test.each(forms)('counts once from %s to its first release', async (_, take) => {
    const lock = like.make()
    for (let turn = 0; turn < 2; turn++) {
      const guard = (await take(lock)) as { release(): void } & Disposable
      expect(count()).toBe(1)
      if (turn === 0) guard.release()
      else guard[Symbol.dispose]()
      expect(count()).toBe(0)
      guard.release()
      guard[Symbol.dispose]()
      expect(count()).toBe(0)
    }
  })

  test('counts while a function runs with it, however that ends', async () => {
    const lock = like.make()
    const seen: number[] = []
    const look = () => seen.push(count())
    const fail = () => {
      look()
      throw new Error('of the caller')
    }
    like.runSync(lock, look)
    like.runSync(lock, look, { timeout: 5_000 })
    seen.push(count())
    thrownBy(() => like.runSync(lock, fail))
    seen.push(count())
    await like.run(lock, async () => {
      await turnsOfTheLoop()
      look()
    })
    seen.push(count())
    await expect(like.run(lock, fail)).rejects.toThrow('of the caller')
    seen.push(count())
    await expect(like.run(lock, async () => fail(), { timeout: 5_000 })).rejects.toThrow('of the caller')
    seen.push(count())
    expect(seen).toEqual([1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
  })

  test('does not count before it was acquired, nor for those who give up or are refused', async () => {
    const lock = like.make()
    const words = sharedWords(2)
    const holder = kind === 'ReadWriteLock for reading' ? 'ReadWriteLock for writing' : kind
    const task = holder === 'Semaphore of three permits' ? 'Semaphore of one permit' : holder
    const workerData = { kind: task, handle: lock.toHandle(), words, task: 'hold', driver: 'blocking' }
    const worker = new Worker(new URL('./fixtures/lock-like-worker.mjs', import.meta.url), { workerData })
    workers.add(worker)
    await until(() => Atomics.load(words, 1) === 1, 'the other thread holds it')
    // What another thread holds is not this one's.
    expect(count()).toBe(0)
    expect(like.tryAcquire(lock)).toBeUndefined()
    for (const timeout of [0, 5, -1]) {
      expect(thrownBy(() => like.acquireSync(lock, { timeout }))).toHaveProperty('code')
      await expect(like.acquire(lock, { timeout })).rejects.toHaveProperty('code')
      await expect(like.run(lock, () => {}, { timeout })).rejects.toHaveProperty('code')
    }
    const stop = new AbortController()
    const aborted = [like.acquire(lock, { signal: stop.signal }), like.acquire(lock, { signal: stop.signal })]
    const patient = like.acquire(lock)
    await turnsOfTheLoop()
    expect(count()).toBe(0)
    stop.abort(new Error('enough'))
    for (const each of aborted) await expect(each).rejects.toThrow('enough')
    await expect(like.acquire(lock, { signal: stop.signal })).rejects.toThrow('enough')
    expect(count()).toBe(0)
    await worker.terminate()
    // The owner of a lock may have died, which leaves a reader nothing; a semaphore just has its permits back.
    const guard = await patient.catch(() => undefined)
    expect(count()).toBe(guard ? 1 : 0)
    guard?.release()
    expect(count()).toBe(0)
    const outcome = await like.run(lock, () => 'entered').catch((error) => error.code)
    expect(outcome).toBe(/Mutex|writing/.test(kind) ? 'ERR_NOT_RECOVERABLE' : guard ? 'entered' : 'ERR_OWNER_DIED')
    expect(count()).toBe(0)
  })
})

test('each level of a recursive mutex counts, whatever the order in which they are released', async () => {
  const mutex = new RecursiveMutex()
  const same = RecursiveMutex.fromHandle(mutex.toHandle())
  const outer = await mutex.acquire()
  const levels = [outer, mutex.acquireSync(), same.acquireSync(), outer.acquire(), same.tryAcquire() as MutexGuard]
  expect(count()).toBe(5)
  mutex.runExclusiveSync(() => expect(count()).toBe(6))
  for (const [released, index] of [2, 0, 4, 1, 3].entries()) {
    levels[index]?.release()
    levels[index]?.release()
    expect(count()).toBe(4 - released)
  }
  expect(thrownBy(() => outer.acquire())).toHaveProperty('code', 'ERR_NOT_OWNER')
  expect(count()).toBe(0)
})

test('what becomes a reader, or a writer, counts once all the time, also when it fails to', async () => {
  const lock = new ReadWriteLock()
  const upgradable = lock.acquireUpgradableReadSync()
  const reader = lock.acquireReadSync()
  expect(upgradable.tryUpgrade()).toBeUndefined()
  expect(thrownBy(() => upgradable.upgradeSync())).toHaveProperty('code', 'ERR_ALREADY_OWNED')
  await expect(upgradable.upgrade({ timeout: 5 })).rejects.toHaveProperty('code', 'ERR_TIMEOUT')
  const pending = upgradable.upgrade()
  expect(thrownBy(() => upgradable.release())).toHaveProperty('code', 'ERR_ALREADY_OWNED')
  expect(count()).toBe(2)
  reader.release()
  expect(count()).toBe(1)
  const writer = await pending
  expect(count()).toBe(1)
  upgradable.release()
  const downgraded = writer.downgrade()
  writer.release()
  expect(count()).toBe(1)
  downgraded.release()
  expect(count()).toBe(0)
  const steps = [() => lock.acquireUpgradableReadSync(), () => lock.tryAcquireUpgradableRead()]
  for (const take of steps) {
    const guard = take()
    const next = take === steps[0] ? guard?.downgrade() : guard?.upgradeSync()
    expect([guard?.held, count()]).toEqual([false, 1])
    guard?.release()
    next?.release()
    expect(count()).toBe(0)
  }
})

test('permits that were detached do not count; those that cannot be given back do until they are', () => {
  const semaphore = new Semaphore(4, { maxPermits: 4 })
  const [detached, stuck] = [semaphore.acquireSync(2), semaphore.acquireSync()]
  detached.detach()
  detached.detach()
  detached.release()
  expect(count()).toBe(1)
  semaphore.release(3)
  expect(thrownBy(() => stuck.release())).toHaveProperty('code', 'ERR_OVER_RELEASE')
  expect([stuck.held, count()]).toEqual([true, 1])
  semaphore.acquireSync(2).detach()
  stuck.release()
  expect(count()).toBe(0)
  // The same by runExclusive, whose function fails: it disowns what nobody can take back.
  const other = new Semaphore(1, { maxPermits: 1 })
  const overRelease = () => {
    other.release()
    throw new Error('of the caller')
  }
  expect(thrownBy(() => other.runExclusiveSync(overRelease))).toHaveProperty('message', 'of the caller')
  expect(count()).toBe(0)
})

test.each([Mutex, RecursiveMutex])('the guard of a %p that cannot be released counts until it can', (Kind) => {
  const mutex = new Kind()
  const guard = mutex.acquireSync()
  const { words, state } = wordsUnder(mutex)
  // Something else has written here, which is not to happen.
  const mine = Atomics.exchange(words, state, 0)
  expect(thrownBy(() => guard.release())).toHaveProperty('code', 'ERR_INTERNAL')
  expect([guard.held, count()]).toEqual([true, 1])
  Atomics.store(words, state, mine)
  guard.release()
  expect([guard.held, count()]).toEqual([false, 0])
})

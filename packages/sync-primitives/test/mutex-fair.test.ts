import { Mutex, type MutexGuard, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { lineUnder, sharedWords, ticketsOf } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const lastTicket = 2 ** 31 - 1

/** Lets each of the threads ask for the lock, one after the other: the next one when the one before is in the line. */
async function queueUp(mutex: Mutex, workers: readonly MortalWorker[], log: Int32Array, ask: (i: number) => string) {
  const signed: Promise<unknown>[] = []
  for (const [i, worker] of workers.entries()) {
    const before = ticketsOf(mutex)
    signed.push(worker.run(ask(i), { name: 'mutex', log, mark: i + 1 }))
    await until(() => ticketsOf(mutex) !== before, `thread ${i + 1} is in the line`)
  }
  return signed
}

const open = (mutex: Mutex, count: number) =>
  Promise.all(Array.from({ length: count }, () => MortalWorker.withObjects({ mutex })))

describe('the order between threads', () => {
  test.each([
    ['block', () => 'sign'],
    ['await', () => 'signAwaiting'],
    ['block and await by turns', (i: number) => (i % 2 === 0 ? 'sign' : 'signAwaiting')],
  ])('threads that %s get a fair mutex in the order they asked, and the latest comer is the last', async (_, ask) => {
    const mutex = new Mutex({ fair: true })
    const log = sharedWords(16)
    const workers = await open(mutex, 4)
    for (let round = 0; round < 5; round++) {
      log.fill(0)
      const guard = mutex.acquireSync()
      const signed = await queueUp(mutex, workers, log, ask)
      guard.release()
      // Nobody waits longer than this thread, which has just had it.
      const mine = mutex.acquireSync()
      expect(Array.from(log.subarray(0, 5))).toEqual([4, 1, 2, 3, 4])
      mine.release()
      await Promise.all(signed)
    }
    expect(mutex.getState()).toMatchObject({ held: false, recoverable: true, ownerDied: false })
  })

  test('the line goes on in order when the tickets begin anew', async () => {
    const mutex = new Mutex({ fair: true })
    const { words, next } = lineUnder(mutex)
    const workers = await open(mutex, 4)
    const log = sharedWords(16)
    const guard = mutex.acquireSync()
    Atomics.store(words, next, lastTicket - 2)
    const signed = await queueUp(mutex, workers, log, () => 'sign')
    expect(ticketsOf(mutex)).toBe(2)
    guard.release()
    await Promise.all(signed)
    expect(Array.from(log.subarray(0, 5))).toEqual([4, 1, 2, 3, 4])
  })

  test('one that gave up leaves no gap: those behind it go on at once, in order', async () => {
    const mutex = new Mutex({ fair: true })
    const log = sharedWords(16)
    const workers = await open(mutex, 3)
    const guard = mutex.acquireSync()
    const controller = new AbortController()
    const mine = mutex.acquire({ signal: controller.signal })
    const signed = await queueUp(mutex, workers, log, () => 'sign')
    controller.abort('no longer')
    await expect(mine).rejects.toBe('no longer')
    guard.release()
    await Promise.all(signed)
    expect(Array.from(log.subarray(0, 4))).toEqual([3, 1, 2, 3])
  })

  test('one that looks by itself does not pass an earlier one that is slow to come', async () => {
    const mutex = new Mutex({ fair: true })
    const log = sharedWords(4)
    const workers = await open(mutex, 1)
    const guard = mutex.acquireSync()
    const task = mutex.acquire()
    const signed = await queueUp(mutex, workers, log, () => 'sign')
    guard.release()
    // Busy for longer than a sleeper sleeps before it looks again.
    for (const end = performance.now() + 130; performance.now() < end; );
    expect(Atomics.load(log, 0)).toBe(0)
    ;(await task).release()
    await Promise.all(signed)
    expect(Array.from(log.subarray(0, 2))).toEqual([1, 1])
  })

  test('tryAcquire takes nothing while somebody in another thread waits, even if it is free at that moment', async () => {
    const mutex = new Mutex({ fair: true })
    const [worker] = await open(mutex, 1)
    const guard = mutex.acquireSync()
    const before = ticketsOf(mutex)
    const acquired = worker?.run('acquireSync', { name: 'mutex' })
    await until(() => ticketsOf(mutex) !== before, 'the worker is in the line')
    guard.release()
    // Whether the worker has taken it already or only has its turn: it is not for this thread.
    expect(mutex.tryAcquire()).toBeUndefined()
    await acquired
    await worker?.run('release', { name: 'mutex' })
    expect(mutex.tryAcquire()?.held).toBe(true)
  })

  test('a thread that hogs it cannot take it twice before one that waits', async () => {
    const mutex = new Mutex({ fair: true })
    const [hog] = await open(mutex, 1)
    const [turns, done] = [sharedWords(1), sharedWords(1)]
    const hogging = hog?.run('hog', { name: 'mutex', turns, done })
    await until(() => Atomics.load(turns, 0) > 0, 'the hog is at work')
    const turnsBefore: number[] = []
    while (turnsBefore.length < 10) {
      const before = ticketsOf(mutex)
      const waiting = mutex.acquire()
      const hadToWait = ticketsOf(mutex) !== before
      const seen = Atomics.load(turns, 0)
      const guard = await waiting
      if (hadToWait) turnsBefore.push(Atomics.load(turns, 0) - seen)
      guard.release()
    }
    Atomics.store(done, 0, 1)
    await hogging
    // The turn that it is in may not be counted yet.
    expect(Math.max(...turnsBefore)).toBeLessThanOrEqual(1)
  })

  test('a thread that blocks passes its own tasks, also when another thread waits between the two', async () => {
    const mutex = new Mutex({ fair: true })
    const workers = await open(mutex, 1)
    const log = sharedWords(4)
    const guard = mutex.acquireSync()
    const task = mutex.acquire()
    const signed = await queueUp(mutex, workers, log, () => 'sign')
    guard.release()
    const mine = mutex.acquireSync({ timeout: 1_500 })
    expect(mine.held).toBe(true)
    mine.release()
    ;(await task).release()
    await Promise.all(signed)
  })
})

describe('exclusion and giving up', () => {
  test.each([
    ['a mutex', () => new Mutex({ fair: true })],
    ['a recursive mutex', () => new RecursiveMutex({ fair: true })],
  ])('%s that is fair lets nobody in with another, and no increment is lost', async (_, create) => {
    const mutex = create()
    const words = sharedWords(2)
    const workers = await Promise.all([1, 2, 3].map(() => MortalWorker.withObjects({ mutex })))
    const reported = await Promise.all(
      workers.map((worker) => worker.run('rounds', { name: 'mutex', rounds: 300, words })),
    )
    expect(words[0]).toBe(words[1])
    expect(words[0]).toBeGreaterThan(600)
    expect(reported).toEqual([0, 0, 0])
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  })

  test('tasks of one thread get a fair mutex in the order they asked, across two objects of it', async () => {
    const mutex = new Mutex({ fair: true })
    const same = Mutex.fromHandle(structuredClone(mutex.toHandle()))
    const guard = mutex.acquireSync()
    const order: number[] = []
    const tasks = [mutex, same, same, mutex, same].map(async (object, task) => {
      const mine = await object.acquire()
      order.push(task)
      mine.release()
    })
    guard.release()
    expect(same.tryAcquire()).toBeUndefined()
    await Promise.all(tasks)
    expect(order).toEqual([0, 1, 2, 3, 4])
  })

  test('abort of the first waiter and release in the same tick: the second one owns the mutex', async () => {
    for (const abortFirst of [true, false]) {
      const mutex = new Mutex({ fair: true })
      const guard = mutex.acquireSync()
      const controller = new AbortController()
      const first = mutex.acquire({ signal: controller.signal })
      const second = mutex.acquire()
      if (abortFirst) controller.abort('leaves')
      guard.release()
      if (!abortFirst) controller.abort('leaves')
      await expect(first).rejects.toBe('leaves')
      const mine = await second
      expect(mine.held).toBe(true)
      mine.release()
      expect(mutex.tryAcquire()?.held).toBe(true)
    }
  })

  test('a timeout is exact from below and leaves no place in the line', async () => {
    const mutex = new Mutex({ fair: true })
    const [worker] = await open(mutex, 1)
    const guard = mutex.acquireSync()
    for (const timeout of [0, 1, 12.5, 60]) {
      const begun = performance.now()
      await expect(mutex.acquire({ timeout })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
      expect(performance.now() - begun).toBeGreaterThanOrEqual(timeout)
      expect(performance.now() - begun).toBeLessThan(timeout + 1_000)
    }
    const failure = worker?.run('acquireSync', { name: 'mutex', options: { timeout: 30 } })
    await expect(failure).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    guard.release()
    expect(mutex.tryAcquire()?.held).toBe(true)
  })

  test('it is not recursive: acquireSync by the thread that holds it is ERR_ALREADY_OWNED at once, through any object', () => {
    const mutex = new Mutex({ fair: true })
    const same = Mutex.fromHandle(structuredClone(mutex.toHandle()))
    const guard = same.acquireSync()
    for (const object of [mutex, same])
      for (const options of [undefined, { timeout: 0 }, { timeout: 60_000 }])
        expect(thrownBy(() => object.acquireSync(options))).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
    expect(mutex.tryAcquire()).toBeUndefined()
    guard.release()
    guard.release()
    expect(mutex.tryAcquire()?.held).toBe(true)
  })

  test('misuse of guards changes nothing: a second release leaves it with whoever holds it by then', async () => {
    const mutex = new Mutex({ fair: true })
    const first = mutex.acquireSync()
    first.markConsistent() // there is nothing to say
    first.release()
    const second = await mutex.acquire()
    first.release()
    expect(thrownBy(() => first.markConsistent())).toMatchObject({ name: 'LockStateError', code: 'ERR_NOT_OWNER' })
    expect(thrownBy(() => mutex.release())).toMatchObject({ code: 'ERR_NOT_OWNER' })
    expect(second.held).toBe(true)
    expect(mutex.tryAcquire()).toBeUndefined()
    second.release()
  })

  test('a held fair mutex whose record was overwritten is ERR_INTERNAL, and the guard stays held', () => {
    const mutex = new Mutex({ fair: true })
    const guard: MutexGuard = mutex.acquireSync()
    const { words, heldBy } = lineUnder(mutex)
    Atomics.store(words, heldBy(1), 0)
    expect(thrownBy(() => guard.release())).toMatchObject({ name: 'InternalError', code: 'ERR_INTERNAL' })
    expect(guard.held).toBe(true)
    Atomics.store(words, heldBy(1), 1)
    guard.release()
    expect(mutex.tryAcquire()?.held).toBe(true)
  })
})

test('300 tasks that gave up leave nothing: the mutex is free at once after its holder', async () => {
  const mutex = new Mutex({ fair: true })
  const guard = mutex.acquireSync()
  const controller = new AbortController()
  const waits = Array.from({ length: 300 }, (_, i) =>
    mutex.acquire(i % 2 === 0 ? { signal: controller.signal } : { timeout: 1 }).catch(() => 'gave up'),
  )
  await turnsOfTheLoop()
  controller.abort()
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['gave up']))
  guard.release()
  mutex.acquireSync({ timeout: 0 }).release()
  expect(mutex.getState()).toMatchObject({ held: false, contended: false, waitingHere: 0 })
})

import { Mutex, type MutexGuard } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { stateOf, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const FREE = 0

describe('taking and releasing', () => {
  test('a free mutex is taken by each form, and is free again after each release', async () => {
    const mutex = new Mutex()
    const forms: (() => MutexGuard | undefined | Promise<MutexGuard>)[] = [
      () => mutex.acquire(),
      () => mutex.acquireSync(),
      () => mutex.tryAcquire(),
      () => mutex.acquire({ timeout: 0 }),
      () => mutex.acquireSync({ timeout: 0 }),
    ]
    for (const form of forms) {
      const guard = await form()
      expect(guard?.held).toBe(true)
      expect(stateOf(mutex)).not.toBe(FREE)
      guard?.release()
      expect(guard?.held).toBe(false)
      expect(stateOf(mutex)).toBe(FREE)
    }
  })

  test('tryAcquire on a held mutex gives nothing at once, and owns nothing later', async () => {
    const mutex = new Mutex()
    const guard = mutex.acquireSync()
    expect([mutex.tryAcquire(), mutex.tryAcquire(), mutex.tryAcquire()]).toEqual([undefined, undefined, undefined])
    guard.release()
    await turnsOfTheLoop()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('a released mutex goes to the task that awaits it, not to a tryAcquire that comes later', async () => {
    const mutex = new Mutex()
    const first = mutex.acquireSync()
    const waiting = mutex.acquire()
    first.release()
    expect(mutex.tryAcquire()).toBeUndefined()
    const second = await waiting
    expect(second.held).toBe(true)
    second.release()
  })

  test('a task that asks right after the release is behind the one that waited', async () => {
    const mutex = new Mutex()
    const first = mutex.acquireSync()
    const order: string[] = []
    const take = async (task: string) => {
      const guard = await mutex.acquire()
      order.push(task)
      guard.release()
    }
    const waited = take('waited')
    first.release()
    await Promise.all([take('came later'), waited])
    expect(order).toEqual(['waited', 'came later'])
  })

  test('tasks of one thread get the mutex in the order they asked, and no wake-up is lost between them', async () => {
    const mutex = new Mutex()
    const guard = mutex.acquireSync()
    const order: number[] = []
    const tasks = Array.from({ length: 40 }, async (_, task) => {
      const mine = await mutex.acquire()
      order.push(task)
      mine.release()
    })
    const begun = performance.now()
    guard.release()
    await Promise.all(tasks)
    expect(order).toEqual(Array.from({ length: 40 }, (_, task) => task))
    // A lost wake-up costs 100 ms: the wait looks again by itself then.
    expect(performance.now() - begun).toBeLessThan(40 * 50)
  })

  test('two objects of one mutex are one queue: tasks of a thread are served in order across both', async () => {
    const mutex = new Mutex()
    const sameMutex = Mutex.fromHandle(structuredClone(mutex.toHandle()))
    const guard = mutex.acquireSync()
    const order: number[] = []
    const tasks = [mutex, mutex, mutex, sameMutex, sameMutex, mutex].map(async (object, task) => {
      const mine = await object.acquire()
      order.push(task)
      mine.release()
    })
    guard.release()
    expect(sameMutex.tryAcquire()).toBeUndefined()
    await Promise.all(tasks)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('two mutexes do not know each other', () => {
    const [one, other] = [new Mutex(), new Mutex()]
    const guard = one.acquireSync()
    const otherGuard = other.tryAcquire()
    expect(otherGuard?.held).toBe(true)
    guard.release()
    expect(other.tryAcquire()).toBeUndefined()
    otherGuard?.release()
  })
})

describe('misuse', () => {
  test('release without a guard is ERR_NOT_OWNER on a free and on a held mutex, and changes nothing', () => {
    const mutex = new Mutex()
    expect(thrownBy(() => mutex.release())).toMatchObject({ name: 'LockStateError', code: 'ERR_NOT_OWNER' })
    expect(stateOf(mutex)).toBe(FREE)
    const guard = mutex.acquireSync()
    const held = stateOf(mutex)
    expect(thrownBy(() => mutex.release())).toMatchObject({ code: 'ERR_NOT_OWNER' })
    expect(stateOf(mutex)).toBe(held)
    guard.release()
    mutex.acquireSync().release()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('a guard released twice leaves the mutex with whoever holds it by then', async () => {
    const mutex = new Mutex()
    const first = mutex.acquireSync()
    first.release()
    first.release()
    const second = await mutex.acquire()
    first.release()
    expect(second.held).toBe(true)
    expect(mutex.tryAcquire()).toBeUndefined()
    second.release()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test.each([undefined, 0, 1_000, Number.POSITIVE_INFINITY])(
    'acquireSync by the thread that holds it is ERR_ALREADY_OWNED at once, also with the timeout %p',
    (timeout) => {
      const mutex = new Mutex()
      const guard = mutex.acquireSync()
      const begun = performance.now()
      expect(thrownBy(() => mutex.acquireSync({ timeout }))).toMatchObject({
        name: 'LockStateError',
        code: 'ERR_ALREADY_OWNED',
      })
      expect(performance.now() - begun).toBeLessThan(500)
      expect(guard.held).toBe(true)
      guard.release()
      expect(stateOf(mutex)).toBe(FREE)
    },
  )

  test('ERR_ALREADY_OWNED is seen through a guard of another task and while others wait', async () => {
    const mutex = new Mutex()
    const guard = await mutex.acquire()
    const waiting = mutex.acquire()
    expect(thrownBy(() => mutex.acquireSync())).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
    guard.release()
    ;(await waiting).release()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('ERR_ALREADY_OWNED is seen through every object that the thread has opened on the mutex', () => {
    const mutex = new Mutex()
    // Each message brings another SharedArrayBuffer object for the same memory.
    const copies = Array.from({ length: 3 }, () => Mutex.fromHandle(structuredClone(mutex.toHandle())))
    const guard = copies[0]?.acquireSync()
    for (const copy of [mutex, ...copies])
      expect(thrownBy(() => copy.acquireSync({ timeout: 0 }))).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
    guard?.release()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('a held mutex whose word was overwritten is ERR_INTERNAL and prints the word', () => {
    const mutex = new Mutex()
    const guard = mutex.acquireSync()
    const { words, state } = wordsUnder(mutex)
    const mine = Atomics.exchange(words, state, 4_242)
    const error = thrownBy(() => guard.release())
    expect(error).toMatchObject({ name: 'InternalError', code: 'ERR_INTERNAL' })
    expect(String(error)).toContain('4242')
    expect(guard.held).toBe(true)
    Atomics.store(words, state, mine)
    guard.release()
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('getState tells who holds it, who waits here, and that all is well', async () => {
    for (const fair of [false, true]) {
      const mutex = new Mutex({ fair })
      const free = {
        held: false,
        owner: undefined,
        contended: false,
        waitingHere: 0,
        ownerDied: false,
        recoverable: true,
      }
      expect(mutex.getState()).toEqual(free)
      const guard = mutex.acquireSync()
      const held = { ...free, held: true, owner: { threadId: 0, alive: true } }
      expect(mutex.getState()).toEqual(held)
      const waits = [mutex.acquire(), mutex.acquire()]
      expect(mutex.getState()).toEqual({ ...held, contended: true, waitingHere: 2 })
      guard.release()
      for (const wait of waits) (await wait).release()
      expect(mutex.getState()).toMatchObject({ held: false, owner: undefined, waitingHere: 0 })
    }
  })
})

describe('run exclusively', () => {
  test('the result of the function comes back, and the mutex is held exactly while it runs', async () => {
    const mutex = new Mutex()
    const during = mutex.runExclusiveSync((guard) => [guard.held, mutex.tryAcquire()])
    expect(during).toEqual([true, undefined])
    expect(stateOf(mutex)).toBe(FREE)
    const result = await mutex.runExclusive(async (guard) => {
      await turnsOfTheLoop()
      return [guard.held, mutex.tryAcquire()]
    })
    expect(result).toEqual([true, undefined])
    expect(stateOf(mutex)).toBe(FREE)
    await expect(mutex.runExclusive(() => 'not a promise')).resolves.toBe('not a promise')
  })

  test('an error of the function passes unchanged and leaves the mutex free', async () => {
    const mutex = new Mutex()
    const error = new Error('of the critical section')
    expect(thrownBy(() => mutex.runExclusiveSync(() => fail(error)))).toBe(error)
    expect(stateOf(mutex)).toBe(FREE)
    await expect(mutex.runExclusive(() => fail(error))).rejects.toBe(error)
    expect(stateOf(mutex)).toBe(FREE)
    await expect(mutex.runExclusive(() => Promise.reject(error))).rejects.toBe(error)
    expect(stateOf(mutex)).toBe(FREE)
  })

  test('a function that released the guard by itself is not released twice', async () => {
    const mutex = new Mutex()
    let other: MutexGuard | undefined
    await mutex.runExclusive((guard) => {
      guard.release()
      other = mutex.acquireSync()
    })
    expect(other?.held).toBe(true)
    expect(mutex.tryAcquire()).toBeUndefined()
  })

  test('the function is not called when the mutex was not free in time', async () => {
    const mutex = new Mutex()
    const guard = mutex.acquireSync()
    let calls = 0
    const count = () => {
      calls += 1
    }
    await expect(mutex.runExclusive(count, { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(thrownBy(() => mutex.runExclusiveSync(count, { timeout: 0 }))).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
    await expect(mutex.runExclusive(count, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(calls).toBe(0)
    guard.release()
  })
})

describe('using', () => {
  test('a guard releases at the end of its block, also when the block throws', () => {
    const mutex = new Mutex()
    {
      using guard = mutex.acquireSync()
      expect(guard.held).toBe(true)
      expect(stateOf(mutex)).not.toBe(FREE)
    }
    expect(stateOf(mutex)).toBe(FREE)
    const error = new Error('inside')
    const leave = () => {
      using _guard = mutex.acquireSync()
      throw error
    }
    expect(thrownBy(leave)).toBe(error)
    expect(stateOf(mutex)).toBe(FREE)
  })
})

function fail(error: Error): never {
  throw error
}

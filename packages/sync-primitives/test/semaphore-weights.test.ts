import { Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, ticketsOf } from './support/event-worker.js'
import { rejects } from './support/rejects.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

describe('several permits at once', () => {
  test('they are taken all together or not at all', () => {
    const semaphore = new Semaphore(2)
    expect(semaphore.tryAcquire(3)).toBeUndefined()
    expect(semaphore.availablePermits).toBe(2)
    const guard = semaphore.tryAcquire(2)
    expect(guard).toMatchObject({ held: true, permits: 2 })
    expect(semaphore.availablePermits).toBe(0)
    guard?.release()
    guard?.release()
    expect(guard?.held).toBe(false)
    expect(semaphore.availablePermits).toBe(2)
  })

  test('every way of asking takes as many as it says', async () => {
    const semaphore = new Semaphore(20)
    const { signal } = new AbortController()
    const taken = [
      await semaphore.acquire(),
      await semaphore.acquire({ timeout: 0 }),
      await semaphore.acquire({}),
      await semaphore.acquire(2),
      await semaphore.acquire(3, { timeout: 0, signal }),
      await semaphore.acquire(undefined as unknown as number, { timeout: 0 }),
      semaphore.acquireSync(),
      semaphore.acquireSync({ timeout: 0 }),
      semaphore.acquireSync(2),
      semaphore.acquireSync(4, { timeout: 0 }),
      semaphore.acquireSync(undefined as unknown as number, { timeout: 0 }),
    ]
    expect(taken.map(({ permits }) => permits)).toEqual([1, 1, 1, 2, 3, 1, 1, 1, 2, 4, 1])
    expect(semaphore.availablePermits).toBe(20 - 18)
    for (const guard of taken) guard[Symbol.dispose]()
    expect(semaphore.availablePermits).toBe(20)
  })

  test('runExclusive and runExclusiveSync hold as many as they are told, and give them back on a throw', async () => {
    const semaphore = new Semaphore(5)
    const seen: number[] = []
    const look = ({ permits }: { permits: number }) => seen.push(permits, semaphore.availablePermits)
    await semaphore.runExclusive(look, { permits: 3, timeout: 0 })
    semaphore.runExclusiveSync(look, { permits: 4, timeout: 0 })
    await semaphore.runExclusive(look)
    semaphore.runExclusiveSync(look, { timeout: 0 })
    expect(seen).toEqual([3, 2, 4, 1, 1, 4, 1, 4])
    const failure = new Error('of the function')
    const fail = () => {
      throw failure
    }
    await expect(semaphore.runExclusive(fail, { permits: 5 })).rejects.toBe(failure)
    expect(thrownBy(() => semaphore.runExclusiveSync(fail, { permits: 5 }))).toBe(failure)
    expect(semaphore.availablePermits).toBe(5)
  })

  const bad: [string, unknown[], string][] = [
    ['no permits', [0], 'ERR_OUT_OF_RANGE'],
    ['a negative number', [-1], 'ERR_OUT_OF_RANGE'],
    ['a fraction', [1.5], 'ERR_OUT_OF_RANGE'],
    ['NaN', [Number.NaN], 'ERR_OUT_OF_RANGE'],
    ['Infinity', [Number.POSITIVE_INFINITY], 'ERR_OUT_OF_RANGE'],
    ['more than can ever be free', [4], 'ERR_OUT_OF_RANGE'],
    ['a number that 32 bits would make 1', [2 ** 32 + 1], 'ERR_OUT_OF_RANGE'],
    ['a string', ['1'], 'ERR_INVALID_ARG'],
    ['a bigint', [1n], 'ERR_INVALID_ARG'],
    ['null', [null], 'ERR_INVALID_ARG'],
    ['a boolean', [true], 'ERR_INVALID_ARG'],
    ['options twice', [{}, {}], 'ERR_INVALID_ARG'],
    ['options that are null', [1, null], 'ERR_INVALID_ARG'],
    ['options that are a number', [1, 5], 'ERR_INVALID_ARG'],
    ['a timeout of null', [1, { timeout: null }], 'ERR_INVALID_ARG'],
    ['a timeout that is negative', [2, { timeout: -100 }], 'ERR_OUT_OF_RANGE'],
    ['a timeout of NaN', [2, { timeout: Number.NaN }], 'ERR_OUT_OF_RANGE'],
    ['a timeout that is a string', [{ timeout: '1' }], 'ERR_INVALID_ARG'],
  ]
  test.each(bad)('asking for %s is an error, and takes nothing', async (_, args, code) => {
    const semaphore = new Semaphore(3, { maxPermits: 3 })
    const any = semaphore as unknown as Record<string, (...args: readonly unknown[]) => unknown>
    await expect(any.acquire?.(...args)).rejects.toMatchObject({ code })
    expect(thrownBy(() => any.acquireSync?.(...args))).toMatchObject({ code })
    expect(semaphore.getState()).toEqual({ free: 3, maxPermits: 3, contended: false, waitingHere: 0 })
  })

  test.each(bad.slice(0, 11))('trying to get %s is an error, and takes nothing', (_, [permits], code) => {
    const semaphore = new Semaphore(3, { maxPermits: 3 })
    expect(thrownBy(() => semaphore.tryAcquire(permits as number))).toMatchObject({ code })
    expect(semaphore.availablePermits).toBe(3)
  })

  test.each([[0], [-2], [1.5], [null], ['2'], [4]])('permits: %p is an error of runExclusive', async (permits) => {
    const semaphore = new Semaphore(3, { maxPermits: 3 })
    const options = { permits: permits as number }
    const code = typeof permits === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG'
    let calls = 0
    const call = () => {
      calls += 1
    }
    await expect(semaphore.runExclusive(call, options)).rejects.toMatchObject({ code })
    expect(thrownBy(() => semaphore.runExclusiveSync(call, options))).toMatchObject({ code })
    expect([calls, semaphore.availablePermits]).toEqual([0, 3])
  })

  test('a timeout is exact from below and leaves the permits that were free', async () => {
    const semaphore = new Semaphore(2)
    const worker = await EventWorker.with({ semaphore })
    const begun = performance.now()
    await expect(semaphore.acquire(3, { timeout: 60 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const waits = [performance.now() - begun]
    const { code, waited } = await worker.timed('semaphore', 'acquireSync', 3, { timeout: 60 })
    expect(code).toBe('ERR_TIMEOUT')
    waits.push(waited)
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(60)
      expect(wait).toBeLessThan(1_060)
    }
    expect(semaphore.availablePermits).toBe(2)
    expect(semaphore.tryAcquire(2)?.held).toBe(true)
  })
})

describe('first come, first served', () => {
  test('release(n) serves in line as many as it is enough for, and what is left waits for more', async () => {
    const semaphore = new Semaphore(0)
    const order: number[] = []
    const waits = [2, 2, 2, 1].map((permits, i) => semaphore.acquire(permits).then(() => order.push(i)))
    semaphore.release(5)
    await Promise.all(waits.slice(0, 2))
    await turnsOfTheLoop(8)
    expect(order).toEqual([0, 1])
    expect(semaphore.getState()).toMatchObject({ free: 1, contended: true, waitingHere: 2 })
    semaphore.release(2)
    await Promise.all(waits)
    expect(order).toEqual([0, 1, 2, 3])
    expect(semaphore.availablePermits).toBe(0)
  })

  test('a big request in one thread is not passed by a small one in another, nor by a try', async () => {
    const semaphore = new Semaphore(1)
    const [first, second] = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    const order: string[] = []
    const big = first.call('semaphore', 'acquireSync', 3).then(() => order.push('three'))
    await until(() => ticketsOf(semaphore) === 1, 'the big one waits')
    const small = second.call('semaphore', 'acquireSync', 1).then(() => order.push('one'))
    await until(() => ticketsOf(semaphore) === 2, 'the small one waits')
    const mine = semaphore.acquire().then(() => order.push('one here'))
    await until(() => ticketsOf(semaphore) === 3, 'this thread waits')
    expect(semaphore.tryAcquire()).toBeUndefined()
    semaphore.release(2)
    await big
    expect(order).toEqual(['three'])
    await turnsOfTheLoop()
    expect(order).toEqual(['three'])
    semaphore.release()
    await small
    semaphore.release()
    await mine
    expect(order).toEqual(['three', 'one', 'one here'])
  })

  test('ten tasks in two threads that take a permit twice pass as permits come: 6, 7, 6, 1', async () => {
    const semaphore = new Semaphore(7)
    expect(semaphore.acquireSync().held).toBe(true)
    const words = sharedWords(1)
    const workers = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    const all = workers.map((worker) => worker.run('takeTwice', { name: 'semaphore', tasks: 5, words }))
    let passed = 0
    for (const [permits, more] of [
      [0, 6],
      [7, 7],
      [6, 6],
      [1, 1],
    ] as const) {
      if (permits) semaphore.release(permits)
      passed += more
      await until(() => Atomics.load(words, 0) === passed, `${passed} have passed`)
      expect(semaphore.availablePermits).toBe(0)
    }
    await Promise.all(all)
    expect(words[0]).toBe(20)
  })

  test('a permit that was given for a waiter is refused to one who tries, here and in another thread', async () => {
    const semaphore = new Semaphore(0)
    const worker = await EventWorker.with({ semaphore })
    const waiting = semaphore.acquire()
    semaphore.release()
    expect(semaphore.tryAcquire()).toBeUndefined()
    const tried = worker.call('semaphore', 'tryAcquire')
    expect((await waiting).held).toBe(true)
    expect(await tried).toBeUndefined()
  })

  test('who wants all permits gets them although others come again and again', async () => {
    const semaphore = new Semaphore(3)
    const words = sharedWords(2)
    const workers = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    const churning = workers.map((worker, i) =>
      worker.run('churn', { name: 'semaphore', blocking: i === 0, weights: [1, 2], words }),
    )
    await until(() => Atomics.load(words, 1) > 20, 'the others are busy')
    for (let turn = 0; turn < 10; turn++) {
      const guard = await semaphore.acquire(3, { timeout: 1_000 })
      expect(semaphore.availablePermits).toBe(0)
      guard.release()
      semaphore.acquireSync(3, { timeout: 1_000 }).release()
    }
    Atomics.store(words, 0, 1)
    await Promise.all(churning)
    expect(semaphore.availablePermits).toBe(3)
  })

  test('who asks for more than there can ever be fails at once and is in nobody’s way', async () => {
    const semaphore = new Semaphore(0, { maxPermits: 2 })
    const refused = rejects(semaphore.acquire(3), 'ERR_OUT_OF_RANGE')
    const small = semaphore.acquire()
    semaphore.release()
    expect((await small).held).toBe(true)
    await refused
  })

  test.each([
    ['times out', { timeout: 50 }],
    ['is aborted', {}],
  ])('a big request that %s lets those behind it go, in its own thread and in others', async (_, options) => {
    const semaphore = new Semaphore(2)
    const worker = await EventWorker.with({ semaphore })
    const controller = new AbortController()
    const big = semaphore.acquire(3, { ...options, signal: controller.signal })
    const settled = rejects(big)
    const small = semaphore.acquire()
    const other = worker.call('semaphore', 'acquireSync')
    await until(() => ticketsOf(semaphore) === 2, 'the other thread waits')
    if (!('timeout' in options)) controller.abort()
    await settled
    expect((await small).held).toBe(true)
    expect(await other).toMatchObject({ held: true })
    expect(semaphore.getState()).toMatchObject({ free: 0, waitingHere: 0 })
  })

  test('a big request that times out in a thread that blocks lets this thread go', async () => {
    const semaphore = new Semaphore(1)
    const worker = await EventWorker.with({ semaphore })
    const big = worker.timed('semaphore', 'acquireSync', 2, { timeout: 40 })
    await until(() => ticketsOf(semaphore) === 1, 'the other thread waits')
    expect(semaphore.acquireSync({ timeout: 5_000 }).held).toBe(true)
    expect((await big).code).toBe('ERR_TIMEOUT')
  })
})

import { Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, waitersOf } from './support/event-worker.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const most = 2 ** 30 - 1
const overRelease = { name: 'LockStateError', code: 'ERR_OVER_RELEASE' }

describe('the bound, and permits without a guard', () => {
  test('release beyond the bound is an error that changes nothing, also for several at once', () => {
    const semaphore = new Semaphore(2, { maxPermits: 5 })
    expect(thrownBy(() => semaphore.release(4))).toMatchObject(overRelease)
    expect(semaphore.availablePermits).toBe(2)
    semaphore.release(3)
    expect(thrownBy(() => semaphore.release())).toMatchObject(overRelease)
    expect(semaphore.availablePermits).toBe(5)
  })

  test('a guard whose permits are free already stays held, and can give them back when there is room', () => {
    const semaphore = new Semaphore(3, { maxPermits: 3 })
    const guard = semaphore.acquireSync(2)
    semaphore.release(1)
    expect(thrownBy(() => guard.release())).toMatchObject(overRelease)
    expect(thrownBy(() => guard[Symbol.dispose]())).toMatchObject(overRelease)
    expect([guard.held, semaphore.availablePermits]).toEqual([true, 2])
    const other = semaphore.acquireSync(1)
    guard.release()
    expect([guard.held, semaphore.availablePermits]).toEqual([false, 3])
    expect(thrownBy(() => other.release())).toMatchObject(overRelease)
    other.detach()
    expect([other.held, semaphore.availablePermits]).toEqual([false, 3])
  })

  test('at the most permits there can be, a release is an error and never wraps around', () => {
    const semaphore = new Semaphore(most)
    expect(thrownBy(() => semaphore.release())).toMatchObject(overRelease)
    const all = semaphore.acquireSync(most)
    semaphore.release(most)
    const again = semaphore.acquireSync(most)
    for (let time = 0; time < 3; time++) {
      expect(thrownBy(() => semaphore.release(most))).toMatchObject(overRelease)
      expect(semaphore.availablePermits).toBe(0)
    }
    all.release()
    expect(thrownBy(() => again.release())).toMatchObject(overRelease)
    expect(semaphore.availablePermits).toBe(most)
  })

  test('disowned permits come back by a release of anybody, and wake who waits for them', async () => {
    const semaphore = new Semaphore(4, { maxPermits: 4 })
    const worker = await EventWorker.with({ semaphore })
    const guard = semaphore.acquireSync(4)
    guard.detach()
    guard.detach()
    guard.release()
    expect([guard.held, guard.permits, semaphore.availablePermits]).toEqual([false, 4, 0])
    const waiting = semaphore.acquire(3)
    await worker.call('semaphore', 'release', 3)
    const taken = await waiting
    semaphore.release(1)
    taken.release()
    expect(semaphore.availablePermits).toBe(4)
    expect(thrownBy(() => semaphore.release())).toMatchObject(overRelease)
  })

  test('a permit released without an acquisition adds one, and a semaphore of 0 permits is locked', async () => {
    const semaphore = new Semaphore(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    await expect(semaphore.acquire({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    semaphore.release(2)
    expect(semaphore.tryAcquire(2)?.permits).toBe(2)
    for (const permits of [-1, 0.5, Number.NaN, most + 1])
      expect(thrownBy(() => new Semaphore(permits))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(thrownBy(() => new Semaphore(2, { maxPermits: 1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })
})

describe('a thread whose tasks wait, and which then blocks', () => {
  test('passes its own tasks, which go on afterwards', async () => {
    const semaphore = new Semaphore(1)
    const waiting = semaphore.acquire(2)
    expect(semaphore.getState()).toMatchObject({ free: 1, waitingHere: 1 })
    const guard = semaphore.acquireSync({ timeout: 1_000 })
    semaphore.release()
    await turnsOfTheLoop()
    expect(semaphore.getState()).toMatchObject({ free: 1, waitingHere: 1 })
    guard.release()
    expect((await waiting).permits).toBe(2)
  })

  test('passes them also if it has to wait itself', async () => {
    const semaphore = new Semaphore(0)
    const words = sharedWords(2)
    const worker = await EventWorker.with({ semaphore })
    const done = worker.run('askThenBlock', { name: 'semaphore', ask: 2, block: [1, { timeout: 2_000 }], words })
    await until(() => waitersOf(semaphore) === 1, 'its task waits')
    Atomics.store(words, 1, 1)
    Atomics.notify(words, 1)
    await until(() => waitersOf(semaphore) === 2, 'it blocks')
    semaphore.release()
    await until(() => semaphore.availablePermits === 1, 'it has had its permit')
    semaphore.release()
    expect(await done).toBeUndefined()
    expect(semaphore.availablePermits).toBe(2)
  })

  test('does not stand still with another thread between its task and itself while permits are free', async () => {
    const semaphore = new Semaphore(0)
    const words = sharedWords(2)
    const [worker, other] = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    const done = worker.run('askThenBlock', { name: 'semaphore', ask: 1, block: [1, { timeout: 700 }], words })
    await until(() => waitersOf(semaphore) === 1, 'its task waits')
    const between = other.timed('semaphore', 'acquireSync', 1)
    await until(() => waitersOf(semaphore) === 2, 'the other thread waits')
    Atomics.store(words, 1, 1)
    Atomics.notify(words, 1)
    await until(() => waitersOf(semaphore) === 3, 'it blocks')
    semaphore.release(3)
    const code = await done
    await between
    expect(code).toBeUndefined()
  })
})

test('two objects of one thread on the same permits make one line', async () => {
  const semaphore = new Semaphore(1)
  const twin = Semaphore.fromHandle(structuredClone(semaphore.toHandle()))
  const order: string[] = []
  const big = semaphore.acquire(2).then(() => order.push('two'))
  const small = twin.acquire().then(() => order.push('one'))
  expect([semaphore.tryAcquire(), twin.tryAcquire()]).toEqual([undefined, undefined])
  expect(twin.getState()).toEqual(semaphore.getState())
  twin.release()
  await big
  semaphore.release()
  await small
  expect(order).toEqual(['two', 'one'])
})

test('threads that take different numbers of permits, blocking and awaiting, never have too many together', async () => {
  const all = 3
  const semaphore = new Semaphore(all, { maxPermits: all })
  const [words, gate] = [sharedWords(3), sharedWords(1)]
  const rounds = 300
  const forms = [true, true, false]
  const workers = await Promise.all(forms.map(() => EventWorker.with({ semaphore })))
  await Promise.all(
    workers.map((worker, i) =>
      worker.run('takeOften', { name: 'semaphore', rounds, blocking: forms[i], all, words, gate, parties: 3 }),
    ),
  )
  // One round in five, and of the others those whose number says so, hold all permits.
  let alone = 0
  for (let round = 0; round < rounds; round++) if (round % 5 === 0 || round % all === all - 1) alone += 1
  expect([...words]).toEqual([0, all, alone * forms.length])
  expect(semaphore.availablePermits).toBe(all)
})

import { AutoResetEvent, Barrier, Condition, Mutex, ReadWriteLock, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

const bound = 1_000

describe('R10: of a killed process', () => {
  test('exactly its permits come back, also to one who blocks for them', async () => {
    const semaphore = new Semaphore(10, { memory, maxPermits: 10 })
    const [victim, other, waiter] = (await start(3, { semaphore })) as [Peer, Peer, Peer]
    await victim.call('semaphore', 'acquireSync', 3)
    await other.call('semaphore', 'acquire', 2)
    semaphore.acquireSync()
    expect(semaphore.getState().free).toBe(4)
    const waiting = waiter.outcome('semaphore', 'acquireSync', 7)
    await until(() => semaphore.getState().contended, 'somebody waits')
    await victim.kill()
    expect(await waiting).toMatchObject({ value: { ownerDied: false } })
    expect(semaphore.getState().free).toBe(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    await other.guard('semaphore', 'release')
    await waiter.guard('semaphore', 'release')
    expect(semaphore.getState().free).toBe(9)
  })

  test('permits that it has disowned stay away', async () => {
    const semaphore = new Semaphore(3, { memory, maxPermits: 3 })
    const [victim] = (await start(1, { semaphore })) as [Peer]
    await victim.run('takePermits', { name: 'semaphore', permits: 2, awaiting: false, words: words(1) })
    await victim.call('semaphore', 'acquireSync')
    await victim.kill()
    const guard = await semaphore.acquire({ timeout: bound })
    await expect(semaphore.acquire({ timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    guard.release()
    expect(semaphore.getState().free).toBe(1)
  })

  test('exactly its reader entries go, and a writer that blocks enters when the others have left', async () => {
    const lock = new ReadWriteLock({ memory })
    const [victim, other, writer] = (await start(3, { lock })) as [Peer, Peer, Peer]
    await victim.call('lock', 'acquireReadSync')
    await victim.call('lock', 'acquireRead')
    await other.call('lock', 'acquireReadSync')
    const mine = lock.acquireReadSync()
    expect(lock.getState().readers).toBe(4)
    const writing = writer.outcome('lock', 'acquireWriteSync')
    await until(() => lock.getState().contended, 'the writer waits')
    await victim.kill()
    await until(() => lock.getState().readers === 2, 'its entries are gone')
    expect(lock.tryAcquireWrite()).toBeUndefined()
    mine.release()
    expect(lock.getState().readers).toBe(1)
    await other.guard('lock', 'release')
    expect(await writing).toMatchObject({ value: { ownerDied: false } })
  })
})

describe.each([
  ['blocks', true],
  ['awaits', false],
])('one that is killed while it %s', (_, blocks) => {
  const form = blocks ? 'acquireSync' : 'acquire'

  test.each([
    ['a mutex', () => new Mutex({ memory })],
    ['a fair mutex', () => new Mutex({ memory, fair: true })],
    ['a semaphore', () => new Semaphore(1, { memory })],
  ])('for %s leaves its place in the line: the next one has it within a second', async (_, create) => {
    const lock = create()
    const guard = lock.acquireSync()
    const [doomed, next] = (await start(2, { lock })) as [Peer, Peer]
    void doomed.call('lock', form)
    await until(() => lock.getState().contended, 'it waits')
    if (!blocks) await doomed.run('ping')
    const waiting = next.outcome('lock', form)
    await doomed.kill()
    guard.release()
    const { value, waited } = await waiting
    expect(value).toEqual({ ownerDied: false })
    expect(waited).toBeLessThan(bound)
    await next.guard('lock', 'release')
    expect(lock.tryAcquire()).toMatchObject({ held: true })
  })

  test('for a condition is passed over: one notification reaches the next one', async () => {
    const mutex = new Mutex({ memory })
    const condition = new Condition(mutex)
    const [doomed, next] = (await start(2, { mutex, condition })) as [Peer, Peer]
    const wait = async (peer: Peer, waiting: number) => {
      await peer.call('mutex', 'acquire')
      const method = blocks ? 'waitSync' : 'wait'
      const woken = peer.run('waitFor', { condition: 'condition', mutex: 'mutex', method })
      await until(() => condition.waiting === waiting, 'it waits')
      return { woken }
    }
    await wait(doomed, 1)
    const { woken } = await wait(next, 2)
    await doomed.kill()
    const guard = await mutex.acquire({ timeout: bound })
    expect(condition.notify(guard)).toBe(1)
    guard.release()
    expect(await woken).toMatchObject({ value: true, held: true })
  })

  test('for an event takes no set with it: the next one gets it', async () => {
    const event = new AutoResetEvent(false, { memory })
    const [doomed, next] = (await start(2, { event })) as [Peer, Peer]
    const method = blocks ? 'waitSync' : 'wait'
    const marks = words(2)
    await doomed.sleepOn('event', method, marks.subarray(0, 1))
    const { ending } = await next.sleepOn('event', method, marks.subarray(1))
    await doomed.kill()
    event.set()
    expect(await ending).toBe(true)
    expect(event.isSet).toBe(false)
  })

  test('at a barrier breaks it within a second for the others, and after a reset it works', async () => {
    const barrier = new Barrier(4, { memory })
    const [doomed, ...others] = (await start(3, { barrier })) as [Peer, Peer, Peer]
    void doomed.call('barrier', blocks ? 'waitSync' : 'wait')
    await until(() => barrier.getState().waiting === 1, 'it waits')
    const waits = others.map((each, i) => each.outcome('barrier', i === 0 ? 'waitSync' : 'wait'))
    await until(() => barrier.getState().waiting === 3, 'all wait')
    await doomed.kill()
    const killed = performance.now()
    for (const each of waits) expect(await each).toMatchObject({ code: 'ERR_BARRIER_BROKEN' })
    expect(performance.now() - killed).toBeLessThan(bound)
    barrier.reset()
    const next = others.map((each) => each.call('barrier', 'wait'))
    await Promise.all([...next, barrier.wait(), barrier.wait()])
    expect(barrier.getState()).toMatchObject({ waiting: 0, broken: false })
  })
})

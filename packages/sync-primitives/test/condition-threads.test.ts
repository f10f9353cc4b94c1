import { Condition, Mutex, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { FixtureThread } from './support/fixture-thread.js'
import { sharedWords } from './support/shared-words.js'
import { turnsOfTheLoop, until } from './support/until.js'

const start = (objects: Parameters<typeof FixtureThread.start>[1]) =>
  FixtureThread.start('condition-worker.mjs', objects)
const startAll = (count: number, condition: Condition) =>
  Promise.all(Array.from({ length: count }, () => start({ condition })))
const waits = (condition: Condition, count: number) =>
  until(() => condition.waiting === count && !condition.mutex.getState().held, `${count} wait`)

function notify(condition: Condition, count = 1): number {
  using guard = condition.mutex.acquireSync()
  return condition.notify(guard, count)
}

test('a notification wakes as many as it says of threads that block, threads that await and tasks, in their order', async () => {
  const condition = new Condition(new Mutex())
  const threads = await startAll(4, condition)
  const order: number[] = []
  const all: Promise<unknown>[] = []
  for (const [at, method] of ['waitSync', 'wait', 'here', 'waitSync', 'here', 'wait'].entries()) {
    const waiting =
      method === 'here'
        ? condition.mutex.runExclusive((guard) => condition.wait(guard))
        : threads[at - (at > 2 ? 1 : 0) - (at > 4 ? 1 : 0)]?.run('wait', { method })
    all.push(Promise.resolve(waiting).then(() => order.push(at)))
    await waits(condition, at + 1)
  }
  expect(notify(condition, 2)).toBe(2)
  await Promise.all(all.slice(0, 2))
  await turnsOfTheLoop(10)
  expect(new Set(order)).toEqual(new Set([0, 1]))
  expect(notify(condition, 4)).toBe(4)
  await Promise.all(all)
  expect(notify(condition, 3)).toBe(0)
})

test('notified one by one, threads and tasks go on first come, first served, turn after turn', async () => {
  const condition = new Condition(new Mutex())
  const threads = await startAll(2, condition)
  const [turns, log] = [15, sharedWords(64)]
  const workers: Promise<unknown>[] = []
  for (const [me, thread] of threads.entries()) {
    workers.push(thread.run('logTurns', { me: me + 1, turns, log }))
    await waits(condition, me + 1)
  }
  const task = condition.mutex.runExclusive(async (guard) => {
    for (let turn = 0; turn < turns; turn++) {
      await condition.wait(guard)
      log[0] = (log[0] as number) + 1
      log[log[0] as number] = 3
    }
  })
  for (let turn = 1; turn <= 3 * turns; turn++) {
    const left = Math.min(3, 3 * turns - turn + 1)
    await waits(condition, left)
    expect(notify(condition)).toBe(1)
    await until(() => Atomics.load(log, 0) === turn, 'one has gone on')
  }
  await Promise.all([...workers, task])
  expect([...log.subarray(1, 3 * turns + 1)]).toEqual(Array.from({ length: 3 * turns }, (_, i) => (i % 3) + 1))
})

test('each of many broadcasts wakes each of many waiters exactly once', async () => {
  const condition = new Condition(new Mutex())
  const [rounds, tasks] = [40, 40]
  const threads = await startAll(2, condition)
  const log = sharedWords(256)
  const workers = threads.map((thread) => thread.run('logTurns', { me: 1, turns: rounds, log }))
  const wakes = Array.from({ length: tasks }, () => 0)
  const waiting = wakes.map((_, task) =>
    condition.mutex.runExclusive(async (guard) => {
      for (let round = 0; round < rounds; round++) {
        await condition.wait(guard)
        wakes[task] = (wakes[task] as number) + 1
      }
    }),
  )
  for (let round = 1; round <= rounds; round++) {
    await waits(condition, tasks + 2)
    expect(wakes.every((count) => count === round - 1)).toBe(true)
    using guard = condition.mutex.acquireSync()
    expect(condition.notifyAll(guard)).toBe(tasks + 2)
  }
  await Promise.all([...waiting, ...workers])
  expect(wakes).toEqual(wakes.map(() => rounds))
  expect(log[0]).toBe(2 * rounds)
})

test('a main thread that blocks is woken by a thread that blocks, and the other way round', async () => {
  const condition = new Condition(new Mutex())
  const thread = await start({ condition })
  for (let round = 0; round < 20; round++) {
    const guard = condition.mutex.acquireSync()
    const told = thread.run('notify')
    expect(condition.waitSync(guard)).toBe(true)
    guard.release()
    expect(await told).toBe(1)
    const waiting = thread.run('wait')
    await waits(condition, 1)
    expect(notify(condition)).toBe(1)
    expect(await waiting).toMatchObject({ woken: true, held: true, ownerDied: false })
  }
})

test('a blocking wait gives up in time, exact from below, and holds the mutex', async () => {
  const condition = new Condition(new Mutex())
  const thread = await start({ condition })
  for (const timeout of [0, 1, 12.5, 80]) {
    const outcome = (await thread.run('wait', { options: { timeout } })) as {
      woken: boolean
      held: boolean
      waited: number
    }
    expect(outcome).toMatchObject({ woken: false, held: true })
    expect(outcome.waited).toBeGreaterThanOrEqual(timeout)
    expect(outcome.waited).toBeLessThan(timeout + 1_000)
  }
})

test('one whose time is up waits for the mutex without a limit, and was notified if that came before', async () => {
  for (const notified of [false, true]) {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const thread = await start({ mutex, condition })
    await thread.run('acquire')
    const waiting = thread.run('waitWith', { options: { timeout: 20 } })
    const guard = mutex.acquireSync() // which it gets when the thread waits
    await until(() => mutex.getState().contended, 'the thread wants the mutex back')
    if (notified) condition.notify(guard)
    guard.release()
    expect(await waiting).toBe(notified)
    expect(await thread.run('guardState')).toEqual({ held: true, ownerDied: false })
  }
})

test('a recursive mutex is given up by a thread with all levels while it blocks', async () => {
  const mutex = new RecursiveMutex()
  const condition = new Condition(mutex)
  const thread = await start({ mutex, condition })
  for (const as of ['outer', 'inner']) await thread.run('acquire', { as })
  const waiting = thread.run('waitWith', { as: 'inner' })
  await waits(condition, 1)
  expect(notify(condition)).toBe(1)
  expect(await waiting).toBe(true)
  await thread.run('release', { as: 'inner' })
  expect([mutex.tryAcquire(), await thread.run('guardState', { as: 'outer' })]).toEqual([
    undefined,
    { held: true, ownerDied: false },
  ])
  await thread.run('release', { as: 'outer' })
  expect(mutex.getState().held).toBe(false)
})

test('a wait whose way back would close a circle of threads leaves no ticket that swallows a notification', async () => {
  const [first, second] = [new Mutex({ detectDeadlocks: true }), new Mutex({ detectDeadlocks: true })]
  const condition = new Condition(first)
  const [waiter, other] = await Promise.all([start({}), start({})])
  for (const thread of [waiter, other])
    for (const [name, mutex] of Object.entries({ first, second }))
      await thread?.run('open', { name, handle: mutex.toHandle(), options: { detectDeadlocks: true } })
  await waiter?.run('open', { name: 'condition', handle: condition.toHandle(), mutex: 'first' })
  await waiter?.run('acquire', { name: 'second', as: 'second' })
  await waiter?.run('acquire', { name: 'first', as: 'first' })
  const waiting = waiter?.run('waitWith', { as: 'first', options: { timeout: 300 } })
  await waits(condition, 1)
  await other?.run('acquire', { name: 'first', as: 'first' })
  const blocked = other?.run('acquire', { name: 'second', as: 'second' })
  await until(() => second.getState().contended, 'the other thread blocks')
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_DEADLOCK' })
  await waiter?.run('release', { as: 'second' })
  await blocked
  await other?.run('release', { as: 'first' })
  expect(notify(condition)).toBe(0)
})

describe('death', () => {
  test.each(['waitSync', 'wait'])('a thread that ended in %s is passed over, and counts as nobody', async (method) => {
    const condition = new Condition(new Mutex())
    const [doomed, next] = await startAll(2, condition)
    void doomed?.run('wait', { method })
    await waits(condition, 1)
    const waiting = next?.run('wait')
    await waits(condition, 2)
    await doomed?.terminate()
    expect(notify(condition)).toBe(1)
    expect(await waiting).toMatchObject({ woken: true })
    expect(notify(condition)).toBe(0)
  })

  test.each(['waitSync', 'wait'])(
    'a thread that is notified in %s and ends before it has acted upon it passes the notification on',
    async (method) => {
      const condition = new Condition(new Mutex())
      const [doomed, next] = await startAll(2, condition)
      void doomed?.run('wait', { method })
      await waits(condition, 1)
      const waiting = next?.run('wait')
      await waits(condition, 2)
      const last = condition.mutex.runExclusive((guard) => condition.wait(guard))
      await waits(condition, 3)
      const guard = condition.mutex.acquireSync()
      expect(condition.notify(guard)).toBe(1)
      // It cannot go on without the mutex.
      await doomed?.terminate()
      guard.release()
      await until(() => condition.waiting === 1, 'the notification was passed on')
      expect(await waiting).toMatchObject({ woken: true })
      expect(notify(condition, 5)).toBe(1)
      expect(await last).toBe(true)
    },
  )

  test('notifications of many that end are passed on to as many', async () => {
    const condition = new Condition(new Mutex())
    const doomed = await startAll(3, condition)
    for (const [at, thread] of doomed.entries()) {
      void thread.run('wait')
      await waits(condition, at + 1)
    }
    const staying = Array.from({ length: 4 }, () => condition.mutex.runExclusive((guard) => condition.wait(guard)))
    await waits(condition, 7)
    const guard = condition.mutex.acquireSync()
    expect(condition.notify(guard, 3)).toBe(3)
    await Promise.all(doomed.map((thread) => thread.terminate()))
    guard.release()
    expect(await Promise.all(staying.slice(0, 3))).toEqual([true, true, true])
    expect(notify(condition, 5)).toBe(1)
    expect(await staying[3]).toBe(true)
  })

  test('an owner of the mutex that ends while others wait is told to the one who comes back', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const [doomed, waiter] = await Promise.all([start({ mutex, condition }), start({ condition })])
    const waiting = waiter.run('wait', { keep: true })
    await waits(condition, 1)
    expect(await doomed.run('notifyAndKeep')).toBe(1)
    await doomed.terminate()
    expect(await waiting).toMatchObject({ woken: true, held: true, ownerDied: true })
    const late = mutex.runExclusive((guard) => guard.ownerDied)
    await waiter.run('markConsistent')
    await waiter.run('release')
    expect(await late).toBe(false)
    expect(mutex.getState()).toMatchObject({ ownerDied: false, recoverable: true })
  })

  test('when the one who comes back does not repair, the others that wait hold nothing any more', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const [doomed, waiter] = await Promise.all([start({ mutex, condition }), start({ condition })])
    const first = waiter.run('wait')
    await waits(condition, 1)
    const guard = await mutex.acquire()
    const controller = new AbortController()
    const second = condition.wait(guard, { signal: controller.signal })
    await waits(condition, 2)
    await doomed.run('notifyAndKeep')
    await doomed.terminate()
    expect(await first).toMatchObject({ woken: true, ownerDied: true })
    expect(mutex.getState().recoverable).toBe(false)
    controller.abort()
    await expect(second).rejects.toMatchObject({ name: 'LockStateError', code: 'ERR_NOT_RECOVERABLE' })
    expect(guard.held).toBe(false)
  })

  test.each(['wait', 'waitSync'] as const)(
    'with onOwnerDied, %s comes back to a mutex that is repaired',
    async (form) => {
      const repairs: boolean[] = []
      const mutex = new Mutex({ onOwnerDied: (guard) => void repairs.push(guard.held) })
      const condition = new Condition(mutex)
      const doomed = await start({ mutex, condition })
      const guard = mutex.acquireSync()
      // Takes the mutex when this thread waits, and ends with it.
      void doomed.run('notifyAndEnd')
      expect(await condition[form](guard)).toBe(true)
      guard.release()
      expect(mutex.getState()).toMatchObject({ ownerDied: false, recoverable: true })
      expect(repairs).toEqual([true])
    },
  )
})

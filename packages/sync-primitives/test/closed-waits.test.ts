import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AutoResetEvent, Latch, Mutex, ReadWriteLock, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { ClosableMemory } from './support/closable-memory.js'
import { waits } from './support/closable-objects.js'
import { FixtureThread } from './support/fixture-thread.js'
import { heldGuards } from './support/held-guards.js'
import { turnsOfTheLoop, until } from './support/until.js'

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }

const ways = [
  ['left', (memory: ClosableMemory) => memory.leave()],
  ['taken away', (memory: ClosableMemory) => memory.takeAway()],
] as const

const each = Object.entries(waits).map(([name, wait]) => ({ name, wait }))

describe.each(ways)('when the memory is %s', (_, close) => {
  test.each(each)('each task that waits for a $name gets ERR_CLOSED, also one behind others', async ({ wait }) => {
    const before = heldGuards()
    const memory = ClosableMemory.create()
    const object = wait.make(memory)
    const guard = wait.block(object)
    const outcomes = Array.from({ length: 4 }, () => wait.async(object).catch((error: unknown) => error))
    await turnsOfTheLoop()
    close(memory)
    const late = wait.async(object).catch((error: unknown) => error)
    for (const outcome of [...outcomes, late]) expect(await outcome).toMatchObject(closed)
    guard?.release()
    expect(heldGuards()).toBe(before)
  })

  test.each(each)('a thread that blocks for a $name gets ERR_CLOSED', async ({ name, wait }) => {
    const memory = ClosableMemory.create()
    const object = wait.make(memory)
    const guard = wait.block(object)
    const thread = await FixtureThread.start('closable-worker.mjs')
    const blocked = thread.run('block', { wait: name, handle: object.toHandle() })
    await until(() => memory.isWaitedFor, 'the thread waits')
    close(memory)
    expect(await blocked).toBe('ERR_CLOSED')
    guard?.release()
  })

  test('an upgrade under way gets ERR_CLOSED, and the guard can be released', async () => {
    const before = heldGuards()
    const memory = ClosableMemory.create()
    const lock = new ReadWriteLock({ memory })
    const reader = lock.acquireReadSync()
    const guard = await lock.acquireUpgradableRead()
    const upgrade = guard.upgrade()
    await turnsOfTheLoop()
    close(memory)
    await expect(upgrade).rejects.toMatchObject(closed)
    guard.release()
    reader.release()
    expect(heldGuards()).toBe(before)
  })

  test('a call that comes while others still wait gets ERR_CLOSED at once, also a try form', async () => {
    const memory = ClosableMemory.create()
    const [mutex, semaphore] = [new Mutex({ memory }), new Semaphore(1, { memory })]
    const [lock, event] = [new ReadWriteLock({ memory }), new AutoResetEvent(false, { memory })]
    for (const each of [mutex, semaphore]) each.acquireSync()
    lock.acquireWriteSync()
    const waiting = [mutex.acquire(), semaphore.acquire(), lock.acquireRead(), lock.acquireWrite(), event.wait()]
    const outcomes = waiting.map((task) => task.catch((error: unknown) => error))
    await turnsOfTheLoop()
    close(memory)
    for (const attempt of [
      () => mutex.tryAcquire(),
      () => semaphore.tryAcquire(),
      () => lock.tryAcquireRead(),
      () => lock.tryAcquireWrite(),
      () => lock.tryAcquireUpgradableRead(),
      () => event.tryWait(),
    ])
      expect(attempt).toThrow(expect.objectContaining(closed))
    const ends: unknown[] = []
    for (const call of [mutex.acquire(), semaphore.acquire(), lock.acquireRead(), lock.acquireWrite(), event.wait()])
      call.catch((error: unknown) => ends.push(error))
    // Some microtasks later: nothing of the event loop has had its turn.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect(ends).toEqual(Array.from({ length: 5 }, () => expect.objectContaining(closed)))
    for (const outcome of outcomes) expect(await outcome).toMatchObject(closed)
  })

  test('many tasks that wait for one word all get ERR_CLOSED with the first of them', async () => {
    const memory = ClosableMemory.create()
    const latch = new Latch(1, { memory })
    const ends: unknown[] = []
    const tasks = Array.from({ length: 150 }, () => latch.wait().catch((error: unknown) => ends.push(error)))
    await turnsOfTheLoop()
    close(memory)
    await tasks[0]
    await turnsOfTheLoop(1)
    expect(ends).toEqual(Array.from({ length: 150 }, () => expect.objectContaining(closed)))
  })

  test('one that was closed by an abort of a wait hands that wait the reason, and the others ERR_CLOSED', async () => {
    const memory = ClosableMemory.create()
    const mutex = new Mutex({ memory })
    mutex.acquireSync()
    const controller = new AbortController()
    const others = [mutex.acquire(), mutex.acquire()].map((task) => task.catch((error: unknown) => error))
    const aborted = mutex.acquire({ signal: controller.signal }).catch((error: unknown) => error)
    await turnsOfTheLoop()
    const reason = new Error('enough')
    controller.signal.addEventListener('abort', () => close(memory))
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    for (const other of others) expect(await other).toMatchObject(closed)
  })
})

test.each(['left', 'taken'])('what waited does not keep the process alive when its memory was %s', async (way) => {
  const file = fileURLToPath(new URL('./fixtures/pending-when-closed.mjs', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, way], { timeout: 20_000 })
  expect([stdout, stderr]).toEqual(['ERR_CLOSED true\n', ''])
})

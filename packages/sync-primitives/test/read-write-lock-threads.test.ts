import { ReadWriteLock } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { FixtureThread } from './support/fixture-thread.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const start = (lock: ReadWriteLock) => FixtureThread.start('read-write-worker.mjs', { lock })
const startAll = (count: number, lock: ReadWriteLock) => Promise.all(Array.from({ length: count }, () => start(lock)))
const nobody = { readers: 0, writer: undefined, upgradableReader: undefined, waitingHere: 0 }

test('readers of all threads are inside together, and a writer enters when the last one has left', async () => {
  const lock = new ReadWriteLock()
  const threads = await startAll(3, lock)
  await Promise.all(threads.map((thread) => thread.run('lock', { method: 'acquireReadSync' })))
  const own = lock.acquireReadSync()
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 4 })
  for (const thread of threads) expect(await thread.run('lock', { method: 'tryAcquireWrite' })).toBeUndefined()
  let entered = false
  const writing = lock.acquireWrite().then((guard) => {
    entered = true
    return guard
  })
  own.release()
  for (const thread of threads) {
    await turnsOfTheLoop()
    expect(entered).toBe(false)
    await thread.run('guard', { method: 'release' })
  }
  const writer = await writing
  for (const thread of threads) expect(await thread.run('lock', { method: 'tryAcquireRead' })).toBeUndefined()
  writer.release()
})

test.each([
  ['1 reader', ['acquireReadSync']],
  [
    '6 readers in all forms',
    [
      'acquireReadSync',
      'acquireRead',
      'acquireReadSync',
      'acquireUpgradableReadSync',
      'acquireRead',
      'acquireUpgradableRead',
    ],
  ],
])('%s and 2 writers never are inside together, and no write is lost', async (_, readers) => {
  const lock = new ReadWriteLock()
  const [words, gate] = [sharedWords(4), sharedWords(1)]
  const methods = [...readers, 'acquireWriteSync', 'acquireWrite']
  const threads = await startAll(methods.length, lock)
  const rounds = methods.map((method) => (method.endsWith('Sync') ? 3_000 : 300))
  const wrong = await Promise.all(
    threads.map((thread, at) =>
      thread.run('hammer', { method: methods[at], rounds: rounds[at], words, gate, parties: methods.length }),
    ),
  )
  expect(wrong).toEqual(methods.map(() => 0))
  expect(words[1]).toBe(3_300)
  expect(lock.getState()).toMatchObject({ ...nobody, contended: false, ownerDied: false })
})

test('a writer that blocks in a thread keeps new readers out until it was inside', async () => {
  const lock = new ReadWriteLock()
  const [writer, reader] = await startAll(2, lock)
  const inside = lock.acquireReadSync()
  const writing = writer?.run('lock', { method: 'acquireWriteSync' })
  await until(() => lock.getState().writer !== undefined, 'the writer waits')
  expect(await reader?.run('lock', { method: 'tryAcquireRead' })).toBeUndefined()
  const late = reader?.run('lock', { method: 'acquireReadSync' })
  // Not by its state, which says that somebody waits as long as the writer does.
  const { words, state } = wordsUnder(lock)
  await until(() => (Atomics.load(words, state + 1) & 1) === 1, 'the reader waits')
  inside.release()
  await writing
  expect(lock.getState()).toMatchObject({ readers: 0, contended: true })
  await writer?.run('guard', { method: 'release' })
  expect(await late).toEqual({ held: true })
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 1 })
})

test('readers that come without a gap do not keep a writer waiting', async () => {
  const lock = new ReadWriteLock()
  const [words, gate] = [sharedWords(4), sharedWords(1)]
  const threads = await startAll(2, lock)
  const reading = threads.map((thread) =>
    thread.run('hammer', { method: 'acquireReadSync', rounds: 2 ** 40, words, gate, parties: 2 }),
  )
  await until(() => Atomics.load(gate, 0) === 2, 'the readers are at it')
  for (let turn = 0; turn < 10; turn++) {
    lock.acquireWriteSync({ timeout: 2_000 }).release()
    ;(await lock.acquireWrite({ timeout: 2_000 })).release()
  }
  Atomics.store(words, 3, 1)
  expect(await Promise.all(reading)).toEqual([0, 0])
})

test('the main thread blocks for each kind of hold until a thread has left', async () => {
  const lock = new ReadWriteLock()
  const holder = await start(lock)
  for (const form of ['acquireReadSync', 'acquireWriteSync', 'acquireUpgradableReadSync'] as const) {
    await holder.run('lock', { method: 'acquireWriteSync' })
    // The message reaches the thread although this one blocks at once.
    const released = holder.run('guard', { method: 'release' })
    const guard = lock[form]()
    expect(guard.held).toBe(true)
    await released
    guard.release()
  }
  expect(lock.getState()).toMatchObject(nobody)
})

test.each(['acquireReadSync', 'acquireWriteSync', 'acquireUpgradableReadSync'] as const)(
  'a thread that blocks in %s gives up in time, exact from below, and leaves nothing',
  async (method) => {
    const lock = new ReadWriteLock()
    const thread = await start(lock)
    const writer = lock.acquireWriteSync()
    for (const timeout of [0, 1, 12.5, 60]) {
      const failure = thread.run('lock', { method, options: { timeout } })
      await expect(failure).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
      const { waited } = (await failure.catch((error) => error)) as { waited: number }
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
    }
    writer.release()
    expect(lock.getState()).toMatchObject({ ...nobody, contended: false })
    lock.acquireWriteSync({ timeout: 0 }).release()
  },
)

test('a writer that gives up in a thread lets the reader behind it in, beside the reader inside', async () => {
  const lock = new ReadWriteLock()
  const thread = await start(lock)
  const inside = lock.acquireReadSync()
  const writing = thread.run('lock', { method: 'acquireWriteSync', options: { timeout: 80 } })
  await until(() => lock.getState().writer !== undefined, 'the writer waits')
  const late = await lock.acquireRead()
  await expect(writing).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(lock.getState()).toMatchObject({ ...nobody, readers: 2 })
  inside.release()
  late.release()
})

test('a thread is told ERR_ALREADY_OWNED for a lock that reached it in two messages', async () => {
  const lock = new ReadWriteLock()
  const thread = await FixtureThread.start('read-write-worker.mjs', { lock, second: lock })
  await thread.run('lock', { method: 'acquireReadSync' })
  await expect(thread.run('lock', { name: 'second', method: 'acquireWriteSync' })).rejects.toMatchObject({
    code: 'ERR_ALREADY_OWNED',
  })
  await thread.run('guard', { method: 'release' })
  expect(await thread.run('lock', { name: 'second', method: 'tryAcquireWrite' })).toMatchObject({ held: true })
})

test('a thread blocks in an upgrade until the others have read, and no writer was inside in between', async () => {
  const lock = new ReadWriteLock()
  const [upgrader, writer] = await startAll(2, lock)
  await upgrader?.run('lock', { method: 'acquireUpgradableReadSync' })
  const inside = await lock.acquireRead()
  expect(await upgrader?.run('guard', { method: 'tryUpgrade' })).toBeUndefined()
  await expect(upgrader?.run('guard', { method: 'upgradeSync', options: { timeout: 15 } })).rejects.toMatchObject({
    code: 'ERR_TIMEOUT',
  })
  const writing = writer?.run('lock', { method: 'acquireWriteSync' })
  await until(() => lock.getState().contended, 'the writer waits')
  const upgrading = upgrader?.run('guard', { method: 'upgradeSync' })
  await until(() => lock.getState().writer !== undefined, 'the upgrade waits')
  expect(lock.tryAcquireRead()).toBeUndefined()
  inside.release()
  expect(await upgrading).toEqual({ held: true, ownerDied: false })
  expect(lock.getState()).toMatchObject({ readers: 0, contended: true })
  await upgrader?.run('guard', { method: 'downgrade', as: 'reader' })
  expect(lock.getState().readers).toBe(1)
  await upgrader?.run('guard', { name: 'reader', method: 'release' })
  expect(await writing).toMatchObject({ held: true })
})

test('a writer that downgrades in a thread lets readers in, and no writer before it has left', async () => {
  const lock = new ReadWriteLock()
  const [first, second] = await startAll(2, lock)
  await first?.run('lock', { method: 'acquireWriteSync' })
  let wrote = false
  const writing = second?.run('lock', { method: 'acquireWriteSync' }).then(async () => {
    wrote = true
    await second.run('guard', { method: 'release' })
  })
  await until(() => lock.getState().contended, 'the second writer waits')
  const reading = lock.acquireRead().then((guard) => guard.release())
  expect(await first?.run('guard', { method: 'downgrade' })).toEqual({ held: true })
  await until(() => lock.getState().writer?.threadId !== undefined, 'the second writer waits for the readers')
  await turnsOfTheLoop()
  expect(wrote).toBe(false)
  expect(lock.getState().readers).toBeGreaterThanOrEqual(1)
  await first?.run('guard', { method: 'release' })
  await Promise.all([reading, writing])
  expect(lock.getState()).toMatchObject(nobody)
})

test('a thread that reads and asks for an upgradable read while a writer waits for it is told that at once', async () => {
  const lock = new ReadWriteLock()
  const thread = await start(lock)
  await thread.run('lock', { method: 'acquireReadSync', as: 'reader' })
  const controller = new AbortController()
  const writing = lock.acquireWrite({ signal: controller.signal })
  await until(() => lock.getState().writer !== undefined, 'the writer waits')
  // The writer waits for the thread, and the thread would wait for the writer.
  const asking = thread.run('lock', { method: 'acquireUpgradableReadSync', options: { timeout: 200 } })
  await expect(asking).rejects.toMatchObject({ code: 'ERR_ALREADY_OWNED' })
  controller.abort()
  await expect(writing).rejects.toMatchObject({ name: 'AbortError' })
})

test('a thread that reads and a main thread that reads again by the Sync form pass a writer that waits for them', async () => {
  const lock = new ReadWriteLock()
  const [reader, writer] = await startAll(2, lock)
  const own = lock.acquireReadSync()
  await reader?.run('lock', { method: 'acquireReadSync', as: 'first' })
  const writing = writer?.run('lock', { method: 'acquireWriteSync' })
  await until(() => lock.getState().writer !== undefined, 'the writer waits')
  const again = lock.acquireReadSync({ timeout: 0 })
  expect(await reader?.run('lock', { method: 'acquireReadSync', as: 'second' })).toEqual({ held: true })
  expect(lock.getState().readers).toBe(4)
  for (const guard of [own, again]) guard.release()
  expect(thrownBy(() => lock.acquireReadSync({ timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  for (const name of ['first', 'second']) await reader?.run('guard', { name, method: 'release' })
  expect(await writing).toMatchObject({ held: true })
})

test('a writer that announces itself just after a reader has found the way open is seen by the next reader', async () => {
  const lock = new ReadWriteLock()
  const thread = await start(lock)
  const { words, state } = wordsUnder(lock)
  const writerAt = state + 1
  await thread.run('lock', { method: 'acquireWriteSync' })
  const written = Atomics.load(words, writerAt)
  await thread.run('guard', { method: 'release' })
  const realLoad: (words: Int32Array, index: number) => number = Atomics.load
  let announced = false
  Reflect.set(Atomics, 'load', (looked: Int32Array, index: number) => {
    const seen = realLoad(looked, index)
    if (!announced && looked.buffer === words.buffer && index === writerAt) {
      announced = true
      Atomics.store(words, writerAt, written)
    }
    return seen
  })
  try {
    const reader = lock.acquireReadSync()
    expect([announced, reader.held]).toEqual([true, true])
  } finally {
    Reflect.set(Atomics, 'load', realLoad)
  }
  expect(lock.tryAcquireRead()).toBeUndefined()
  Atomics.store(words, writerAt, 0)
  expect(lock.tryAcquireRead()?.held).toBe(true)
})

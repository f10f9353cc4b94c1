import { ReadWriteLock } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { setUp, until } from '../support/processes.js'

const { segment: memory, start, startThreads, words } = setUp()

const create = () => new ReadWriteLock({ memory })
const nobody = { readers: 0, writer: undefined, ownerDied: false, recoverable: true }

test('RW1: ten readers, of which half block and half await, are inside together', async () => {
  const lock = create()
  const gate = words(1)
  const processes = await start(10, { lock })
  await Promise.all(
    processes.map((each, i) =>
      each.run('readTogether', { name: 'lock', awaiting: i % 2 === 0, words: gate, parties: processes.length }),
    ),
  )
  expect(gate[0]).toBe(10)
  expect(lock.getState()).toMatchObject(nobody)
})

test.each([1, 3, 8])('RW2: %i readers and 2 writers that count themselves never see a mixed sum', async (readers) => {
  const lock = create()
  const cells = words(4)
  const processes = await start(readers + 2, { lock })
  const mixed = await Promise.all(
    processes.map((each, i) =>
      each.run(i < 2 ? 'writeAndCount' : 'readAndCount', {
        name: 'lock',
        rounds: 200,
        awaiting: i % 3 === 0,
        words: cells,
        parties: processes.length,
      }),
    ),
  )
  expect(mixed).toEqual(mixed.map(() => 0))
  expect(lock.getState()).toMatchObject(nobody)
})

describe.each([
  ['blocks', 'acquireWriteSync', 'acquireReadSync'],
  ['awaits', 'acquireWrite', 'acquireRead'],
])('a process that %s', (_, write, read) => {
  test('RW5: a new reader waits behind a writer that waits for a reader inside', async () => {
    const lock = create()
    const [writer, reader] = await start(2, { lock })
    const first = lock.acquireReadSync()
    const writing = writer?.call('lock', write)
    await until(() => lock.getState().writer !== undefined, 'the writer waits')
    expect(await reader?.call('lock', 'tryAcquireRead')).toBeUndefined()
    expect(await reader?.outcome('lock', read, { timeout: 50 })).toMatchObject({ code: 'ERR_TIMEOUT' })
    const reading = reader?.call('lock', read)
    first.release()
    expect(await writing).toEqual({ ownerDied: false })
    expect(lock.tryAcquireRead()).toBeUndefined()
    expect(lock.getState()).toMatchObject({ readers: 0 })
    await writer?.guard('lock', 'release')
    expect(await reading).toEqual({ ownerDied: false })
    expect(lock.getState()).toMatchObject({ readers: 1, writer: undefined })
  })

  test('RW6: it enters when the writer of another process leaves, and keeps writers out until it leaves', async () => {
    const lock = create()
    const [reader] = await start(1, { lock })
    const guard = lock.acquireWriteSync()
    const reading = reader?.call('lock', read)
    await until(() => lock.getState().contended, 'the reader waits')
    guard.release()
    expect(await reading).toEqual({ ownerDied: false })
    expect(lock.tryAcquireWrite()).toBeUndefined()
    const writing = lock.acquireWrite()
    await reader?.guard('lock', 'release')
    expect((await writing).held).toBe(true)
  })
})

test('RW13: the lock opened twice here, in a thread and in another process: a writer of each keeps all others out', async () => {
  const lock = create()
  const again = ReadWriteLock.fromHandle(JSON.parse(JSON.stringify(lock.toHandle())))
  const others = [...(await start(1, { lock })), ...(await startThreads(1, { lock }))]
  const here = [lock, again].map((each) => ({
    name: each,
    write: async () => each.tryAcquireWrite(),
    read: async () => each.tryAcquireRead(),
  }))
  const holdHere = lock.acquireWriteSync()
  for (const { read, write } of here) expect([await read(), await write()]).toEqual([undefined, undefined])
  for (const each of others) {
    expect(await each.call('lock', 'tryAcquireRead')).toBeUndefined()
    expect(await each.call('lock', 'tryAcquireWrite')).toBeUndefined()
  }
  holdHere.release()
  for (const holder of others) {
    await holder.call('lock', 'acquireWriteSync')
    for (const { read, write } of here) expect([await read(), await write()]).toEqual([undefined, undefined])
    for (const each of others.filter((each) => each !== holder)) {
      expect(await each.call('lock', 'tryAcquireRead')).toBeUndefined()
      expect(await each.call('lock', 'tryAcquireWrite')).toBeUndefined()
    }
    await holder.guard('lock', 'release')
  }
  // All of them read together.
  for (const each of others) expect(await each.call('lock', 'tryAcquireRead')).toEqual({ ownerDied: false })
  const reads = [lock.tryAcquireRead(), again.tryAcquireRead()]
  expect(reads.map((guard) => guard?.held)).toEqual([true, true])
  expect(lock.getState().readers).toBe(4)
})

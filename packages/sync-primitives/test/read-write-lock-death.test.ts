import { ReadWriteLock, type SharedObjectHandle, ThreadMemory, type WriteGuard } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { FixtureThread } from './support/fixture-thread.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const start = (lock: { toHandle(): SharedObjectHandle }) => FixtureThread.start('read-write-worker.mjs', { lock })
const ownerDied = { name: 'BrokenError', code: 'ERR_OWNER_DIED' }
const lost = { name: 'LockStateError', code: 'ERR_NOT_RECOVERABLE' }
const nobody = { readers: 0, writer: undefined, upgradableReader: undefined, ownerDied: false, recoverable: true }

/** One thread that enters all these locks and ends in them. */
async function diesInAll(locks: ReadWriteLock[], method: string): Promise<void> {
  const thread = await FixtureThread.start('read-write-worker.mjs', Object.fromEntries(locks.entries()))
  for (const name of locks.keys()) await thread.run('lock', { name: `${name}`, method })
  await thread.terminate()
}

async function brokenLocks(count: number, onOwnerDied?: (guard: WriteGuard) => unknown): Promise<ReadWriteLock[]> {
  const locks = Array.from({ length: count }, () => new ReadWriteLock({ onOwnerDied }))
  await diesInAll(locks, 'acquireWriteSync')
  await until(() => locks.every((lock) => lock.getState().ownerDied), 'the death is seen')
  return locks
}

async function brokenLock(onOwnerDied?: (guard: WriteGuard) => unknown): Promise<ReadWriteLock> {
  return (await brokenLocks(1, onOwnerDied))[0] as ReadWriteLock
}

test('a reader that ends inside is out: a writer enters, and learns of nothing', async () => {
  const lock = new ReadWriteLock()
  const thread = await start(lock)
  await thread.run('readOften', { times: 5 })
  expect(lock.getState().readers).toBe(5)
  const [beside, waiting] = [lock.acquireReadSync(), lock.acquireWrite()]
  await turnsOfTheLoop()
  await thread.terminate()
  beside.release()
  const writer = await waiting
  expect(writer).toMatchObject({ held: true, ownerDied: false })
  writer.release()
  expect(lock.getState()).toMatchObject(nobody)
})

test('a reader that ends inside does not keep a thread waiting that blocks, nor try forms', async () => {
  const lock = new ReadWriteLock()
  const [reader, writer] = [await start(lock), await start(lock)]
  await reader.run('lock', { method: 'acquireReadSync' })
  const writing = writer.run('lock', { method: 'acquireWriteSync' })
  await until(() => lock.getState().writer !== undefined, 'the writer waits')
  await reader.terminate()
  expect(await writing).toEqual({ held: true, ownerDied: false })
  await writer.run('guard', { method: 'release' })
  await diesInAll([lock], 'acquireRead')
  await until(() => lock.getState().readers === 0, 'the death is seen')
  expect(lock.tryAcquireWrite()).toMatchObject({ held: true, ownerDied: false })
})

test('the thread that takes the place of a dead reader is not inside', async () => {
  const memory = ThreadMemory.create({ participants: 2 })
  const lock = new ReadWriteLock({ memory })
  const first = await start(lock)
  await first.run('readOften', { times: 3 })
  await first.terminate()
  const second = await start(lock)
  expect(lock.getState().readers).toBe(0)
  expect(await second.run('lock', { method: 'tryAcquireWrite', as: 'writer' })).toMatchObject({ ownerDied: false })
  await second.run('guard', { name: 'writer', method: 'release' })
  await second.run('lock', { method: 'acquireReadSync' })
  expect(lock.getState().readers).toBe(1)
})

test('an upgradable reader that ends inside is out, and nobody learns of it', async () => {
  const forms = ['acquireWrite', 'acquireWriteSync', 'acquireUpgradableRead', 'acquireUpgradableReadSync'] as const
  const locks = forms.map(() => new ReadWriteLock())
  await diesInAll(locks, 'acquireUpgradableReadSync')
  for (const [at, lock] of locks.entries()) {
    lock.acquireReadSync().release()
    const guard = await lock[forms[at] as (typeof forms)[number]]({ timeout: 5_000 })
    expect('ownerDied' in guard && guard.ownerDied).toBe(false)
    guard.release()
    expect(lock.getState()).toMatchObject(nobody)
  }
})

test.each(['acquireWriteSync', 'acquireWrite'])(
  'a writer that ends in %s behind another one leaves nothing',
  async (method) => {
    const lock = new ReadWriteLock()
    const thread = await start(lock)
    const writer = lock.acquireWriteSync()
    void thread.run('lock', { method })
    await until(() => lock.getState().contended, 'it waits')
    await thread.terminate()
    writer.release()
    const reader = lock.acquireReadSync({ timeout: 5_000 })
    reader.release()
    const next = lock.acquireWriteSync({ timeout: 5_000 })
    expect(next.ownerDied).toBe(false)
    next.release()
    expect(lock.getState()).toMatchObject(nobody)
  },
)

test.each(['acquireWriteSync', 'acquireWrite'])(
  'a writer that ends in %s while it waits for readers was never inside: readers and writers learn of nothing',
  async (method) => {
    const lock = new ReadWriteLock()
    const thread = await start(lock)
    const reader = lock.acquireReadSync()
    void thread.run('lock', { method })
    await until(() => lock.getState().writer !== undefined, 'it waits')
    await thread.terminate()
    const other = await lock.acquireRead({ timeout: 5_000 })
    other.release()
    reader.release()
    const writer = await lock.acquireWrite({ timeout: 5_000 })
    expect(writer.ownerDied).toBe(false)
    writer.release()
  },
)

test('an upgradable reader that ends while its upgrade waits was never inside as a writer: readers go on', async () => {
  const lock = new ReadWriteLock()
  const thread = await start(lock)
  const reader = lock.acquireReadSync()
  await thread.run('lock', { method: 'acquireUpgradableReadSync' })
  void thread.run('guard', { method: 'upgradeSync' })
  await until(() => lock.getState().writer !== undefined, 'it waits')
  await thread.terminate()
  ;(await lock.acquireRead({ timeout: 5_000 })).release()
  reader.release()
  expect(await lock.acquireWrite({ timeout: 5_000 })).toMatchObject({ ownerDied: false })
})

test('a reader that ends while it waits leaves nothing', async () => {
  for (const method of ['acquireReadSync', 'acquireUpgradableRead']) {
    const lock = new ReadWriteLock()
    const thread = await start(lock)
    const writer = lock.acquireWriteSync()
    void thread.run('lock', { method })
    await until(() => lock.getState().contended, 'it waits')
    await thread.terminate()
    writer.release()
    lock.acquireWriteSync({ timeout: 5_000 }).release()
    expect(lock.getState()).toMatchObject(nobody)
  }
})

describe('when a writer has died inside', () => {
  test('the next writer is told in every form; when it has repaired, all is as ever', async () => {
    const forms = ['acquireWrite', 'acquireWriteSync', 'tryAcquireWrite'] as const
    for (const [at, lock] of (await brokenLocks(forms.length)).entries()) {
      const form = forms[at] as (typeof forms)[number]
      const writer = await lock[form]()
      expect(writer).toMatchObject({ held: true, ownerDied: true })
      expect(thrownBy(() => writer?.downgrade())).toMatchObject(ownerDied)
      expect(lock.getState()).toMatchObject({ ownerDied: true, recoverable: true })
      writer?.markConsistent()
      expect(writer?.ownerDied).toBe(true)
      const reader = writer?.downgrade()
      reader?.release()
      expect(await lock.acquireWrite()).toMatchObject({ ownerDied: false })
    }
  })

  test('readers get ERR_OWNER_DIED in every form and are not inside, until a writer has repaired', async () => {
    const lock = await brokenLock()
    const forms = ['acquireRead', 'acquireUpgradableRead'] as const
    for (const form of forms) {
      await expect(lock[form]()).rejects.toMatchObject(ownerDied)
      expect(thrownBy(() => lock[`${form}Sync`]())).toMatchObject(ownerDied)
    }
    expect(thrownBy(() => lock.tryAcquireRead())).toMatchObject(ownerDied)
    expect(thrownBy(() => lock.tryAcquireUpgradableRead())).toMatchObject(ownerDied)
    expect(lock.getState()).toMatchObject({
      readers: 0,
      upgradableReader: undefined,
      ownerDied: true,
      recoverable: true,
    })
    const writer = lock.acquireWriteSync()
    writer.markConsistent()
    writer.release()
    for (const form of forms) (await lock[form]()).release()
    expect(lock.getState()).toMatchObject(nobody)
  })

  test('those who wait already learn of it: readers by an error, a writer by its guard', async () => {
    const lock = new ReadWriteLock()
    const [doomed, blocked] = await Promise.all([start(lock), start(lock)])
    await doomed.run('lock', { method: 'acquireWriteSync' })
    const reading = [lock.acquireRead(), lock.acquireRead(), blocked.run('lock', { method: 'acquireReadSync' })]
    for (const reader of reading) reader.catch(() => {})
    await until(() => lock.getState().contended, 'they wait')
    await doomed.terminate()
    for (const reader of reading) await expect(reader).rejects.toMatchObject(ownerDied)
    expect(await blocked.run('lock', { method: 'acquireWriteSync' })).toEqual({ held: true, ownerDied: true })
    await blocked.terminate()
    // The one who was to repair has died as well.
    const writer = lock.acquireWriteSync({ timeout: 5_000 })
    expect(writer.ownerDied).toBe(true)
    writer.markConsistent()
    writer.release()
    lock.acquireReadSync().release()
  })

  test('what it wrote by half is still there for the one who repairs', async () => {
    const [lock, words] = [new ReadWriteLock(), sharedWords(4)]
    const thread = await start(lock)
    void thread.run('writeByHalf', { words })
    await until(() => Atomics.load(words, 2) === 1, 'it is inside')
    await thread.terminate()
    const writer = await lock.acquireWrite()
    expect([writer.ownerDied, words[0], words[1]]).toEqual([true, 1, 0])
  })

  test('a release without a repair makes the lock not recoverable, for those who wait and those who come', async () => {
    const lock = await brokenLock()
    const writer = await lock.acquireWrite()
    const thread = await start(lock)
    const waits: Promise<unknown>[] = [lock.acquireRead(), lock.acquireWrite(), lock.acquireUpgradableRead()]
    waits.push(thread.run('lock', { method: 'acquireReadSync' }))
    await until(() => lock.getState().contended, 'they wait')
    writer.release()
    for (const wait of waits) await expect(wait).rejects.toMatchObject(lost)
    for (const form of ['acquireRead', 'acquireWrite', 'acquireUpgradableRead'] as const) {
      await expect(lock[form]()).rejects.toMatchObject(lost)
      expect(thrownBy(() => lock[`${form}Sync`]())).toMatchObject(lost)
    }
    for (const form of ['tryAcquireRead', 'tryAcquireWrite', 'tryAcquireUpgradableRead'] as const)
      expect(thrownBy(() => lock[form]())).toMatchObject(lost)
    expect(lock.getState()).toMatchObject({ readers: 0, writer: undefined, contended: false, recoverable: false })
    await expect(thread.run('lock', { method: 'tryAcquireRead' })).rejects.toMatchObject(lost)
  })
})

describe('onOwnerDied', () => {
  const kinds = ['Read', 'UpgradableRead', 'Write'] as const
  const forms = kinds.flatMap((kind) => [`acquire${kind}`, `acquire${kind}Sync`, `tryAcquire${kind}`] as const)
  test('repairs once before any form gives a guard', async () => {
    const seen: boolean[] = []
    const locks = await brokenLocks(forms.length, (guard) => void seen.push(guard.held, guard.ownerDied))
    for (const [at, lock] of locks.entries()) {
      const guard = await lock[forms[at] as (typeof forms)[number]]()
      expect(guard?.held).toBe(true)
      expect(seen.splice(0)).toEqual([true, true])
      expect(lock.getState()).toMatchObject({ ownerDied: false, recoverable: true })
      guard?.release()
      expect(lock.getState()).toMatchObject(nobody)
    }
  })

  test('is awaited by promise forms', async () => {
    let repaired = false
    const lock = await brokenLock(async () => {
      await turnsOfTheLoop()
      repaired = true
    })
    ;(await lock.acquireRead()).release()
    expect(repaired).toBe(true)
  })

  test('that throws: the error comes out of every form, and the lock is not recoverable', async () => {
    const failure = new Error('cannot repair')
    const locks = await brokenLocks(forms.length, () => {
      throw failure
    })
    for (const [at, lock] of locks.entries()) {
      const form = forms[at] as (typeof forms)[number]
      await expect((async () => lock[form]())()).rejects.toBe(failure)
      expect(lock.getState()).toMatchObject({ recoverable: false, writer: undefined, readers: 0 })
      await expect((async () => lock[form]())()).rejects.toMatchObject(lost)
    }
  })

  test('that gives a promise in a Sync form is refused, and the lock is not recoverable', async () => {
    const lock = await brokenLock(async () => {})
    expect(thrownBy(() => lock.acquireReadSync())).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(thrownBy(() => lock.acquireWriteSync())).toMatchObject(lost)
  })

  test('of one thread serves the readers of another one', async () => {
    const lock = await brokenLock()
    const repairs = sharedWords(1)
    const thread = await start(lock)
    await thread.run('open', { name: 'repairing', handle: lock.toHandle(), repairs })
    expect(await thread.run('lock', { name: 'repairing', method: 'acquireReadSync' })).toEqual({ held: true })
    lock.acquireReadSync().release()
    expect(repairs[0]).toBe(1)
  })
})

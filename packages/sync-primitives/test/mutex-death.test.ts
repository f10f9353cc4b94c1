import { Mutex, type MutexGuard } from '@heddle/sync-primitives'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { lineUnder, sharedWords } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

const lost = { name: 'LockStateError', code: 'ERR_NOT_RECOVERABLE' }

// What is true of one kind of mutex is true of the other.
describe.each([
  ['a mutex', () => new Mutex()],
  ['a fair mutex', () => new Mutex({ fair: true })],
])('when the owner of %s has died', (_, create) => {
  const orphans = Array.from({ length: 20 }, create)

  // They all lose their owner at once: a thread costs more than a test.
  beforeAll(() => dieHolding(...orphans))

  /** A mutex whose owner has died. */
  function orphan(): Mutex {
    const mutex = orphans.pop()
    if (!mutex) throw new Error('no mutex is left')
    return mutex
  }

  test('the next one holds it and is told; when it says that all is well, everything is as before', async () => {
    const mutex = orphan()
    expect(mutex.getState()).toMatchObject({ held: true, owner: { alive: false }, recoverable: true })
    const guard = await mutex.acquire()
    expect({ held: guard.held, ownerDied: guard.ownerDied }).toEqual({ held: true, ownerDied: true })
    expect(mutex.getState()).toMatchObject({ held: true, owner: { threadId: 0, alive: true }, ownerDied: true })
    guard.markConsistent()
    guard.markConsistent()
    expect(mutex.getState()).toMatchObject({ held: true, ownerDied: false, recoverable: true })
    expect(guard.ownerDied).toBe(true)
    guard.release()
    for (const take of [() => mutex.acquireSync(), () => mutex.tryAcquire()]) {
      const next = take()
      expect(next?.ownerDied).toBe(false)
      next?.release()
    }
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  })

  test('every form reports it: nobody is told that the mutex is busy', async () => {
    const forms: ((mutex: Mutex) => Promise<MutexGuard | undefined> | MutexGuard | undefined)[] = [
      tryUntilGiven,
      (mutex) => mutex.acquireSync(),
      (mutex) => mutex.acquireSync({ timeout: 5_000 }),
      (mutex) => mutex.acquire(),
      (mutex) => mutex.acquire({ timeout: 5_000, signal: new AbortController().signal }),
      (mutex) => mutex.runExclusiveSync((guard) => guard),
      (mutex) => mutex.runExclusive((guard) => guard),
    ]
    const told = []
    for (const take of forms) told.push((await take(orphan()))?.ownerDied)
    expect(told).toEqual(forms.map(() => true))
  })

  test('a release that says nothing of the data makes it not recoverable, for every form, for ever', async () => {
    const mutex = orphan()
    const same = Mutex.fromHandle(structuredClone(mutex.toHandle()))
    const guard = mutex.acquireSync()
    guard.release()
    expect(guard.held).toBe(false)
    for (const object of [mutex, same, mutex]) {
      expect(thrownBy(() => object.acquireSync())).toMatchObject(lost)
      expect(thrownBy(() => object.acquireSync({ timeout: 0 }))).toMatchObject(lost)
      expect(thrownBy(() => object.tryAcquire())).toMatchObject(lost)
      await expect(object.acquire()).rejects.toMatchObject(lost)
      await expect(object.acquire({ timeout: 60_000 })).rejects.toMatchObject(lost)
      await expect(object.runExclusive(() => {})).rejects.toMatchObject(lost)
    }
    expect(mutex.getState()).toEqual({
      held: false,
      owner: undefined,
      contended: false,
      waitingHere: 0,
      ownerDied: true,
      recoverable: false,
    })
    expect(thrownBy(() => guard.markConsistent())).toMatchObject({ code: 'ERR_NOT_OWNER' })
    expect(thrownBy(() => mutex.tryAcquire())).toMatchObject(lost)
  })

  test('those who wait already, by blocking and by awaiting, learn that it is not recoverable', async () => {
    const mutex = orphan()
    const guard = mutex.acquireSync()
    const workers = await Promise.all([1, 2, 3].map(() => MortalWorker.withObjects({ mutex })))
    const waits = [
      workers[0]?.run('acquireSync', { name: 'mutex' }),
      workers[1]?.run('acquireSync', { name: 'mutex', options: { timeout: 60_000 } }),
      workers[2]?.run('acquire', { name: 'mutex' }),
      mutex.acquire(),
      mutex.acquire({ timeout: 60_000 }),
    ]
    await until(() => mutex.getState().contended, 'somebody waits')
    guard.release()
    for (const { status, reason } of (await Promise.allSettled(waits)) as PromiseRejectedResult[])
      expect({ status, reason }).toMatchObject({ status: 'rejected', reason: lost })
    expect(mutex.getState().waitingHere).toBe(0)
  })

  test('who saw only a part of it is told as well: an owner that dies before it has repaired, three times over', async () => {
    const mutex = orphan()
    for (let death = 0; death < 2; death++) {
      const repairer = await MortalWorker.withObjects({ mutex })
      expect(await repairer.run('acquireSync', { name: 'mutex' })).toEqual({ ownerDied: true })
      await repairer.terminate()
    }
    const guard = mutex.acquireSync()
    expect(guard.ownerDied).toBe(true)
    expect(mutex.getState()).toMatchObject({ ownerDied: true, recoverable: true })
    guard.markConsistent()
    guard.release()
    const next = mutex.acquireSync()
    expect(next.ownerDied).toBe(false)
    next.release()
  })

  test('an owner that dies after it has repaired is a new death', async () => {
    const mutex = orphan()
    const repairer = await MortalWorker.withObjects({ mutex })
    await repairer.run('acquireSync', { name: 'mutex' })
    await repairer.run('markConsistent', { name: 'mutex' })
    await repairer.terminate()
    expect(mutex.acquireSync().ownerDied).toBe(true)
  })

  test('it is taken over once: of several that wait, one is told, and the others come after it', async () => {
    const mutex = create()
    const holder = await MortalWorker.withObjects({ mutex })
    const workers = await Promise.all(
      [1, 2].map(() => MortalWorker.withObjects({ mutex }, { options: { repair: 'mark' } })),
    )
    await holder.run('acquireSync', { name: 'mutex' })
    const words = sharedWords(2)
    const rounds = workers.map((worker) => worker.run('rounds', { name: 'mutex', rounds: 40, words }))
    const mine = mutex.acquire()
    await until(() => mutex.getState().contended, 'somebody waits')
    await holder.terminate()
    const guard = await mine
    if (guard.ownerDied) guard.markConsistent()
    const told = guard.ownerDied ? 1 : 0
    guard.release()
    const reported = (await Promise.all(rounds)) as number[]
    expect(told + reported.reduce((sum, each) => sum + each, 0)).toBe(1)
    expect(words[0]).toBe(words[1])
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  })

  test('a thread in the slot that the dead one had is told too, and is not taken for the owner', async () => {
    const mutex = orphan()
    const heir = await MortalWorker.withObjects({ mutex })
    expect(await heir.run('acquireSync', { name: 'mutex', options: { timeout: 5_000 } })).toEqual({ ownerDied: true })
    await heir.run('markConsistent', { name: 'mutex' })
    await heir.run('release', { name: 'mutex' })
    expect(mutex.acquireSync().ownerDied).toBe(false)
  })

  test('a waiter that dies takes nothing with it: the next one gets the mutex, and nobody is told of a death', async () => {
    const mutex = create()
    for (const form of ['acquireSync', 'acquire']) {
      const [doomed, other] = [await MortalWorker.withObjects({ mutex }), await MortalWorker.withObjects({ mutex })]
      const guard = mutex.acquireSync()
      void doomed.run(form, { name: 'mutex' })
      await until(() => mutex.getState().contended, 'the one that will die waits')
      const acquired = other.run(form, { name: 'mutex' })
      await doomed.terminate()
      guard.release()
      expect(await acquired).toEqual({ ownerDied: false })
      await other.run('release', { name: 'mutex' })
      const mine = mutex.acquireSync({ timeout: 5_000 })
      expect(mine.ownerDied).toBe(false)
      mine.release()
    }
  })

  test('the death of a thread that has used it and holds nothing leaves no mark', async () => {
    const mutex = create()
    const user = await MortalWorker.withObjects({ mutex })
    await user.run('acquireSync', { name: 'mutex' })
    await user.run('release', { name: 'mutex' })
    await user.terminate()
    const guard = mutex.acquireSync()
    expect(guard.ownerDied).toBe(false)
    orphan() // nor that of one that held another mutex
    expect(mutex.getState()).toMatchObject({ owner: { threadId: 0, alive: true }, ownerDied: false })
    guard.release()
  })

  test('nobody is taken for dead: many rounds of four threads, while this one is busy and does not answer', async () => {
    const mutex = create()
    const words = sharedWords(2)
    const workers = await Promise.all([1, 2, 3].map(() => MortalWorker.withObjects({ mutex })))
    const rounds = workers.map((worker) => worker.run('rounds', { name: 'mutex', rounds: 250, words }))
    for (let round = 0; round < 10; round++) {
      const guard = mutex.acquireSync()
      expect(guard.ownerDied).toBe(false)
      const end = performance.now() + 15 // longer than an answer about a living thread stands
      while (performance.now() < end);
      guard.release()
    }
    expect(await Promise.all(rounds)).toEqual([0, 0, 0])
    expect(words[0]).toBe(words[1])
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  })
})

test('a thread that dies inside the inner lock of a fair mutex stops nobody', async () => {
  const mutex = new Mutex({ fair: true })
  const { words, lock, heldBy } = lineUnder(mutex)
  await dieHolding(mutex)
  const slot = Array.from({ length: 127 }, (_, i) => i + 1).find((each) => Atomics.load(words, heldBy(each)) === 1) ?? 0
  const wordOfTheDead = (slot | (Atomics.load(words, heldBy(slot) - 1) << 8)) << 2
  Atomics.store(words, lock, wordOfTheDead)
  const guard = mutex.acquireSync({ timeout: 5_000 })
  expect(guard.ownerDied).toBe(true)
  guard.markConsistent()
  guard.release()
  expect(mutex.acquireSync().ownerDied).toBe(false)
})

async function dieHolding(...mutexes: Mutex[]): Promise<void> {
  const owner = await MortalWorker.withObjects(Object.fromEntries(mutexes.entries()))
  for (const name of mutexes.keys()) await owner.run('acquireSync', { name: String(name) })
  await owner.terminate()
}

/** An answer about a living thread stands for some milliseconds: a try form may be that late. */
async function tryUntilGiven(mutex: Mutex): Promise<MutexGuard | undefined> {
  let guard: MutexGuard | undefined
  await until(() => {
    guard = mutex.tryAcquire()
    return guard !== undefined
  }, 'tryAcquire gives the mutex of the dead')
  return guard
}

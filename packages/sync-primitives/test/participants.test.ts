import { Mutex, RecursiveMutex, Semaphore, ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { thrownBy } from './support/until.js'

const full = { name: 'RangeError', code: 'ERR_TOO_MANY_PARTICIPANTS' }

describe('a memory for two threads', () => {
  const create = () => ThreadMemory.create({ participants: 2 })

  test('refuses a third one by each way in, says what to do, and works on for the two', async () => {
    const memory = create()
    const mutex = new Mutex({ memory })
    const second = await MortalWorker.withObjects({ mutex })
    const third = await MortalWorker.withObjects({})
    await expect(third.run('open', { name: 'mutex', handle: mutex.toHandle() })).rejects.toMatchObject(full)
    const handle = new Semaphore(1, { memory }).toHandle()
    await expect(third.run('open', { name: 'semaphore', handle })).rejects.toMatchObject({
      ...full,
      message: expect.stringContaining('participants'),
    })
    await expect(third.run('openMemory', { buffer: memory.buffer })).rejects.toMatchObject(full)
    await second.run('acquireSync', { name: 'mutex' })
    expect(mutex.tryAcquire()).toBeUndefined()
    await second.run('release', { name: 'mutex' })
    mutex.acquireSync().release()
  })

  test('has room again when one of them has ended: the same one that was refused gets in', async () => {
    const memory = create()
    const mutex = new Mutex({ memory })
    const second = await MortalWorker.withObjects({ mutex })
    const third = await MortalWorker.withObjects({})
    await expect(third.run('open', { name: 'mutex', handle: mutex.toHandle() })).rejects.toMatchObject(full)
    await second.terminate()
    await third.run('open', { name: 'mutex', handle: mutex.toHandle() })
    expect(await third.run('acquireSync', { name: 'mutex' })).toEqual({ ownerDied: false })
  })

  test('serves one thread after the other, and is told each time that the one before died in the mutex', async () => {
    const memory = create()
    const [mutex, fair] = [new Mutex({ memory }), new Mutex({ memory, fair: true })]
    for (let generation = 0; generation < 5; generation++) {
      const worker = await MortalWorker.withObjects({ mutex, fair })
      for (const name of ['mutex', 'fair']) {
        expect(await worker.run('acquireSync', { name })).toEqual({ ownerDied: generation > 0 })
        await worker.run('markConsistent', { name })
      }
      await worker.terminate()
    }
    expect(memory.words[memory.highestSlotIndex]).toBe(2)
    for (const each of [mutex, fair]) expect(each.acquireSync().ownerDied).toBe(true)
  })

  test('gives the permits of the dead back to the heir of their slot, and never what the heir holds by itself', async () => {
    const semaphore = new Semaphore(3, { memory: create() })
    const first = await MortalWorker.withObjects({ semaphore })
    for (let i = 0; i < 3; i++) await first.run('acquireSync', { name: 'semaphore' })
    await first.terminate()
    const heir = await MortalWorker.withObjects({ semaphore })
    await heir.run('acquireSync', { name: 'semaphore', options: { timeout: 5_000 } })
    expect(semaphore.availablePermits).toBe(2)
    const guard = semaphore.acquireSync(2, { timeout: 0 })
    expect(semaphore.tryAcquire()).toBeUndefined()
    guard.release()
  })

  test('knows the living and the dead apart when the dead one’s slot has a new thread', async () => {
    const mutex = new Mutex({ memory: create() })
    const first = await MortalWorker.withObjects({ mutex })
    await first.run('acquireSync', { name: 'mutex' })
    const firstId = await first.run('threadId')
    expect(mutex.getState().owner).toEqual({ threadId: firstId, alive: true })
    await first.terminate()
    const heir = await MortalWorker.withObjects({ mutex })
    expect(mutex.getState().owner).toEqual({ threadId: undefined, alive: false })
    const guard = mutex.tryAcquire()
    expect(guard?.ownerDied).toBe(true)
    guard?.markConsistent()
    guard?.release()
    await heir.run('acquireSync', { name: 'mutex' })
    expect(mutex.getState().owner).toEqual({ threadId: await heir.run('threadId'), alive: true })
    expect(mutex.tryAcquire()).toBeUndefined()
  })
})

test('a memory for one thread is its own: every other one is refused, and it needs no other', async () => {
  const memory = ThreadMemory.create({ participants: 1 })
  const mutex = new RecursiveMutex({ memory, fair: true })
  const other = await MortalWorker.withObjects({})
  await expect(other.run('open', { name: 'mutex', handle: mutex.toHandle() })).rejects.toMatchObject(full)
  const guard = mutex.acquireSync()
  const waiting = mutex.acquire()
  guard.release()
  ;(await waiting).release()
})

test('an owner that cannot be is an error with a code, not a wait without end, and leaves no waiter behind', async () => {
  const mutex = new Mutex({ memory: ThreadMemory.create({ participants: 2 }) })
  const { buffer, index } = mutex.toHandle() as unknown as { buffer: SharedArrayBuffer; index: number }
  const words = new Int32Array(buffer)
  Atomics.store(words, index + 1, (200 | (1 << 8)) << 2) // slot 200 of 2
  expect(thrownBy(() => mutex.acquireSync())).toMatchObject({ name: 'InternalError', code: 'ERR_INTERNAL' })
  expect(thrownBy(() => mutex.tryAcquire())).toMatchObject({ code: 'ERR_INTERNAL' })
  await expect(mutex.acquire()).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  Atomics.store(words, index + 1, 0)
  expect(mutex.getState()).toMatchObject({ held: false, waitingHere: 0 })
  expect(mutex.tryAcquire()?.held).toBe(true)
})

test('a participant that never was is dead, so that nobody waits for what a damaged word says', () => {
  const memory = ThreadMemory.create({ participants: 4 })
  const neverTaken = 4
  expect([memory.isDead(neverTaken), memory.isDead(memory.participant)]).toEqual([true, false])
  const mutex = new Mutex({ memory })
  Atomics.store(memory.words, mutex.toHandle().index + 1, neverTaken << 2)
  using guard = mutex.acquireSync({ timeout: 1_000 })
  expect(guard.ownerDied).toBe(true)
  guard.markConsistent()
})

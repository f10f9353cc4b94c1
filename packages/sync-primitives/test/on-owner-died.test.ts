import { Mutex, type MutexGuard, RecursiveMutex, type RecursiveMutexGuard } from '@heddle/sync-primitives'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

interface Options {
  readonly onOwnerDied: (guard: MutexGuard) => unknown
}

const lost = { name: 'LockStateError', code: 'ERR_NOT_RECOVERABLE' }

describe.each<[string, () => Mutex | RecursiveMutex]>([
  ['a mutex', () => new Mutex()],
  ['a fair mutex', () => new Mutex({ fair: true })],
  ['a recursive mutex', () => new RecursiveMutex()],
])('onOwnerDied of %s', (_, create) => {
  const orphans = Array.from({ length: 20 }, create)

  // They all lose their owner at once: a thread costs more than a test.
  beforeAll(() => dieHolding(...orphans))

  /** A mutex whose owner has died, as a thread sees it that can repair it. */
  function orphan(options: Options): Mutex | RecursiveMutex {
    const mutex = orphans.pop()
    if (mutex instanceof Mutex) return Mutex.fromHandle(mutex.toHandle(), options)
    if (mutex instanceof RecursiveMutex) return RecursiveMutex.fromHandle(mutex.toHandle(), options)
    throw new Error('no mutex is left')
  }

  test('is called with the guard before anybody sees it, and the mutex is consistent when it returns', async () => {
    const seen: unknown[] = []
    const make = () => {
      const mutex = orphan({
        onOwnerDied: (guard) => {
          seen.push([guard.held, guard.ownerDied, mutex.getState().ownerDied])
        },
      })
      return mutex
    }
    const forms: ((mutex: Mutex | RecursiveMutex) => MutexGuard | Promise<MutexGuard>)[] = [
      (mutex) => mutex.acquireSync(),
      (mutex) => mutex.acquireSync({ timeout: 5_000 }),
      (mutex) => mutex.acquire(),
      (mutex) => mutex.acquire({ timeout: 5_000 }),
    ]
    const mutexes = forms.map(make)
    for (const [i, mutex] of mutexes.entries()) {
      const guard = (await forms[i]?.(mutex)) as MutexGuard
      expect(seen).toHaveLength(i + 1)
      expect({ held: guard.held, ownerDied: guard.ownerDied }).toEqual({ held: true, ownerDied: true })
      expect(mutex.getState()).toMatchObject({ held: true, ownerDied: false, recoverable: true })
      guard.release()
      mutex.acquireSync().release()
    }
    expect(seen).toEqual(forms.map(() => [true, true, true]))
  })

  test('is called by the try form as well', async () => {
    let calls = 0
    const mutex = orphan({
      onOwnerDied: () => {
        calls += 1
      },
    })
    await turnsOfTheLoop()
    let guard = mutex.tryAcquire()
    for (const limit = performance.now() + 5_000; !guard && performance.now() < limit; ) guard = mutex.tryAcquire()
    expect({ calls, held: guard?.held }).toEqual({ calls: 1, held: true })
    guard?.release()
    expect(mutex.tryAcquire()?.ownerDied).toBe(false)
  })

  test('is called once for a death, and not without one', async () => {
    let calls = 0
    const mutex = orphan({
      onOwnerDied: () => {
        calls += 1
      },
    })
    mutex.acquireSync().release()
    expect(calls).toBe(1)
    ;(await mutex.acquire()).release()
    mutex.tryAcquire()?.release()
    expect(calls).toBe(1)
  })

  test('what it throws comes out of the acquisition, and the mutex is not recoverable', async () => {
    const error = new Error('cannot repair')
    const mutex = orphan({
      onOwnerDied: () => {
        throw error
      },
    })
    expect(thrownBy(() => mutex.acquireSync())).toBe(error)
    expect(thrownBy(() => mutex.acquireSync())).toMatchObject(lost)
    await expect(mutex.acquire()).rejects.toMatchObject(lost)
    expect(mutex.getState()).toMatchObject({ held: false, recoverable: false })
  })

  test('the async forms wait for its promise: nobody gets in meanwhile, and the next one finds sound data', async () => {
    let finish: () => void = () => {}
    const repaired = new Promise<void>((resolve) => {
      finish = resolve
    })
    const mutex = orphan({ onOwnerDied: () => repaired })
    let settled = 0
    const [first, second] = [mutex.acquire(), mutex.acquire()].map((wait) =>
      wait.finally(() => {
        settled += 1
      }),
    )
    await turnsOfTheLoop(20)
    expect(settled).toBe(0)
    finish()
    const guard = await first
    expect({ ownerDied: guard?.ownerDied, settled }).toEqual({ ownerDied: true, settled: 1 })
    expect(mutex.getState()).toMatchObject({ ownerDied: false })
    guard?.release()
    expect((await second)?.ownerDied).toBe(false)
  })

  test('a rejection of its promise comes out of the acquisition, and who waits learns that it is not recoverable', async () => {
    const reason = new Error('cannot repair')
    const mutex = orphan({ onOwnerDied: () => Promise.reject(reason) })
    const [first, second] = await Promise.allSettled([mutex.acquire(), mutex.acquire()])
    expect(first).toEqual({ status: 'rejected', reason })
    expect(second).toMatchObject({ status: 'rejected', reason: lost })
    await expect(mutex.runExclusive(() => 'never')).rejects.toMatchObject(lost)
  })

  test('one that returns a promise is refused by the Sync form, which nobody can make wait', async () => {
    const mutex = orphan({ onOwnerDied: async () => {} })
    expect(thrownBy(() => mutex.acquireSync())).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    expect(thrownBy(() => mutex.acquireSync())).toMatchObject(lost)
  })

  test('one whose promise rejects after the Sync form has refused it is no unhandled rejection', async () => {
    const mutex = orphan({ onOwnerDied: () => Promise.reject(new Error('too late')) })
    expect(thrownBy(() => mutex.acquireSync())).toMatchObject({ code: 'ERR_INVALID_ARG' })
    await turnsOfTheLoop() // an unhandled rejection fails the test here
    expect(mutex.getState()).toMatchObject({ held: false, recoverable: false })
  })

  test('may mark it consistent by itself; one that releases it without that loses it', async () => {
    const marking = orphan({ onOwnerDied: (guard) => guard.markConsistent() })
    const releasing = orphan({ onOwnerDied: (guard) => guard.release() })
    marking.acquireSync().release()
    expect(marking.tryAcquire()?.ownerDied).toBe(false)

    expect(thrownBy(() => releasing.acquireSync())).toMatchObject({ code: 'ERR_NOT_OWNER' })
    expect(thrownBy(() => releasing.acquireSync())).toMatchObject(lost)
  })

  test('that of runExclusive repairs first; the function then runs with the lock', async () => {
    const order: string[] = []
    const onOwnerDied = () => {
      order.push('repaired')
    }
    const [first, second] = [orphan({ onOwnerDied }), orphan({ onOwnerDied })]
    first.runExclusiveSync((guard) => order.push(guard.held ? 'ran' : 'ran without it'))
    await second.runExclusive((guard) => order.push(guard.held ? 'ran' : 'ran without it'))
    expect(order).toEqual(['repaired', 'ran', 'repaired', 'ran'])
    for (const mutex of [first, second]) expect(mutex.getState()).toMatchObject({ held: false, recoverable: true })
  })
})

test('onOwnerDied concerns the thread that gave it: another one that has none is told, another one of its own throws there', async () => {
  const mutex = new Mutex({ onOwnerDied: () => {} })
  await dieHolding(mutex)
  const plain = await MortalWorker.withObjects({ mutex })
  expect(await plain.run('acquireSync', { name: 'mutex' })).toEqual({ ownerDied: true })
  await plain.run('markConsistent', { name: 'mutex' })
  await plain.run('release', { name: 'mutex' })
  await dieHolding(mutex)
  const failing = await MortalWorker.withObjects({ mutex }, { options: { repair: 'throw' } })
  await expect(failing.run('acquire', { name: 'mutex' })).rejects.toMatchObject({ code: 'ERR_OF_THE_REPAIR' })
  expect(thrownBy(() => mutex.acquireSync())).toMatchObject(lost)
})
test('onOwnerDied of a recursive mutex that throws while it holds the mutex twice leaves it not recoverable', async () => {
  const error = new Error('in the middle of the repair')
  const mutex = new RecursiveMutex({
    onOwnerDied: (guard: RecursiveMutexGuard) => {
      guard.acquire()
      throw error
    },
  })
  await dieHolding(mutex)
  expect(thrownBy(() => mutex.acquireSync())).toBe(error)
  expect(mutex.getState()).toMatchObject({ held: false, recoverable: false })
})

async function dieHolding(...mutexes: (Mutex | RecursiveMutex)[]): Promise<void> {
  const owner = await MortalWorker.withObjects(Object.fromEntries(mutexes.entries()))
  for (const name of mutexes.keys()) await owner.run('acquireSync', { name: String(name) })
  await owner.terminate()
}

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Condition, ManualResetEvent, Mutex, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { turnsOfTheLoop } from './support/until.js'

/** After a collection of what nobody holds any more. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

describe('what users do to a program', () => {
  test('stack overflows that are caught leave locks that can be taken', () => {
    const semaphore = new Semaphore(1)
    const fair = new Mutex({ fair: true })
    for (const use of [() => semaphore.tryAcquire()?.release(), () => fair.tryAcquire()?.release()]) {
      let overflows = 0
      const deeper = (): void => {
        use()
        deeper()
      }
      for (let round = 0; round < 6; round++) {
        try {
          deeper()
        } catch (error) {
          if ((error as Error).name === 'RangeError') overflows += 1
        }
      }
      expect(overflows).toBeGreaterThan(0)
      // Whether a permit was lost with the stack is one thing; that nobody hangs for ever is this one.
      use()
    }
  })

  test('a thread that lives is not taken for dead when the files of the system cannot be read', async () => {
    const mutex = new Mutex()
    const worker = await LockWorker.withObjects({ mutex })
    await worker.run('acquireSync', { name: 'mutex' })
    const real = fs.readFileSync
    fs.readFileSync = (() => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    }) as unknown as typeof fs.readFileSync
    syncBuiltinESMExports()
    try {
      await expect(mutex.acquire({ timeout: 150 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    } finally {
      fs.readFileSync = real
      syncBuiltinESMExports()
    }
    expect(mutex.getState().owner).toMatchObject({ alive: true })
    await worker.run('release', { name: 'mutex' })
  })
})

test('conditions beyond what the memory of the mutex has room for are made elsewhere, and work', async () => {
  const mutex = new Mutex()
  const conditions = Array.from({ length: 100 }, () => new Condition(mutex))
  const last = Condition.fromHandle(structuredClone((conditions.at(-1) as Condition).toHandle()), mutex)
  const guard = await mutex.acquire()
  const waiting = last.wait(guard)
  const other = await mutex.acquire()
  expect(conditions.at(-1)?.notify(other)).toBe(1)
  other.release()
  expect(await waiting).toBe(true)
  expect(() => Condition.fromHandle(last.toHandle(), new Mutex())).toThrow('another mutex')
})

test('twenty thousand waits that were given up behind one that waits leave no memory behind', async () => {
  const mutex = new Mutex()
  const holder = mutex.acquireSync()
  const first = mutex.acquire()
  const giveUp = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const stop = new AbortController()
      const wait = mutex.acquire({ signal: stop.signal })
      stop.abort()
      await wait.catch(() => {})
    }
    await turnsOfTheLoop()
  }
  await giveUp(2_000)
  expect(mutex.getState().waitingHere).toBe(1)
  const before = heapInUse()
  await giveUp(20_000)
  expect(mutex.getState().waitingHere).toBe(1)
  // Each of them took more than 2,000 bytes when its place was kept.
  expect(heapInUse() - before).toBeLessThan(10_000_000)
  holder.release()
  ;(await first).release()
})

test('many tasks that wait for one event all go through when it is set, also if the wake-up was lost', async () => {
  const event = new ManualResetEvent()
  const waits = Array.from({ length: 500 }, () => event.wait())
  await turnsOfTheLoop()
  const { buffer, index } = event.toHandle()
  // Set without a notification, as if that had gone to a thread that died.
  Atomics.or(new Int32Array(buffer as SharedArrayBuffer), index + 1, 1)
  expect((await Promise.all(waits)).every(Boolean)).toBe(true)
})

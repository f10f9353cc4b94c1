import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SharedObjectHandle } from '@heddle/sync-primitives'
import { afterEach, describe, expect, test } from '@jest/globals'
import { lockLikes } from './support/lock-likes.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

/** What holds of everything that lets one holder in at a time, by each of its forms. */

const workers = new Set<Worker>()

function start(workerData: Record<string, unknown> & { handle: SharedObjectHandle }): Worker {
  const worker = new Worker(new URL('./fixtures/lock-like-worker.mjs', import.meta.url), { workerData })
  workers.add(worker)
  return worker
}

afterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.terminate()))
  workers.clear()
})

describe.each(Object.keys(lockLikes))('%s', (kind) => {
  const like = lockLikes[kind] as (typeof lockLikes)[string]

  test('keeps three threads apart, two of which block while one awaits', async () => {
    const lock = like.make()
    const words = sharedWords(2)
    const rounds = 300
    const others = ['blocking', 'awaiting'].map((driver) =>
      once(start({ kind, handle: lock.toHandle(), words, task: 'count', driver, rounds }), 'exit'),
    )
    for (let round = 0; round < rounds; round++)
      await like.run(lock, () => {
        words[0] = (words[0] ?? 0) + 1
      })
    await Promise.all(others)
    expect(words[0]).toBe(3 * rounds)
  })

  test.each(['blocking', 'awaiting'])(
    'is free again after a thread has ended that took it by the %s form',
    async (driver) => {
      const lock = like.make()
      const words = sharedWords(2)
      const worker = start({ kind, handle: lock.toHandle(), words, task: 'hold', driver })
      await until(() => Atomics.load(words, 1) === 1, 'the thread holds it')
      expect(like.tryAcquire(lock)).toBeUndefined()
      await worker.terminate()
      // This one blocks: nobody can tell it of the death meanwhile.
      expect(like.acquireSync(lock, { timeout: 5_000 }).held).toBe(true)
    },
  )

  test('a wait whose time is up has lasted that long, and leaves the lock sound', async () => {
    const lock = like.make()
    const words = sharedWords(2)
    const worker = start({ kind, handle: lock.toHandle(), words, task: 'hold', driver: 'blocking' })
    await until(() => Atomics.load(words, 1) === 1, 'the thread holds it')
    for (const wait of [
      () => like.acquire(lock, { timeout: 30 }),
      async () => like.acquireSync(lock, { timeout: 30 }),
    ]) {
      const begun = performance.now()
      await expect(wait()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      expect(performance.now() - begun).toBeGreaterThanOrEqual(30)
    }
    await worker.terminate()
    expect((await like.acquire(lock, { timeout: 5_000 })).held).toBe(true)
  })

  test('a wait that is aborted rejects with the reason, and the next task gets the lock', async () => {
    const lock = like.make()
    const guard = like.acquireSync(lock)
    const stop = new AbortController()
    const aborted = like.acquire(lock, { signal: stop.signal })
    const next = like.acquire(lock)
    const reason = { why: 'enough' }
    stop.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    guard.release()
    expect((await next).held).toBe(true)
  })

  test('tasks of one thread get it in the order in which they asked', async () => {
    const lock = like.make()
    const guard = like.acquireSync(lock)
    const order: number[] = []
    const tasks = [1, 2, 3, 4].map((number) => like.run(lock, () => order.push(number)))
    await turnsOfTheLoop()
    guard.release()
    await Promise.all(tasks)
    expect(order).toEqual([1, 2, 3, 4])
  })

  test('an error passes through unchanged, and the lock is free', async () => {
    const lock = like.make()
    const error = new Error('of the caller')
    const fail = () => {
      throw error
    }
    expect(thrownBy(() => like.runSync(lock, fail))).toBe(error)
    await expect(like.run(lock, fail)).rejects.toBe(error)
    expect(like.tryAcquire(lock)?.held).toBe(true)
  })

  test('a guard releases once, also when somebody else holds the lock by then', async () => {
    const lock = like.make()
    const first = like.acquireSync(lock)
    first.release()
    const second = await like.acquire(lock)
    first.release()
    expect([first.held, second.held]).toEqual([false, true])
    const third = like.acquire(lock)
    await turnsOfTheLoop()
    first.release()
    second.release()
    expect((await third).held).toBe(true)
  })

  test.each([-1, Number.NaN, '5', null])('a timeout of %p is refused, and changes nothing', async (timeout) => {
    const lock = like.make()
    const options = { timeout: timeout as number }
    expect(thrownBy(() => like.acquireSync(lock, options))).toHaveProperty('code')
    await expect(like.acquire(lock, options)).rejects.toHaveProperty('code')
    expect(like.tryAcquire(lock)?.held).toBe(true)
  })
})

import { Mutex } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterEach, expect, test } from '@jest/globals'
import { rejectionOf, until } from '../../pool-core/test/support/observe.js'
import {
  failLocked,
  leaveLocked,
  leaveLockedLater,
  loopLocked,
  maybeLeaveLocked,
  releaseInTime,
  streamLocked,
  takeLock,
  where,
} from './fixtures/locks.mjs'

const pools: ThreadPoolManager[] = []

function openPool(maxWorkers: number): ThreadPoolManager {
  const pool = new ThreadPoolManager({ maxWorkers })
  pools.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.terminate()))
})

/** What a death may take to be noticed, in milliseconds. */
const noticed = 1_000

test('a task that ends with a lock in its hands rejects, its worker is replaced, and the next acquirer is told', async () => {
  const pool = openPool(1)
  const mutex = new Mutex()
  const worker = await pool.run(where, [])
  const error = await rejectionOf(pool.run(leaveLocked, [mutex]))
  expect([error.name, error.code]).toEqual(['LockStateError', 'ERR_GUARD_LEAKED'])
  const rejected = performance.now()
  const guard = await mutex.acquire({ timeout: 10_000 })
  expect(performance.now() - rejected).toBeLessThan(noticed)
  expect(guard.ownerDied).toBe(true)
  guard.markConsistent()
  guard.release()
  const found = await pool.run(takeLock, [mutex])
  expect(found.ownerDied).toBe(false)
  expect(found.threadId).not.toBe(worker)
  expect(pool.stats()).toMatchObject({ failed: 1, crashes: 0 })
})

test('one that fails with a lock in its hands rejects in the same way, with its own error as the cause', async () => {
  const pool = openPool(1)
  const mutex = new Mutex()
  const error = await rejectionOf(pool.run(failLocked, [mutex]))
  expect(error.code).toBe('ERR_GUARD_LEAKED')
  expect(error.cause).toMatchObject({ name: 'RangeError', code: 'E_MIDDLE' })
  expect((await pool.run(takeLock, [mutex])).ownerDied).toBe(true)
})

test('whoever waits for the lock already, here or in another worker, gets it as left by a dead owner', async () => {
  const pool = openPool(3)
  const leave = async () => {
    const [mutex, words] = [new Mutex(), new Int32Array(new SharedArrayBuffer(8))]
    const leak = rejectionOf(pool.run(leaveLockedLater, [mutex, words]))
    await until(() => Atomics.load(words, 0) === 1, 'the lock in the hands of the task')
    return { mutex, words, leak }
  }
  const [here, there] = [await leave(), await leave()]
  const waiting = here.mutex.acquire({ timeout: 10_000 })
  const finding = pool.run(takeLock, [there.mutex])
  await until(() => there.mutex.getState().contended, 'the waiter in the other worker')
  for (const { words } of [here, there]) Atomics.store(words, 1, 1)
  for (const { leak } of [here, there]) expect((await leak).code).toBe('ERR_GUARD_LEAKED')
  const guard = await waiting
  expect(guard.ownerDied).toBe(true)
  guard.markConsistent()
  guard.release()
  expect((await finding).ownerDied).toBe(true)
})

test('a task that gives its lock back keeps its worker', async () => {
  const pool = openPool(1)
  const mutex = new Mutex()
  const worker = await pool.run(where, [])
  for (let round = 0; round < 3; round += 1) expect(await pool.run(releaseInTime, [mutex])).toBe(worker)
  expect(mutex.tryAcquire()?.ownerDied).toBe(false)
})

test('of many runs that travel together exactly those reject that left the lock behind, and no run is lost or run twice', async () => {
  const pool = openPool(1)
  const mutex = new Mutex()
  const ran = new Int32Array(new SharedArrayBuffer(60 * Int32Array.BYTES_PER_ELEMENT))
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => pool.run(maybeLeaveLocked, [mutex, ran, n])),
  )
  const expected = Array.from({ length: 60 }, (_, n) => (n % 10 === 9 ? 'ERR_GUARD_LEAKED' : n))
  const seen = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))
  expect(seen).toEqual(expected)
  expect([...ran]).toEqual(expected.map(() => 1))
})

test('a stream that ends with a lock in its hands fails behind its values', async () => {
  const pool = openPool(1)
  const mutex = new Mutex()
  const read: number[] = []
  const error = await rejectionOf(
    (async () => {
      for await (const value of pool.stream(streamLocked, [mutex])) read.push(value)
    })(),
  )
  expect([read, error.code]).toEqual([[1, 2], 'ERR_GUARD_LEAKED'])
  expect((await pool.run(takeLock, [mutex])).ownerDied).toBe(true)
})

test.each(['abort', 'timeout', 'terminate'] as const)(
  'a task that held a lock when %s ended it counts as a dead owner: the next acquirer is told within a second',
  async (way) => {
    const pool = openPool(1)
    const mutex = new Mutex()
    const begun = new Int32Array(new SharedArrayBuffer(4))
    const controller = new AbortController()
    const options = { signal: controller.signal, timeout: way === 'timeout' ? 300 : undefined }
    const looping = rejectionOf(pool.run(loopLocked, [mutex, begun], options))
    await until(() => Atomics.load(begun, 0) === 1, 'the lock in the hands of the task')
    const waiting = mutex.acquire({ timeout: 10_000 })
    if (way === 'abort') controller.abort()
    if (way === 'terminate') void pool.terminate()
    await looping
    const rejected = performance.now()
    const guard = await waiting
    expect(performance.now() - rejected).toBeLessThan(noticed)
    expect(guard.ownerDied).toBe(true)
    guard.markConsistent()
    guard.release()
  },
)

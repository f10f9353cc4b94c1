import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterAll, expect, test } from '@jest/globals'
import { range } from '../../pool-core/test/support/inputs.js'
import { areThemselves, pass } from './fixtures/locks.mjs'

const pool = new ThreadPoolManager({ maxWorkers: 2 })

afterAll(() => pool.terminate())

/** Whether it is this very lock: what it holds, the other one sees. */
function isLock(candidate: unknown, mutex: Mutex): boolean {
  const guard = mutex.acquireSync()
  const isHeld = (candidate as Mutex).tryAcquire() === undefined
  guard.release()
  return isHeld
}

test('short runs at once, some of them with locks in their arguments, get and give back what is theirs', async () => {
  const mutexes = range(20).map(() => new Mutex())
  for (const n of range(20)) await pool.run(pass, [n as never])
  const results = await Promise.all(
    range(400).map((n) => pool.run(pass, [n % 20 === 7 ? (mutexes[Math.floor(n / 20)] as Mutex) : (n as never)])),
  )
  const locks = results.filter((result) => (result as unknown) instanceof Mutex)
  expect(locks.map((lock, index) => isLock(lock, mutexes[index] as Mutex))).toEqual(mutexes.map(() => true))
  expect(results.map((result, n) => (n % 20 === 7 ? n : result))).toEqual(range(400))
})

test('the items of a chunk arrive as themselves, locks and counters included, and come back so', async () => {
  const mutexes = range(6).map(() => new Mutex())
  const results = await pool.map(pass, mutexes, { chunkSize: 3 }).toArray()
  expect(results.map((result, index) => isLock(result, mutexes[index] as Mutex))).toEqual(mutexes.map(() => true))
  const counters = [new ThreadSafeCounter()]
  const themselves = range(200).map(() => pool.run(areThemselves, [mutexes[0] as Mutex, { counters }]))
  expect(new Set(await Promise.all(themselves))).toEqual(new Set([true]))
})

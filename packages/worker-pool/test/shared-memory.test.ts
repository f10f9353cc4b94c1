import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterAll, expect, test } from '@jest/globals'
import { rejectionOf, until } from '../../pool-core/test/support/observe.js'
import { fillWords, keepTicking, pass as passLockless } from './fixtures/lockless.mjs'
import { addUnderLock, areThemselves, makeCounter, pass } from './fixtures/locks.mjs'

const pool = new ThreadPoolManager({ maxWorkers: 2 })

afterAll(() => pool.terminate())

const sharedWords = (count: number) => new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))

test('a shared object that no module of the task knows is refused with the package to import, and the worker stays', async () => {
  const alone = new ThreadPoolManager({ maxWorkers: 1 })
  for (let round = 0; round < 2; round++) {
    const error = await rejectionOf(alone.run(passLockless, [{ locks: [new Mutex()] }]))
    expect([error.name, error.code]).toEqual(['TypeError', 'ERR_BAD_HANDLE'])
    expect(error.message).toContain('import @heddle/sync-primitives')
  }
  expect(await alone.run(passLockless, ['still here'])).toBe('still here')
  await alone.drain()
})

test('a mutex and a counter in the arguments arrive as themselves, however deep', async () => {
  const counters = [new ThreadSafeCounter(), new ThreadSafeCounter(1)]
  expect(await pool.run(areThemselves, [new Mutex(), { counters }])).toBe(true)
})

test('tasks in two threads lock each other out with one mutex, and lose no step of one counter', async () => {
  const [mutex, counter, words] = [new Mutex(), new ThreadSafeCounter(), sharedWords(1)]
  // Two of them begin their work together, each in a thread of its own: short tasks could share one.
  const meeting = sharedWords(1)
  const rounds = 2_000
  const threads = await Promise.all(
    Array.from({ length: 4 }, () => pool.run(addUnderLock, [{ mutex, counter, words, rounds, meeting }])),
  )
  expect(new Set(threads).size).toBe(2)
  expect([words[0], counter.getValue()]).toEqual([4 * rounds, 4 * rounds])
  expect(mutex.tryAcquire()?.held).toBe(true)
})

test('a mutex that a task gives back is the mutex that it was given', async () => {
  const mutex = new Mutex()
  const back = await pool.run(pass, [mutex])
  expect(back).toBeInstanceOf(Mutex)
  const guard = mutex.acquireSync()
  expect(back.tryAcquire()).toBeUndefined()
  guard.release()
  expect(back.tryAcquire()?.held).toBe(true)
})

test('an object that a task has made and given back outlives the worker that made it', async () => {
  const maker = new ThreadPoolManager({ maxWorkers: 1 })
  const { made } = await maker.run(makeCounter, [40])
  await maker.terminate()
  expect(made.increment(2)).toBe(42)
  expect(await pool.run(areThemselves, [new Mutex(), { counters: [made] }])).toBe(true)
})

test('a SharedArrayBuffer in the arguments is the same memory, other buffers are copies', async () => {
  const [shared, own] = [sharedWords(2), new Int32Array(2)]
  await pool.run(fillWords, [shared, 7])
  await pool.run(fillWords, [own, 7])
  expect([...shared, ...own]).toEqual([7, 7, 0, 0])
})

test('an idle worker does not stand still: timers that a task has left run on', async () => {
  const ticks = sharedWords(1)
  await pool.run(keepTicking, [ticks])
  const seen = Atomics.load(ticks, 0)
  await until(() => Atomics.load(ticks, 0) > seen + 5, 'ticks of an idle worker')
  expect(Atomics.load(ticks, 0)).toBeGreaterThan(seen + 5)
})

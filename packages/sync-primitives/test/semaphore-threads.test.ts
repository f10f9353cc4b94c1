import { Semaphore } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { hasWaiters, lineUnder, sharedWords, ticketsOf } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

/** A wait looks again after this many milliseconds even if no wake-up came. */
const sliceMs = 50

test.each([
  ['block', [true, true, true, true]],
  ['block and await', [true, false, true, false]],
])('four threads that %s increment a plain word under the only permit: no increment is lost', async (_, forms) => {
  const semaphore = new Semaphore(1)
  const rounds = 1_500
  const [words, gate] = [sharedWords(4), sharedWords(1)]
  const workers = await Promise.all(forms.map(() => LockWorker.withObjects({ semaphore })))
  await Promise.all(
    workers.map((worker, i) =>
      worker.run('incrementUnderLock', {
        name: 'semaphore',
        rounds: forms[i] ? rounds : rounds / 10,
        blocking: forms[i],
        words,
        gate,
        parties: forms.length,
      }),
    ),
  )
  const total = forms.reduce((sum, blocking) => sum + (blocking ? rounds : rounds / 10), 0)
  expect({ count: words[0], mostInside: words[2] }).toEqual({ count: total, mostInside: 1 })
  expect(semaphore.availablePermits).toBe(1)
  expect(hasWaiters(semaphore)).toBe(false)
})

test('four threads that fight for two permits are never three inside, and all permits come back', async () => {
  const semaphore = new Semaphore(2, { maxPermits: 2 })
  const [words, gate] = [sharedWords(4), sharedWords(1)]
  const workers = await Promise.all([1, 2, 3, 4].map(() => LockWorker.withObjects({ semaphore })))
  await Promise.all(
    workers.map((worker) =>
      worker.run('incrementUnderLock', { name: 'semaphore', rounds: 800, blocking: true, words, gate, parties: 4 }),
    ),
  )
  expect(words[1]).toBe(0)
  expect(words[2]).toBeGreaterThan(0)
  expect(words[2]).toBeLessThanOrEqual(2)
  expect(semaphore.availablePermits).toBe(2)
})

test('release(n) lets n of five threads pass, blocked and awaiting ones alike, and the rest when more come', async () => {
  const semaphore = new Semaphore(0)
  const workers = await Promise.all([1, 2, 3, 4, 5].map(() => LockWorker.withObjects({ semaphore })))
  let passed = 0
  const all = Promise.all(
    workers.map(async (worker, i) => {
      await worker.run(i % 2 === 0 ? 'acquireSync' : 'acquire', { name: 'semaphore' })
      passed += 1
    }),
  )
  await until(() => hasWaiters(semaphore), 'somebody waits')
  semaphore.release(2)
  await until(() => passed === 2, 'two have passed')
  expect(semaphore.availablePermits).toBe(0)
  semaphore.release(1)
  await until(() => passed === 3, 'a third one has passed')
  expect(semaphore.availablePermits).toBe(0)
  semaphore.release(7)
  await all
  expect(semaphore.availablePermits).toBe(5)
})

test('release(2) reaches both of two sleeping threads', async () => {
  const semaphore = new Semaphore(0)
  const [first, second] = await Promise.all([
    LockWorker.withObjects({ semaphore }),
    LockWorker.withObjects({ semaphore }),
  ])
  const waits: number[] = []
  for (let round = 0; round < 7; round++) {
    const before = ticketsOf(semaphore)
    const acquired = [first, second].map((worker) => worker.run('acquireSync', { name: 'semaphore' }))
    await until(() => ticketsOf(semaphore) === before + 2, 'both workers wait')
    const begun = performance.now()
    semaphore.release(2)
    await Promise.all(acquired)
    waits.push(performance.now() - begun)
  }
  // Whoever was not woken sleeps for the rest of a slice.
  expect(waits.sort((a, b) => a - b)[3]).toBeLessThan(sliceMs / 2)
})

test('the main thread blocks for a permit that a thread gives', async () => {
  const semaphore = new Semaphore(0)
  const worker = await LockWorker.withObjects({ semaphore })
  const given = worker.run('semaphoreRelease', { name: 'semaphore', permits: 1 })
  expect(semaphore.acquireSync().held).toBe(true)
  await given
  expect(semaphore.availablePermits).toBe(0)
})

test('a blocking timeout is exact from below in a thread, and takes no permit', async () => {
  const semaphore = new Semaphore(0)
  const worker = await LockWorker.withObjects({ semaphore })
  for (const timeout of [0, 1, 12.5, 130]) {
    const failure = worker.run('acquireSync', { name: 'semaphore', options: { timeout } })
    await expect(failure).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    const waited = await failure.catch((error: { waited: number }) => error.waited)
    expect(waited).toBeGreaterThanOrEqual(timeout)
    expect(waited).toBeLessThan(timeout + 1_000)
  }
  semaphore.release()
  expect(semaphore.availablePermits).toBe(1)
})

test('ERR_OVER_RELEASE holds across threads', async () => {
  const semaphore = new Semaphore(1, { maxPermits: 1 })
  const worker = await LockWorker.withObjects({ semaphore })
  await expect(worker.run('semaphoreRelease', { name: 'semaphore', permits: 1 })).rejects.toMatchObject({
    name: 'LockStateError',
    code: 'ERR_OVER_RELEASE',
  })
  await worker.run('acquireSync', { name: 'semaphore' })
  semaphore.release() // a permit has no owner
  await expect(worker.run('release', { name: 'semaphore' })).rejects.toMatchObject({ code: 'ERR_OVER_RELEASE' })
  expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  expect(semaphore.availablePermits).toBe(1)
})

test.each([
  ['block', true, true],
  ['await', false, false],
  ['block and await', true, false],
])('two threads that %s pass a permit to and fro 200 times without losing a wake-up', async (_, one, other) => {
  const [to, fro] = [new Semaphore(0), new Semaphore(0)]
  const rounds = 200
  const [left, right] = await Promise.all([LockWorker.withObjects({ to, fro }), LockWorker.withObjects({ to, fro })])
  const begun = performance.now()
  const relays = [
    left.run('relay', { from: 'to', to: 'fro', rounds, blocking: one }),
    right.run('relay', { from: 'fro', to: 'to', rounds, blocking: other }),
  ]
  to.release()
  await Promise.all(relays)
  // A wake-up that is lost costs its receiver a slice.
  expect(performance.now() - begun).toBeLessThan((rounds * sliceMs) / 4)
  expect([to.availablePermits, fro.availablePermits]).toEqual([1, 0])
})

test.each([
  ['blocking', 'acquireSync', {}],
  ['blocking with a timeout', 'acquireSync', { timeout: 60_000 }],
  ['awaiting', 'acquire', {}],
])('a thread whose wake-up was lost looks again by itself: %s', async (_, form, options) => {
  const semaphore = new Semaphore(0)
  const worker = await LockWorker.withObjects({ semaphore })
  const acquired = worker.run(form, { name: 'semaphore', options })
  await until(() => hasWaiters(semaphore), 'the worker waits')
  const { words, total } = lineUnder(semaphore)
  Atomics.store(words, total, 1) // a permit, and nobody woken
  await acquired
  expect(semaphore.availablePermits).toBe(0)
})

test('an async waiter that gave up does not swallow the permit of a thread that blocks', async () => {
  const semaphore = new Semaphore(0)
  const worker = await LockWorker.withObjects({ semaphore })
  for (let round = 0; round < 5; round++) {
    const controller = new AbortController()
    const abandoned = semaphore.acquire({ signal: controller.signal })
    const acquired = worker.run('acquireSync', { name: 'semaphore' })
    controller.abort('abandoned')
    semaphore.release()
    await expect(abandoned).rejects.toBe('abandoned')
    await acquired
    expect(semaphore.availablePermits).toBe(0)
  }
})

test('a thread that blocks passes its own tasks, also when another thread waits between the two', async () => {
  const semaphore = new Semaphore(1)
  const worker = await LockWorker.withObjects({ semaphore })
  const guard = semaphore.acquireSync()
  const task = semaphore.acquire()
  const acquired = worker.run('acquireSync', { name: 'semaphore' })
  await until(() => ticketsOf(semaphore) === 2, 'both are in the line')
  guard.release()
  const mine = semaphore.acquireSync({ timeout: 1_500 })
  expect(mine.held).toBe(true)
  mine.release()
  ;(await task).release()
  await acquired
})

test('a thread that dies inside the inner lock of the semaphore stops nobody, and what it held comes back', async () => {
  const semaphore = new Semaphore(1)
  const { words, lock, heldBy } = lineUnder(semaphore)
  const worker = await LockWorker.withObjects({ semaphore })
  await worker.run('acquireSync', { name: 'semaphore' })
  const wordOfWorker = participantIn(words, heldBy(2)) << 2
  await worker.terminate()
  Atomics.store(words, lock, wordOfWorker)
  const guard = semaphore.acquireSync({ timeout: 5_000 })
  expect(semaphore.getState()).toMatchObject({ free: 0, contended: false })
  guard.release()
  expect(semaphore.availablePermits).toBe(1)
  expect(Atomics.load(words, lock)).toBe(0)
})

/** The participant in slot 2, whose generation stands before what it holds. */
function participantIn(words: Int32Array, held: number): number {
  return 2 | (Atomics.load(words, held - 1) << 8)
}

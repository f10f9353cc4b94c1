import { Mutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { hasWaiters, sharedWords, stateOf } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const FREE = 0

test.each([
  ['four threads that block', [true, true, true, true]],
  ['four threads that await', [false, false, false, false]],
  ['two threads that block and two that await', [true, false, true, false]],
])(
  '%s increment a plain word under the mutex: no increment is lost and nobody is inside with another',
  async (_, forms) => {
    const mutex = new Mutex()
    const rounds = 6_000
    const [words, gate] = [sharedWords(4), sharedWords(1)]
    const workers = await Promise.all(forms.map(() => LockWorker.withObjects({ mutex })))
    await Promise.all(
      workers.map((worker, i) =>
        worker.run('incrementUnderLock', {
          name: 'mutex',
          rounds: forms[i] ? rounds : rounds / 20,
          blocking: forms[i],
          words,
          gate,
          parties: forms.length,
        }),
      ),
    )
    const total = forms.reduce((sum, blocking) => sum + (blocking ? rounds : rounds / 20), 0)
    expect({ count: words[0], mostInside: words[2] }).toEqual({ count: total, mostInside: 1 })
    expect(stateOf(mutex)).toBe(FREE)
  },
)

test('while another thread holds the mutex, try forms fail at once and own nothing later', async () => {
  const mutex = new Mutex()
  const workers = await Promise.all([1, 2, 3].map(() => LockWorker.withObjects({ mutex })))
  const guard = mutex.acquireSync()
  for (const worker of workers) expect(await worker.run('tryAcquire', { name: 'mutex' })).toBe(false)
  guard.release()
  await turnsOfTheLoop()
  expect(stateOf(mutex)).toBe(FREE)
  expect(await workers[0]?.run('tryAcquire', { name: 'mutex' })).toBe(true)
  expect(await workers[1]?.run('tryAcquire', { name: 'mutex' })).toBe(false)
  expect(mutex.tryAcquire()).toBeUndefined()
})

test('a blocking timeout is exact from below in a thread, and the mutex is sound after it', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const guard = mutex.acquireSync()
  for (const timeout of [0, 1, 12.5, 130]) {
    const failure = worker.run('acquireSync', { name: 'mutex', options: { timeout } })
    await expect(failure).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    const waited = await failure.catch((error: { waited: number }) => error.waited)
    expect(waited).toBeGreaterThanOrEqual(timeout)
    expect(waited).toBeLessThan(timeout + 1_000)
  }
  expect(guard.held).toBe(true)
  guard.release()
  await worker.run('acquireSync', { name: 'mutex', options: { timeout: 0 } })
  await worker.run('release', { name: 'mutex' })
  expect(stateOf(mutex)).toBe(FREE)
})

test('a blocking timeout is exact from below on the main thread while another thread holds the mutex', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  await worker.run('acquireSync', { name: 'mutex' })
  for (const timeout of [0, 1, 12.5, 130]) {
    const begun = performance.now()
    expect(thrownBy(() => mutex.acquireSync({ timeout }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const waited = performance.now() - begun
    expect(waited).toBeGreaterThanOrEqual(timeout)
    expect(waited).toBeLessThan(timeout + 1_000)
  }
  await worker.run('release', { name: 'mutex' })
  mutex.acquireSync({ timeout: 0 }).release()
})

test('the main thread blocks until a thread lets go', async () => {
  const mutex = new Mutex()
  const holder = await LockWorker.withObjects({ mutex })
  await holder.run('acquireSync', { name: 'mutex' })
  // The message reaches the thread although this one blocks at once.
  const released = holder.run('release', { name: 'mutex' })
  const guard = mutex.acquireSync()
  expect(guard.held).toBe(true)
  await released
  guard.release()
  expect(stateOf(mutex)).toBe(FREE)
})

test('a thread that blocks gets the mutex that the main thread took by await', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const guard = await mutex.acquire()
  const acquired = worker.run('acquireSync', { name: 'mutex' })
  await until(() => hasWaiters(mutex), 'the worker waits')
  expect(mutex.tryAcquire()).toBeUndefined()
  guard.release()
  await acquired
  expect(mutex.tryAcquire()).toBeUndefined()
  await worker.run('release', { name: 'mutex' })
  expect(stateOf(mutex)).toBe(FREE)
})

test('the main thread gets by await the mutex that a thread took by blocking', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  await worker.run('acquireSync', { name: 'mutex' })
  const waiting = mutex.acquire()
  await turnsOfTheLoop()
  await worker.run('release', { name: 'mutex' })
  const guard = await waiting
  expect(await worker.run('tryAcquire', { name: 'mutex' })).toBe(false)
  guard.release()
  expect(stateOf(mutex)).toBe(FREE)
})

test('a thread is told ERR_ALREADY_OWNED for a lock that reached it in two messages', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ first: mutex, second: mutex })
  await worker.run('acquireSync', { name: 'first' })
  await expect(worker.run('acquireSync', { name: 'second', options: { timeout: 1 } })).rejects.toMatchObject({
    code: 'ERR_ALREADY_OWNED',
  })
  // Another thread has to wait, as ever.
  expect(thrownBy(() => mutex.acquireSync({ timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  await worker.run('release', { name: 'first' })
  expect(stateOf(mutex)).toBe(FREE)
})

test('a mutex that comes back from another thread is still known as held here', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const back = Mutex.fromHandle((await worker.run('toHandle', { name: 'mutex' })) as ReturnType<Mutex['toHandle']>)
  const guard = mutex.acquireSync()
  expect(thrownBy(() => back.acquireSync({ timeout: 1 }))).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
  guard.release()
})

test('a thread that ends while it holds the mutex leaves it to the next one, who is told', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  await worker.run('acquireSync', { name: 'mutex' })
  await worker.terminate()
  const guard = await mutex.acquire({ timeout: 1_000 })
  expect({ held: guard.held, ownerDied: guard.ownerDied }).toEqual({ held: true, ownerDied: true })
  expect(mutex.tryAcquire()).toBeUndefined()
})

test('a guard that one thread has released already does not release what another one holds', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  await worker.run('acquireSync', { name: 'mutex' })
  await worker.run('release', { name: 'mutex' })
  const guard = mutex.acquireSync()
  const held = stateOf(mutex)
  await worker.run('release', { name: 'mutex' })
  expect(stateOf(mutex)).toBe(held)
  expect(await worker.run('tryAcquire', { name: 'mutex' })).toBe(false)
  guard.release()
})

test('a thread that ends while it waits for the mutex takes nothing with it', async () => {
  for (const form of ['acquireSync', 'acquire']) {
    const mutex = new Mutex()
    const [doomed, other] = await Promise.all([LockWorker.withObjects({ mutex }), LockWorker.withObjects({ mutex })])
    const guard = mutex.acquireSync()
    void doomed.run(form, { name: 'mutex' })
    await until(() => hasWaiters(mutex), 'the first worker waits')
    const acquired = other.run('acquireSync', { name: 'mutex' })
    await doomed.terminate()
    guard.release()
    await acquired
    await other.run('release', { name: 'mutex' })
    mutex.acquireSync({ timeout: 5_000 }).release()
    expect(stateOf(mutex)).toBe(FREE)
  }
})

test('a thread that takes the mutex again and again leaves others their turns', async () => {
  const mutex = new Mutex()
  const done = sharedWords(1)
  const hog = await LockWorker.withObjects({ mutex })
  const hogging = hog.run('hog', { name: 'mutex', holdMs: 0.1, done })
  await until(() => stateOf(mutex) !== FREE, 'the hog is at work')
  const begun = performance.now()
  for (let turn = 0; turn < 5; turn++) {
    mutex.acquireSync().release()
    ;(await mutex.acquire()).release()
  }
  expect(performance.now() - begun).toBeLessThan(5_000)
  Atomics.store(done, 0, 1)
  expect(await hogging).toBeGreaterThan(0)
})

import { Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, ticketsOf } from './support/event-worker.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

describe('a thread that ends with permits', () => {
  test.each<[string, (semaphore: Semaphore) => unknown]>([
    ['blocks', (semaphore) => semaphore.acquireSync(3, { timeout: 1_000 })],
    ['awaits', (semaphore) => semaphore.acquire(3, { timeout: 1_000 })],
    ['tries', (semaphore) => until(() => semaphore.tryAcquire(3) !== undefined, 'the permits are back')],
  ])('gives them to one who %s, and leaves the permits of others', async (_, take) => {
    const semaphore = new Semaphore(10, { maxPermits: 10 })
    const mine = semaphore.acquireSync(2)
    const [doomed, other] = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    await doomed.call('semaphore', 'acquireSync', 2)
    await doomed.call('semaphore', 'acquire', 1)
    await other.call('semaphore', 'acquireSync', 5)
    expect(semaphore.availablePermits).toBe(0)
    await doomed.terminate()
    await take(semaphore)
    expect(semaphore.availablePermits).toBe(0)
    expect(thrownBy(() => semaphore.acquireSync({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    await other.run('guard', { name: 'semaphore', method: 'release' })
    expect(semaphore.availablePermits).toBe(5)
    mine.release()
    expect(semaphore.availablePermits).toBe(7)
  })

  test.each(['exit', 'crash'])('gives them back also if it ends by itself: %s', async (how) => {
    const semaphore = new Semaphore(2)
    const doomed = await EventWorker.with({ semaphore })
    await doomed.call('semaphore', 'acquireSync', 2)
    const pending = semaphore.acquire(2, { timeout: 5_000 })
    doomed.forget()
    void doomed.run(how)
    expect((await pending).permits).toBe(2)
    await doomed.exited
  })

  test('gives back what it had not given back by itself', async () => {
    const semaphore = new Semaphore(6, { maxPermits: 6 })
    const doomed = await EventWorker.with({ semaphore })
    for (const permits of [1, 2, 3]) await doomed.call('semaphore', 'acquireSync', permits)
    await doomed.run('guard', { name: 'semaphore', method: 'release', which: 1 })
    expect(semaphore.availablePermits).toBe(2)
    await doomed.terminate()
    semaphore.acquireSync(6, { timeout: 1_000 }).release()
    expect(semaphore.availablePermits).toBe(6)
  })

  test('does not give back what it has disowned: that waits for somebody’s release', async () => {
    const semaphore = new Semaphore(6, { maxPermits: 6 })
    const doomed = await EventWorker.with({ semaphore })
    for (const permits of [1, 2, 3]) await doomed.call('semaphore', 'acquireSync', permits)
    await doomed.run('guard', { name: 'semaphore', method: 'detach', which: 2 })
    await doomed.run('guard', { name: 'semaphore', method: 'release', which: 2 })
    await doomed.terminate()
    const guard = semaphore.acquireSync(3, { timeout: 1_000 })
    expect(thrownBy(() => semaphore.acquireSync({ timeout: 60 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    semaphore.release(3)
    guard.release()
    expect(semaphore.availablePermits).toBe(6)
    expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  })

  test('gives them back once, also when a new thread comes in its place', async () => {
    const semaphore = new Semaphore(4, { maxPermits: 4 })
    for (let life = 0; life < 3; life++) {
      const doomed = await EventWorker.with({ semaphore })
      await doomed.call('semaphore', 'acquireSync', 3, { timeout: 1_000 })
      await doomed.terminate()
    }
    const heir = await EventWorker.with({ semaphore })
    expect(await heir.call('semaphore', 'acquireSync', 4, { timeout: 1_000 })).toMatchObject({ held: true })
    expect(semaphore.availablePermits).toBe(0)
    await heir.run('guard', { name: 'semaphore', method: 'release' })
    expect(semaphore.availablePermits).toBe(4)
    expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  })

  test('never makes more permits free than maxPermits', async () => {
    const semaphore = new Semaphore(1, { maxPermits: 1 })
    const doomed = await EventWorker.with({ semaphore })
    await doomed.call('semaphore', 'acquireSync')
    semaphore.release() // for the worker's, which its own guard could not give back any more
    await doomed.terminate()
    // A release looks after the dead. They are noticed within this time.
    for (const end = performance.now() + 60; performance.now() < end; )
      expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect(semaphore.availablePermits).toBe(1)
  })

  test('is told from one that is only slow, whose permits stay its own', async () => {
    const semaphore = new Semaphore(1)
    const words = sharedWords(2)
    const slow = await EventWorker.with({ semaphore })
    await slow.call('semaphore', 'acquireSync')
    const still = slow.run('standStill', { words })
    await until(() => Atomics.load(words, 1) === 1, 'it stands still')
    expect(thrownBy(() => semaphore.acquireSync({ timeout: 160 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    Atomics.store(words, 0, 1)
    Atomics.notify(words, 0)
    await still
    await slow.run('guard', { name: 'semaphore', method: 'release' })
    expect(semaphore.availablePermits).toBe(1)
  })
})

describe('a thread that ends while it waits', () => {
  test.each(['acquireSync', 'acquire'])('leaves the line to those behind it: %s', async (form) => {
    const semaphore = new Semaphore(1)
    const [doomed, other] = [await EventWorker.with({ semaphore }), await EventWorker.with({ semaphore })]
    void doomed.call('semaphore', form, 5)
    await until(() => ticketsOf(semaphore) === 1, 'the doomed one waits')
    const behind = other.call('semaphore', 'acquireSync', 1)
    await until(() => ticketsOf(semaphore) === 2, 'the other one waits')
    await doomed.terminate()
    expect(await behind).toMatchObject({ held: true })
    expect(semaphore.availablePermits).toBe(0)
    semaphore.release()
    await until(() => semaphore.tryAcquire() !== undefined, 'nobody is in line any more')
  })

  test('leaves no place in line to the thread that comes after it', async () => {
    const [semaphore, other] = [new Semaphore(1), new Semaphore(1)]
    const doomed = await EventWorker.with({ semaphore, other })
    await doomed.call('other', 'acquireSync')
    void doomed.call('semaphore', 'acquireSync', 5)
    await until(() => ticketsOf(semaphore) === 1, 'the doomed one waits')
    await doomed.terminate()
    other.acquireSync({ timeout: 1_000 }) // its death is known now, and nobody has looked at its place in line
    const heir = await EventWorker.with({ semaphore })
    await heir.call('semaphore', 'tryAcquire', 5)
    semaphore.acquireSync({ timeout: 1_000 }).release()
    expect(semaphore.getState().free).toBe(1)
  })

  test('takes nothing with it when permits came for it just then', async () => {
    for (let round = 0; round < 5; round++) {
      const semaphore = new Semaphore(0, { maxPermits: 1 })
      const doomed = await EventWorker.with({ semaphore })
      void doomed.call('semaphore', 'acquireSync')
      await until(() => ticketsOf(semaphore) === 1, 'the doomed one waits')
      const ended = doomed.terminate()
      semaphore.release()
      await ended
      semaphore.acquireSync({ timeout: 2_000 }).release()
      expect(semaphore.availablePermits).toBe(1)
    }
  })
})

test('threads that are terminated at any instant leave no permit behind and none too many', async () => {
  const bound = 5
  const semaphore = new Semaphore(bound, { maxPermits: bound })
  const words = sharedWords(2)
  const steady = await EventWorker.with({ semaphore })
  const churning = steady.run('churn', { name: 'semaphore', blocking: true, weights: [2, 1, 3], words })
  for (let round = 0; round < 5; round++) {
    const doomed = await EventWorker.with({ semaphore })
    const blocking = round % 3 !== 0
    void doomed.run('churn', { name: 'semaphore', blocking, weights: [3, 1, 5, 2, 4], words })
    const before = Atomics.load(words, 1)
    await until(() => Atomics.load(words, 1) > before + ((round * 37) % 200), 'it is busy')
    await doomed.terminate()
  }
  Atomics.store(words, 0, 1)
  await churning
  semaphore.acquireSync(bound, { timeout: 2_000 }).release()
  expect(semaphore.availablePermits).toBe(bound)
  expect(thrownBy(() => semaphore.release())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  // Nobody who died is in line any more.
  expect(semaphore.tryAcquire(bound)?.held).toBe(true)
})

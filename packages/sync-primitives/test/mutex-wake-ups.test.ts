import { Mutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { hasWaiters, sharedWords, stateOf, wordsUnder } from './support/shared-words.js'
import { turnsOfTheLoop, until } from './support/until.js'

const FREE = 0
/** A wait looks again after this many milliseconds even if no wake-up came. */
const sliceMs = 50

test('an async waiter that gave up does not swallow the wake-up of a thread that blocks', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const waits: number[] = []
  for (let round = 0; round < 7; round++) {
    const guard = mutex.acquireSync()
    const controller = new AbortController()
    const abandoned = mutex.acquire({ signal: controller.signal }) // the first sleeper on the word
    clearWaiters(mutex)
    const acquired = worker.run('acquireSync', { name: 'mutex' }) // the second one
    await until(() => hasWaiters(mutex), 'the worker waits')
    controller.abort('abandoned')
    await expect(abandoned).rejects.toBe('abandoned')
    const begun = performance.now()
    guard.release()
    await acquired
    waits.push(performance.now() - begun)
    await worker.run('release', { name: 'mutex' })
  }
  // A wake-up that is swallowed costs its receiver the rest of a slice, every time.
  expect(median(waits)).toBeLessThan(sliceMs / 2)
})

test('an async waiter that gave up passes on the wake-up that reaches it in the place of a thread that blocks', async () => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const waits: number[] = []
  for (let round = 0; round < 7; round++) {
    const guard = mutex.acquireSync()
    const acquired = worker.run('acquireSync', { name: 'mutex' }) // the first sleeper on the word
    await until(() => hasWaiters(mutex), 'the worker waits')
    await turnsOfTheLoop()
    const controller = new AbortController()
    const abandoned = mutex.acquire({ signal: controller.signal }) // the second one
    clearWaiters(mutex)
    controller.abort('abandoned') // wakes the first, which looks, and goes to sleep behind the second
    await expect(abandoned).rejects.toBe('abandoned')
    await until(() => hasWaiters(mutex), 'the worker waits again')
    await turnsOfTheLoop()
    const begun = performance.now()
    guard.release()
    await acquired
    waits.push(performance.now() - begun)
    await worker.run('release', { name: 'mutex' })
  }
  expect(median(waits)).toBeLessThan(sliceMs / 2)
})

test.each([
  ['blocking', 'acquireSync', {}],
  ['blocking with a timeout', 'acquireSync', { timeout: 60_000 }],
  ['awaiting', 'acquire', {}],
])('a thread whose wake-up was lost looks again by itself: %s', async (_, form, options) => {
  const mutex = new Mutex()
  const worker = await LockWorker.withObjects({ mutex })
  const guard = mutex.acquireSync()
  const acquired = worker.run(form, { name: 'mutex', options })
  await until(() => hasWaiters(mutex), 'the worker waits')
  clearWaiters(mutex)
  guard.release() // sees nobody, and wakes nobody
  await acquired
  await worker.run('release', { name: 'mutex' })
  expect(stateOf(mutex)).toBe(FREE)
})

test('a release reaches both of two sleeping threads, one after the other', async () => {
  const mutex = new Mutex()
  const [first, second] = await Promise.all([LockWorker.withObjects({ mutex }), LockWorker.withObjects({ mutex })])
  const waits: number[] = []
  for (let round = 0; round < 7; round++) {
    const guard = mutex.acquireSync()
    const passed = [first.run('pass', { name: 'mutex' })]
    await until(() => hasWaiters(mutex), 'the first worker waits')
    clearWaiters(mutex)
    passed.push(second.run('pass', { name: 'mutex' }))
    await until(() => hasWaiters(mutex), 'the second worker waits')
    await turnsOfTheLoop()
    const begun = performance.now()
    guard.release()
    await Promise.all(passed)
    waits.push(performance.now() - begun)
  }
  // The first one to wake cannot see the other: it has to wake it all the same.
  expect(median(waits)).toBeLessThan(sliceMs / 2)
})

test.each([
  ['block', true, true],
  ['await', false, false],
  ['block and await', true, false],
])('two threads that %s hand the mutex to each other 120 times without losing a wake-up', async (_, one, other) => {
  const mutex = new Mutex()
  const done = sharedWords(1)
  const rounds = 60
  const workers = await Promise.all([LockWorker.withObjects({ mutex }), LockWorker.withObjects({ mutex })])
  const begun = performance.now()
  await Promise.all(
    [one, other].map((blocking, i) => workers[i]?.run('handOver', { name: 'mutex', rounds, blocking, done })),
  )
  // Each one holds until the other waits: if wake-ups were lost, each turn would cost a slice.
  expect(performance.now() - begun).toBeLessThan((rounds * sliceMs) / 2)
  expect(stateOf(mutex)).toBe(FREE)
})

/** As if the last sleeper had gone: the next one to come sets the mark again, which shows that it came. */
function clearWaiters(mutex: Mutex): void {
  const { words, state } = wordsUnder(mutex)
  Atomics.and(words, state, ~1)
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

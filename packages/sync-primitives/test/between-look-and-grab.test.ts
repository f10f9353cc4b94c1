import { Mutex, Semaphore, ThreadSafeCounter } from '@heddle/sync-primitives'
import { afterEach, expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { lineUnder, stateOf, wordsUnder } from './support/shared-words.js'
import { turnsOfTheLoop, until } from './support/until.js'

// What happens when another thread changes a word after this thread has looked at it and before it acts on what it saw.
// Threads that race hit that moment by chance; here it is hit each time.

const realLoad: (words: Int32Array, index: number) => number = Atomics.load

afterEach(() => {
  Reflect.set(Atomics, 'load', realLoad)
})

/** The next look at the word that sees `value` is stale when it returns: `change` came in between. */
function afterTheLook(words: Int32Array, index: number, value: number, change: () => void): () => boolean {
  let over = false
  Reflect.set(Atomics, 'load', (looked: Int32Array, at: number) => {
    const seen = realLoad(looked, at)
    if (!over && looked.buffer === words.buffer && at === index && seen === value) {
      over = true
      change()
    }
    return seen
  })
  return () => over
}

/** What is in the state word while another thread, which lives, holds the mutex. */
async function wordOfAnotherThread(mutex: Mutex): Promise<number> {
  const worker = await LockWorker.withObjects({ mutex })
  await worker.run('acquireSync', { name: 'mutex' })
  const word = stateOf(mutex)
  await worker.run('release', { name: 'mutex' })
  return word
}

/** The slot of another thread, which lives and has used the semaphore, and what is in the inner lock while it holds that. */
async function anotherThreadIn(semaphore: Semaphore): Promise<{ held: number; locked: number }> {
  const worker = await LockWorker.withObjects({ semaphore })
  const { words, heldBy } = lineUnder(semaphore)
  semaphore.release()
  await worker.run('acquireSync', { name: 'semaphore' })
  const slot = Array.from({ length: 127 }, (_, i) => i + 1).find((each) => Atomics.load(words, heldBy(each)) === 1) ?? 0
  await worker.run('release', { name: 'semaphore' })
  semaphore.acquireSync().detach()
  const participant = slot | (Atomics.load(words, heldBy(slot) - 1) << 8)
  return { held: heldBy(slot), locked: participant << 2 }
}

test('a mutex that another thread grabs first stays its own, and the waiter gets it next', async () => {
  const mutex = new Mutex()
  const { words, state } = wordsUnder(mutex)
  const otherOwner = await wordOfAnotherThread(mutex)
  const guard = mutex.acquireSync()
  let acquired = false
  const waiting = mutex.acquire().finally(() => {
    acquired = true
  })
  const grabbed = afterTheLook(words, state, 0, () => Atomics.store(words, state, otherOwner))
  guard.release()
  await until(grabbed, 'the other thread has grabbed it')
  await turnsOfTheLoop()
  expect({ acquired, word: stateOf(mutex) }).toEqual({ acquired: false, word: otherOwner | 1 })
  Atomics.store(words, state, 0)
  Atomics.notify(words, state, 1)
  ;(await waiting).release()
  expect(stateOf(mutex)).toBe(0)
})

test('a mutex that its holder releases before the waiter has marked its wait is taken, not slept on', async () => {
  const mutex = new Mutex()
  const { words, state } = wordsUnder(mutex)
  const otherOwner = await wordOfAnotherThread(mutex)
  Atomics.store(words, state, otherOwner)
  const released = afterTheLook(words, state, otherOwner, () => Atomics.store(words, state, 0))
  const guard = await mutex.acquire({ timeout: 0 })
  expect(released()).toBe(true)
  guard.release()
  expect(stateOf(mutex)).toBe(0)
})

test('the mutex of a dead owner that another thread takes over first is not taken over twice', async () => {
  const mutex = new Mutex()
  const { words, state } = wordsUnder(mutex)
  const otherOwner = await wordOfAnotherThread(mutex)
  // The slot of this thread, in a generation that is over.
  const dead = (1 | (1_000 << 8)) << 2
  Atomics.store(words, state, dead)
  const takenOver = afterTheLook(words, state, dead, () => Atomics.store(words, state, otherOwner | 2))
  expect(mutex.tryAcquire()).toBeUndefined()
  expect(takenOver()).toBe(true)
  expect(stateOf(mutex)).toBe(otherOwner | 2)
})

test('a permit that another thread grabs first is not taken twice, and the waiter gets the next one', async () => {
  const semaphore = new Semaphore(0)
  const { words, lock } = lineUnder(semaphore)
  const { held } = await anotherThreadIn(semaphore)
  let acquired = false
  const waiting = semaphore.acquire().finally(() => {
    acquired = true
  })
  semaphore.release()
  // The waiter is woken, and looks: the other thread has been inside by then.
  const grabbed = afterTheLook(words, lock, 0, () => Atomics.store(words, held, 1))
  await until(grabbed, 'the other thread has grabbed it')
  await turnsOfTheLoop()
  expect({ acquired, free: semaphore.availablePermits }).toEqual({ acquired: false, free: 0 })
  semaphore.release()
  expect((await waiting).held).toBe(true)
  expect(semaphore.availablePermits).toBe(0)
})

test('tryAcquire takes no permit that another thread, which is inside the semaphore, takes first', async () => {
  const semaphore = new Semaphore(0)
  const { words, lock } = lineUnder(semaphore)
  const { held, locked } = await anotherThreadIn(semaphore)
  semaphore.release()
  Atomics.store(words, lock, locked)
  const grabbed = afterTheLook(words, lock, locked, () => {
    Atomics.store(words, held, 1)
    Atomics.store(words, lock, 0)
  })
  expect(semaphore.tryAcquire()).toBeUndefined()
  expect(grabbed()).toBe(true)
  expect(semaphore.availablePermits).toBe(0)
})

test('a release of permits keeps those that another thread, which is inside the semaphore, adds in between', async () => {
  const semaphore = new Semaphore(0)
  const { words, lock, total } = lineUnder(semaphore)
  const { locked } = await anotherThreadIn(semaphore)
  semaphore.release()
  Atomics.store(words, lock, locked)
  const added = afterTheLook(words, lock, locked, () => {
    Atomics.add(words, total, 3)
    Atomics.store(words, lock, 0)
  })
  semaphore.release(2)
  expect(added()).toBe(true)
  expect(semaphore.availablePermits).toBe(6)
})

test('an increment keeps what another thread added in between', () => {
  const counter = new ThreadSafeCounter(10)
  const { words, state } = wordsUnder(counter)
  afterTheLook(words, state, 10, () => Atomics.add(words, state, 5))
  expect(counter.increment(2)).toBe(17)
  expect(counter.getValue()).toBe(17)
})

import { Mutex, Semaphore, type SharedObjectHandle, ThreadSafeCounter } from '@heddle/sync-primitives'
import { afterEach, expect, test } from '@jest/globals'
import { stateOf, wordsUnder } from './support/shared-words.js'
import { turnsOfTheLoop, until } from './support/until.js'

// What happens when another thread changes a word after this thread has looked at it and before it acts on what it saw.
// Threads that race hit that moment by chance; here it is hit each time.

const realLoad: (words: Int32Array, index: number) => number = Atomics.load

afterEach(() => {
  Reflect.set(Atomics, 'load', realLoad)
})

/** The next look at the object's word that sees `value` is stale when it returns: `change` came in between. */
function afterTheLook(object: { toHandle(): SharedObjectHandle }, value: number, change: () => void): () => boolean {
  const { words, state } = wordsUnder(object)
  let over = false
  Reflect.set(Atomics, 'load', (looked: Int32Array, index: number) => {
    const seen = realLoad(looked, index)
    if (!over && looked.buffer === words.buffer && index === state && seen === value) {
      over = true
      change()
    }
    return seen
  })
  return () => over
}

/** The state word while a thread that does not exist holds a mutex. */
const otherOwner = 4_242 << 1

test('a mutex that another thread grabs first stays its own, and the waiter gets it next', async () => {
  const mutex = new Mutex()
  const { words, state } = wordsUnder(mutex)
  const guard = mutex.acquireSync()
  let acquired = false
  const waiting = mutex.acquire().finally(() => {
    acquired = true
  })
  const grabbed = afterTheLook(mutex, 0, () => Atomics.store(words, state, otherOwner))
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
  Atomics.store(words, state, otherOwner)
  afterTheLook(mutex, otherOwner, () => Atomics.store(words, state, 0))
  const guard = await mutex.acquire({ timeout: 0 })
  guard.release()
  expect(stateOf(mutex)).toBe(0)
})

test('a permit that another thread grabs first is not taken twice, and the waiter gets the next one', async () => {
  const semaphore = new Semaphore(0)
  const { words, state } = wordsUnder(semaphore)
  let acquired = false
  const waiting = semaphore.acquire().finally(() => {
    acquired = true
  })
  const grabbed = afterTheLook(semaphore, 1 << 1, () => Atomics.store(words, state, 0))
  semaphore.release()
  await until(grabbed, 'the other thread has grabbed it')
  await turnsOfTheLoop()
  expect({ acquired, free: semaphore.availablePermits }).toEqual({ acquired: false, free: 0 })
  semaphore.release()
  expect((await waiting).held).toBe(true)
  expect(semaphore.availablePermits).toBe(0)
})

test('tryAcquire takes no permit that another thread grabs first', () => {
  const semaphore = new Semaphore(1)
  const { words, state } = wordsUnder(semaphore)
  afterTheLook(semaphore, 1 << 1, () => Atomics.store(words, state, 0))
  expect(semaphore.tryAcquire()).toBeUndefined()
  expect(semaphore.availablePermits).toBe(0)
})

test('a release of permits keeps those that another thread released in between', () => {
  const semaphore = new Semaphore(1)
  const { words, state } = wordsUnder(semaphore)
  afterTheLook(semaphore, 1 << 1, () => Atomics.add(words, state, 3 << 1))
  semaphore.release(2)
  expect(semaphore.availablePermits).toBe(6)
})

test('an increment keeps what another thread added in between', () => {
  const counter = new ThreadSafeCounter(10)
  const { words, state } = wordsUnder(counter)
  afterTheLook(counter, 10, () => Atomics.add(words, state, 5))
  expect(counter.increment(2)).toBe(17)
  expect(counter.getValue()).toBe(17)
})

// The objects whose histories are recorded: how one is made, and which session and model are its own; and how many operations
// of each thread make a history, where that is not 80: threads hardly meet in a few short ones.
import {
  AutoResetEvent,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  Semaphore,
  ThreadSafeCounter,
  ThreadSafeCounter64,
} from '@heddle/sync-primitives'
import { chosenFrom } from './random.mjs'

/** Begins where the counter can leave its range, now and then. */
const counterStarts = [0, 0, 2 ** 31 - 4, -(2 ** 31) + 3]
const bigStarts = [0n, 2n ** 32n - 2n, 2n ** 63n - 4n, -(2n ** 63n) + 3n]

export const objects = {
  Mutex: { session: 'mutex', model: 'mutex', make: (memory) => [new Mutex({ memory })] },
  'fair Mutex': {
    session: 'mutex',
    model: 'fairMutex',
    make: (memory) => [new Mutex({ memory, fair: true }), 1],
  },
  Semaphore: {
    session: 'semaphore',
    model: 'semaphore',
    make: (memory, random) => {
      const permits = random(5)
      return [new Semaphore(permits, { maxPermits: 4, memory }), permits]
    },
  },
  ReadWriteLock: {
    session: 'readWriteLock',
    model: 'readWriteLock',
    make: (memory) => [new ReadWriteLock({ memory })],
  },
  AutoResetEvent: {
    session: 'autoResetEvent',
    model: 'autoResetEvent',
    make: (memory) => [new AutoResetEvent(false, { memory })],
  },
  ManualResetEvent: {
    session: 'manualResetEvent',
    model: 'manualResetEvent',
    make: (memory) => [new ManualResetEvent(false, { memory })],
  },
  Latch: {
    session: 'latch',
    model: 'latch',
    make: (memory, random) => {
      const count = 60 + random(100)
      return [new Latch(count, { memory }), count]
    },
  },
  ThreadSafeCounter: {
    session: 'counter',
    model: 'counter',
    length: 200,
    make: (memory, random) => {
      const value = chosenFrom(counterStarts, random)
      return [new ThreadSafeCounter(value, { memory }), value]
    },
  },
  ThreadSafeCounter64: {
    session: 'counter64',
    model: 'counter64',
    length: 200,
    make: (memory, random) => {
      const value = chosenFrom(bigStarts, random)
      return [new ThreadSafeCounter64(value, { memory }), value]
    },
  },
}

/** Wrong on purpose: what they do with a load and a store should be one step. They show that a defect is found. */
const racyWords = () => ({ toHandle: () => ({ words: new Int32Array(new SharedArrayBuffer(8)) }) })

export const racyObjects = {
  'racy counter': { session: 'counter', model: 'counter', racy: 'counter', make: () => [racyWords(), 0] },
  'racy mutex': { session: 'mutex', model: 'mutex', racy: 'mutex', make: () => [racyWords()] },
  'racy event': {
    session: 'autoResetEvent',
    model: 'autoResetEvent',
    racy: 'event',
    make: () => [racyWords()],
  },
}

/** Long enough that two threads meet in it. */
const lose = (words) => Atomics.wait(words, 1, 0, 0.02)

const openRacy = {
  counter: ({ words }) => {
    const change = (make) => {
      const before = Atomics.load(words, 0)
      lose(words)
      const after = make(before)
      Atomics.store(words, 0, after)
      return [before, after]
    }
    return {
      increment: (amount) => change((value) => value + amount)[1],
      decrement: (amount) => change((value) => value - amount)[1],
      getValue: () => Atomics.load(words, 0),
      reset: () => change(() => 0)[0],
      compareAndSet: (expected, value) => change((seen) => (seen === expected ? value : seen))[0] === expected,
    }
  },
  mutex: ({ words }) => {
    const take = () => {
      if (Atomics.load(words, 0) !== 0) return undefined
      lose(words)
      Atomics.store(words, 0, 1)
      return { release: () => void Atomics.store(words, 0, 0) }
    }
    return { tryAcquire: take, acquireSync: take, getState: () => ({ held: Atomics.load(words, 0) !== 0 }) }
  },
  event: ({ words }) => {
    const take = () => {
      const isSet = Atomics.load(words, 0) !== 0
      lose(words)
      if (isSet) Atomics.store(words, 0, 0)
      return isSet
    }
    return {
      set: () => void Atomics.store(words, 0, 1),
      reset: take,
      tryWait: take,
      waitSync: take,
      get isSet() {
        return Atomics.load(words, 0) !== 0
      },
    }
  },
}

const classes = {
  AutoResetEvent,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  Semaphore,
  ThreadSafeCounter,
  ThreadSafeCounter64,
}

/** The object in another thread. */
export function openObject({ racy }, handle) {
  if (racy) return openRacy[racy](handle)
  return classes[handle.kind.split('/')[1]].fromHandle(handle)
}

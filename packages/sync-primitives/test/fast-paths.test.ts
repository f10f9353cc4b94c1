import { Mutex, ReadWriteLock, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, jest, test } from '@jest/globals'
import { acquireMutex, releaseMutex } from '../build/algorithms/mutex.js'
import { acquirePermits, BLOCKING_LANE, releasePermits } from '../build/algorithms/permit-line.js'
import { acquireRead, acquireWrite, releaseRead, releaseWrite } from '../build/algorithms/read-write-lock.js'
import { wordsUnder } from './support/shared-words.js'

/** What a step of a generator does to the words, or what the fast path does instead: only what changes them counts. */
interface Change {
  readonly index: number
  readonly before: number
  readonly after: number
}

type Steps = Generator<
  { readonly op: string; readonly index?: number; readonly value?: number; readonly expected?: number },
  unknown,
  number
>

/** The changes that the generator makes, one step after the other, when nobody comes between. */
function changesOf(words: Int32Array, steps: Steps): Change[] {
  const changes: Change[] = []
  let next = steps.next()
  while (!next.done) {
    const { op, index = 0, value = 0, expected = 0 } = next.value
    if (op === 'wait') throw new Error('it waits')
    const before = words[index] ?? 0
    let after = before
    if (op === 'store' || op === 'exchange') after = value
    else if (op === 'add') after = (before + value) | 0
    else if (op === 'compareExchange' && before === expected) after = value
    if (after !== before) changes.push({ index, before, after })
    words[index] = after
    next = steps.next(op === 'store' || op === 'isDead' || op === 'checkpoint' || op === 'notify' ? 0 : before)
  }
  return changes
}

/** The changes of the words, one after the other, while `call` runs; plain writes show when the next atomic step comes. */
function changesDuring(words: Int32Array, call: () => unknown): Change[] {
  const changes: Change[] = []
  let known = words.slice()
  const look = () => {
    words.forEach((after, index) => {
      const before = known[index] ?? 0
      if (after !== before) changes.push({ index, before, after })
    })
    known = words.slice()
  }
  for (const op of ['compareExchange', 'store', 'exchange', 'add', 'sub', 'or', 'and'] as const) {
    const real = Atomics[op] as (...args: unknown[]) => unknown
    jest.spyOn(Atomics, op).mockImplementation(((...args: unknown[]) => {
      look()
      const found = real(...args)
      look()
      return found
    }) as never)
  }
  try {
    call()
  } finally {
    jest.restoreAllMocks()
  }
  look()
  return changes
}

/** The memory as it is, for the generator; the class works on the memory itself. */
function twinOf(object: Parameters<typeof wordsUnder>[0]) {
  const { words, state } = wordsUnder(object)
  // Slot 1, generation 1: the one thread that has joined this memory.
  return { words, twin: new Int32Array(words.slice()), index: state, participant: 257 }
}

const highest = 16

describe('the fast path makes the same changes in the same order as the algorithm', () => {
  test('of a mutex', () => {
    const mutex = new Mutex()
    const { words, twin, index, participant } = twinOf(mutex)
    const guards: { release(): void }[] = []
    const acquired = changesDuring(words, () => guards.push(mutex.acquireSync()))
    expect(acquired).toHaveLength(1)
    expect(acquired).toEqual(changesOf(twin, acquireMutex(index, participant) as Steps))
    const released = changesDuring(words, () => guards[0]?.release())
    expect(released).toHaveLength(1)
    expect(released).toEqual(changesOf(twin, releaseMutex(index, participant) as Steps))
  })

  test.each([1, 3])('of a semaphore, for %i permits', (permits) => {
    const semaphore = new Semaphore(4)
    // The first use makes the thread's record its own, which no fast path does.
    semaphore.acquireSync().release()
    const { words, twin, index, participant } = twinOf(semaphore)
    const line = { index, highest }
    const guards: { release(): void }[] = []
    const acquired = changesDuring(words, () => guards.push(semaphore.acquireSync(permits)))
    expect(acquired).toHaveLength(3) // the inner lock, the record, the inner lock
    expect(acquired).toEqual(changesOf(twin, acquirePermits(line, participant, permits, BLOCKING_LANE) as Steps))
    const released = changesDuring(words, () => guards[0]?.release())
    expect(released).toHaveLength(3)
    expect(released).toEqual(changesOf(twin, releasePermits(line, participant, permits) as Steps))
  })

  test('of a reader, before and after it has looked for a writer', () => {
    const lock = new ReadWriteLock()
    for (const length of [2, 1]) {
      const { words, twin, index, participant } = twinOf(lock)
      const guards: { release(): void }[] = []
      const entered = changesDuring(words, () => guards.push(lock.acquireReadSync()))
      expect(entered).toHaveLength(length)
      expect(entered).toEqual(changesOf(twin, acquireRead({ index, highest }, participant, true) as Steps))
      const left = changesDuring(words, () => guards[0]?.release())
      expect(left).toHaveLength(1)
      expect(left).toEqual(changesOf(twin, releaseRead({ index, highest }, participant) as Steps))
    }
  })

  test('of a writer, whether readers have been there or not', () => {
    const lock = new ReadWriteLock()
    for (const readBefore of [false, true]) {
      if (readBefore) lock.acquireReadSync().release()
      const { words, twin, index, participant } = twinOf(lock)
      const guards: { release(): void }[] = []
      const entered = changesDuring(words, () => guards.push(lock.acquireWriteSync()))
      expect(entered.length).toBe(readBefore ? 4 : 3) // gate, writer, the reader's mark where it is not set, entered
      expect(entered).toEqual(changesOf(twin, acquireWrite({ index, highest }, participant) as Steps))
      const left = changesDuring(words, () => guards[0]?.release())
      expect(left).toHaveLength(2)
      expect(left).toEqual(changesOf(twin, releaseWrite({ index, highest }, participant) as Steps))
    }
  })
})

import { ThreadMemory, ThreadSafeCounter, ThreadSafeCounter64 } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker } from './support/event-worker.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

describe('counting', () => {
  test('it begins at 0 or at the value given, and each step gives the new value', () => {
    const counter = new ThreadSafeCounter64()
    expect(counter.getValue()).toBe(0n)
    expect([counter.increment(), counter.increment(5n), counter.increment(-2n), counter.increment(0n)]).toEqual([
      1n,
      6n,
      4n,
      4n,
    ])
    expect([counter.decrement(), counter.decrement(10n), counter.decrement(-1n), counter.decrement(0n)]).toEqual([
      3n,
      -7n,
      -6n,
      -6n,
    ])
    for (const value of [least, -1n, 2n ** 32n, most]) expect(new ThreadSafeCounter64(value).getValue()).toBe(value)
  })

  test('it carries from the lower half into the upper one, and borrows back', () => {
    const counter = new ThreadSafeCounter64(2n ** 32n - 1n)
    expect(counter.increment()).toBe(2n ** 32n)
    expect(counter.decrement()).toBe(2n ** 32n - 1n)
    expect(counter.decrement(2n ** 33n)).toBe(-(2n ** 32n) - 1n)
    expect(counter.increment(2n ** 33n)).toBe(2n ** 32n - 1n)
  })

  test('reset gives the value before and leaves 0', () => {
    const counter = new ThreadSafeCounter64(least)
    expect([counter.reset(), counter.reset(), counter.getValue()]).toEqual([least, 0n, 0n])
  })

  test('compareAndSet sets the value if it is the expected one, in all its bits', () => {
    const counter = new ThreadSafeCounter64(2n ** 40n + 3n)
    for (const expected of [3n, 2n ** 40n, 2n ** 41n + 3n, -(2n ** 40n) - 3n])
      expect(counter.compareAndSet(expected, 9n)).toBe(false)
    expect(counter.getValue()).toBe(2n ** 40n + 3n)
    expect(counter.compareAndSet(2n ** 40n + 3n, least)).toBe(true)
    expect(counter.compareAndSet(least, most)).toBe(true)
    expect(counter.compareAndSet(-1n, 0n)).toBe(false)
    expect(counter.getValue()).toBe(most)
  })

  test('counters beside each other, of both sizes, do not touch each other', () => {
    const memory = ThreadMemory.create({ bytes: 64 * 1024, participants: 3 })
    const counters = Array.from({ length: 100 }, (_, i) => new ThreadSafeCounter64(BigInt(i), { memory }))
    const small = counters.map((_, i) => new ThreadSafeCounter(i, { memory }))
    for (const counter of counters) counter.increment(2n ** 50n)
    for (const counter of small) counter.decrement(1_000)
    expect(counters.map((counter) => counter.getValue())).toEqual(counters.map((_, i) => BigInt(i) + 2n ** 50n))
    expect(small.map((counter) => counter.getValue())).toEqual(small.map((_, i) => i - 1_000))
  })
})

describe('the edge of 64 bits', () => {
  test.each<[string, bigint, (counter: ThreadSafeCounter64) => bigint]>([
    ['1 more than the most', most, (counter) => counter.increment()],
    ['1 less than the least', least, (counter) => counter.decrement()],
    ['a large step up', 1n, (counter) => counter.increment(most)],
    ['a large step down', -2n, (counter) => counter.decrement(most)],
    ['down by the least', 0n, (counter) => counter.decrement(least)],
    ['a step of the whole range', 0n, (counter) => counter.increment(2n ** 64n)],
    ['a step of the whole range down', 0n, (counter) => counter.decrement(2n ** 64n)],
    ['a step of a thousand bits', 0n, (counter) => counter.increment(2n ** 1_000n)],
  ])('%s is ERR_OUT_OF_RANGE and changes nothing', (_, value, step) => {
    const counter = new ThreadSafeCounter64(value)
    expect(thrownBy(() => step(counter))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(counter.getValue()).toBe(value)
  })

  test('the edges themselves are reached, also in one step from one to the other', () => {
    const counter = new ThreadSafeCounter64(most - 1n)
    expect(counter.increment()).toBe(most)
    expect(counter.decrement(2n ** 64n - 1n)).toBe(least)
    expect(counter.increment(2n ** 64n - 1n)).toBe(most)
    expect(new ThreadSafeCounter64(-1n).decrement(least)).toBe(most)
  })
})

describe('misuse', () => {
  test.each([[1], ['1'], [null], [true], [{}], [Symbol('one')], [1.5]])('%p is no bigint: ERR_INVALID_ARG', (value) => {
    const counter = new ThreadSafeCounter64(7n)
    const bad = value as unknown as bigint
    for (const call of [
      () => new ThreadSafeCounter64(bad),
      () => counter.increment(bad),
      () => counter.decrement(bad),
      () => counter.compareAndSet(bad, 1n),
      () => counter.compareAndSet(7n, bad),
    ])
      expect(thrownBy(call)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    expect(counter.getValue()).toBe(7n)
  })

  test('bigints of more than 64 bits are ERR_OUT_OF_RANGE, and do not count as what they would wrap to', () => {
    const counter = new ThreadSafeCounter64(1n)
    for (const value of [most + 1n, least - 1n, 2n ** 64n + 1n]) {
      for (const call of [
        () => new ThreadSafeCounter64(value),
        () => counter.compareAndSet(value, 5n),
        () => counter.compareAndSet(1n, value),
      ])
        expect(thrownBy(call)).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    }
    expect(counter.getValue()).toBe(1n)
  })

  test('the handle of the other counter is refused, both ways', () => {
    const badHandle = { name: 'TypeError', code: 'ERR_BAD_HANDLE' }
    const [small, large] = [new ThreadSafeCounter(), new ThreadSafeCounter64()]
    expect(thrownBy(() => ThreadSafeCounter64.fromHandle(small.toHandle()))).toMatchObject(badHandle)
    expect(thrownBy(() => ThreadSafeCounter.fromHandle(large.toHandle()))).toMatchObject(badHandle)
    const lie = { ...small.toHandle(), kind: large.toHandle().kind, version: large.toHandle().version }
    expect(thrownBy(() => ThreadSafeCounter64.fromHandle(lie))).toMatchObject(badHandle)
    const beside = { ...large.toHandle(), index: large.toHandle().index + 1 }
    expect(thrownBy(() => ThreadSafeCounter64.fromHandle(beside))).toMatchObject(badHandle)
  })
})

describe('between threads', () => {
  test('increments of four threads: the sum is exact, and every result was given once', async () => {
    const parties = 4
    const rounds = 20_000
    const counter = new ThreadSafeCounter64()
    const [marks, gate] = [sharedWords(parties * rounds + 1), sharedWords(1)]
    const workers = await Promise.all(Array.from({ length: parties }, () => EventWorker.with({ counter })))
    await Promise.all(
      workers.map((worker) => worker.run('incrementAndMark', { name: 'counter', rounds, marks, gate, parties })),
    )
    expect(counter.getValue()).toBe(BigInt(parties * rounds))
    expect(marks[0]).toBe(0)
    expect(marks.subarray(1).every((mark) => mark === 1)).toBe(true)
  })

  test('compareAndSet loses no update, also where both halves change', async () => {
    const parties = 3
    const rounds = 10_000
    const amount = 2n ** 32n + 1n
    const counter = new ThreadSafeCounter64()
    const gate = sharedWords(1)
    const workers = await Promise.all(Array.from({ length: parties }, () => EventWorker.with({ counter })))
    await Promise.all(
      workers.map((worker) => worker.run('addByCompareAndSet', { name: 'counter', rounds, amount, gate, parties })),
    )
    expect(counter.getValue()).toBe(BigInt(parties * rounds) * amount)
  })

  test('a value that flips between two patterns is never read as a mix of their halves', async () => {
    const values = [0x5555_5555_5555_5555n, -0x5555_5555_5555_5556n] as const
    const counter = new ThreadSafeCounter64(values[0])
    const words = sharedWords(2)
    const worker = await EventWorker.with({ counter })
    const flips = worker.run('flip', { name: 'counter', values, words })
    await until(() => Atomics.load(words, 1) === 1, 'it flips')
    const seen = new Map<bigint, number>()
    for (const end = performance.now() + 300; performance.now() < end; )
      for (let look = 0; look < 1_000; look++) {
        const value = counter.getValue()
        seen.set(value, (seen.get(value) ?? 0) + 1)
      }
    Atomics.store(words, 0, 1)
    expect(await flips).toBeGreaterThan(1_000)
    expect(new Set(seen.keys())).toEqual(new Set(values))
  })

  test('what one thread sets another one reads, by any method', async () => {
    const counter = new ThreadSafeCounter64(2n ** 60n)
    const worker = await EventWorker.with({ counter })
    expect(await worker.call('counter', 'getValue')).toBe(2n ** 60n)
    expect(await worker.call('counter', 'decrement', 2n ** 61n)).toBe(-(2n ** 60n))
    expect(counter.compareAndSet(-(2n ** 60n), most)).toBe(true)
    await expect(worker.call('counter', 'increment')).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await worker.call('counter', 'reset')).toBe(most)
    expect(counter.getValue()).toBe(0n)
  })
})

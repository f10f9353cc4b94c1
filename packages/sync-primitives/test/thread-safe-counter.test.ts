import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { sharedWords } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

const least = -(2 ** 31)
const most = 2 ** 31 - 1

describe('counting', () => {
  test('it begins at 0 or at the value given, and each step gives the new value', () => {
    const counter = new ThreadSafeCounter()
    expect(counter.getValue()).toBe(0)
    expect([counter.increment(), counter.increment(5), counter.increment(-2)]).toEqual([1, 6, 4])
    expect([counter.decrement(), counter.decrement(10), counter.decrement(-1)]).toEqual([3, -7, -6])
    expect([counter.increment(0), counter.decrement(0), counter.increment(-0)]).toEqual([-6, -6, -6])
    expect(counter.getValue()).toBe(-6)
    for (const value of [least, -1, 7, most]) expect(new ThreadSafeCounter(value).getValue()).toBe(value)
  })

  test('an argument of the wrong kind is named so that it can be told from a number', () => {
    const refused = (value: unknown) => thrownBy(() => new ThreadSafeCounter(value as number)) as TypeError
    expect(refused('1').message).toBe('initialValue must be a number, not "1"')
    expect(refused('1'.repeat(1_000)).message).toBe('initialValue must be a number, not a long string')
    expect(refused(1n).message).toBe('initialValue must be a number, not the bigint 1')
    expect(refused(Symbol('one')).message).toBe('initialValue must be a number, not Symbol(one)')
  })

  test('reset gives the value before and leaves 0', () => {
    const counter = new ThreadSafeCounter(41)
    expect(counter.increment()).toBe(42)
    expect(counter.reset()).toBe(42)
    expect(counter.reset()).toBe(0)
    expect(counter.getValue()).toBe(0)
  })

  test('compareAndSet sets the value if it is the expected one, and says so', () => {
    const counter = new ThreadSafeCounter(3)
    expect(counter.compareAndSet(3, 8)).toBe(true)
    expect(counter.getValue()).toBe(8)
    expect(counter.compareAndSet(3, 9)).toBe(false)
    expect(counter.getValue()).toBe(8)
    expect(counter.compareAndSet(8, 8)).toBe(true)
    expect(counter.compareAndSet(8, least)).toBe(true)
    expect(counter.compareAndSet(least, most)).toBe(true)
    expect(counter.getValue()).toBe(most)
  })

  test('counters are independent, also when there are thousands', () => {
    const counters = Array.from({ length: 3_000 }, (_, i) => new ThreadSafeCounter(i))
    for (const counter of counters) counter.increment(10_000)
    expect(counters.map((counter) => counter.getValue())).toEqual(counters.map((_, i) => i + 10_000))
  })
})

describe('the edge of 32 bits', () => {
  test.each<[string, number, (counter: ThreadSafeCounter) => number]>([
    ['1 more than the most', most, (counter) => counter.increment()],
    ['1 less than the least', least, (counter) => counter.decrement()],
    ['a large step up', 1, (counter) => counter.increment(most)],
    ['a large step down', -2, (counter) => counter.decrement(most)],
    ['a step of the whole range', 0, (counter) => counter.increment(2 ** 32)],
    ['a step of the whole range down', 0, (counter) => counter.decrement(2 ** 32)],
  ])('%s is ERR_OUT_OF_RANGE and changes nothing', (_, value, step) => {
    const counter = new ThreadSafeCounter(value)
    expect(thrownBy(() => step(counter))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(counter.getValue()).toBe(value)
  })

  test('the edges themselves are reached', () => {
    const counter = new ThreadSafeCounter(most - 1)
    expect(counter.increment()).toBe(most)
    expect(counter.decrement(2 ** 32 - 1)).toBe(least)
    expect(counter.increment(2 ** 32 - 1)).toBe(most)
  })
})

describe('misuse', () => {
  const amounts: [string, unknown, string, string][] = [
    ['a fraction', 0.5, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['NaN', Number.NaN, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['Infinity', Number.POSITIVE_INFINITY, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['-Infinity', Number.NEGATIVE_INFINITY, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['text', '1', 'TypeError', 'ERR_INVALID_ARG'],
    ['a bigint', 1n, 'TypeError', 'ERR_INVALID_ARG'],
    ['null', null, 'TypeError', 'ERR_INVALID_ARG'],
    ['true', true, 'TypeError', 'ERR_INVALID_ARG'],
    ['an object', {}, 'TypeError', 'ERR_INVALID_ARG'],
    ['a symbol', Symbol('one'), 'TypeError', 'ERR_INVALID_ARG'],
  ]

  test.each(amounts)('%s is refused everywhere and changes nothing', (_, value, name, code) => {
    const counter = new ThreadSafeCounter(5)
    const amount = value as number
    for (const call of [
      () => counter.increment(amount),
      () => counter.decrement(amount),
      () => counter.compareAndSet(5, amount),
      () => counter.compareAndSet(amount, 5),
      () => new ThreadSafeCounter(amount),
    ])
      expect(thrownBy(call)).toMatchObject({ name, code })
    expect(counter.getValue()).toBe(5)
  })

  test.each([most + 1, least - 1])('%p does not fit: it is refused, not wrapped', (value) => {
    const counter = new ThreadSafeCounter(0)
    for (const call of [
      () => counter.compareAndSet(0, value),
      () => counter.compareAndSet(value, 0),
      () => new ThreadSafeCounter(value),
    ])
      expect(thrownBy(call)).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(counter.getValue()).toBe(0)
  })
})

describe('threads', () => {
  test('four threads increment 20,000 times each: the sum is exact and every result was given once', async () => {
    const counter = new ThreadSafeCounter()
    const [parties, rounds] = [4, 20_000]
    const [marks, gate] = [sharedWords(parties * rounds + 1), sharedWords(1)]
    const workers = await Promise.all(Array.from({ length: parties }, () => LockWorker.withObjects({ counter })))
    await Promise.all(
      workers.map((worker) => worker.run('incrementCounter', { name: 'counter', rounds, marks, gate, parties })),
    )
    expect(counter.getValue()).toBe(parties * rounds)
    expect(marks[0]).toBe(0)
    expect(marks.subarray(1).every((mark) => mark === 1)).toBe(true)
  })

  test('threads that add by compareAndSet lose no addition', async () => {
    const counter = new ThreadSafeCounter(-10_000)
    const gate = sharedWords(1)
    const workers = await Promise.all([1, 2].map(() => LockWorker.withObjects({ counter })))
    await Promise.all(
      workers.map((worker) => worker.run('addByCompareAndSet', { name: 'counter', rounds: 5_000, gate, parties: 2 })),
    )
    expect(counter.getValue()).toBe(0)
  })

  test('no thread gets past the edge: of many increments exactly the room that was left succeeds', async () => {
    const counter = new ThreadSafeCounter(most - 1_000)
    const gate = sharedWords(1)
    const workers = await Promise.all([1, 2].map(() => LockWorker.withObjects({ counter })))
    const succeeded = await Promise.all(
      workers.map((worker) => worker.run('incrementToTheEdge', { name: 'counter', rounds: 1_500, gate, parties: 2 })),
    )
    expect(succeeded.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(1_000)
    expect(counter.getValue()).toBe(most)
  })
})

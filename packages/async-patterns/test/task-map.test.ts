import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

/** Counts what is pulled from it and notes that it was closed. */
class Input<Item> {
  pulled = 0
  closed = 0
  readonly #itemAt: (index: number) => Item | undefined

  constructor(itemAt: (index: number) => Item | undefined) {
    this.#itemAt = itemAt
  }

  /** Ends at the first undefined item. */
  *[Symbol.iterator](): Generator<Item, void, void> {
    try {
      for (;;) {
        const item = this.#itemAt(this.pulled)
        if (item === undefined) return
        this.pulled += 1
        yield item
      }
    } finally {
      this.closed += 1
    }
  }

  async *later(): AsyncGenerator<Item, void, void> {
    for (const item of this) {
      await drain()
      yield item
    }
  }
}

const naturals = () => new Input((index) => index + 1)
const upTo = (most: number) => new Input((index) => (index < most ? index + 1 : undefined))
const square = async (n: number) => n ** 2
const squares = (most: number) => Array.from({ length: most }, (_, index) => (index + 1) ** 2)

async function collect<Item>(results: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const result of results) all.push(result)
  return all
}

describe('results', () => {
  test('come in the order of the items, whichever is done first', async () => {
    const held = new HeldTasks()
    const results = managerWith().map((name: string, context) => held.task(name)(context), ['slow', 'b', 'c'])
    const first = results.next()
    await drain()
    held.end('c', 'b')
    await drain()
    held.end('slow')
    expect([(await first).value, ...(await collect(results))]).toEqual(['slow', 'b', 'c'])
  })

  test('with ordered: false come as they are done', async () => {
    const held = new HeldTasks()
    const task = (name: string, context: Parameters<ReturnType<HeldTasks['task']>>[0]) => held.task(name)(context)
    const results = managerWith().map(task, ['slow', 'b', 'c'], { ordered: false })
    const all = collect(results)
    for (const name of ['c', 'b', 'slow']) {
      await drain()
      held.end(name)
    }
    expect(await all).toEqual(['c', 'b', 'slow'])
  })

  test('a hundred items, sync or async input and task, any concurrency, ordered or not: all results', async () => {
    const expected = squares(100)
    for (const maxConcurrent of [1, 4, Number.POSITIVE_INFINITY])
      for (const concurrency of [1, 3, 1_000, Number.POSITIVE_INFINITY])
        for (const task of [square, (n: number) => n ** 2]) {
          const manager = managerWith({ maxConcurrent })
          expect(await collect(manager.map(task, upTo(100), { concurrency }))).toEqual(expected)
          expect(await collect(manager.map(task, upTo(100).later(), { concurrency }))).toEqual(expected)
          expect(await manager.map(task, upTo(100), { concurrency }).toArray()).toEqual(expected)
          expect(await manager.map(task, upTo(100).later(), { concurrency }).toArray()).toEqual(expected)
          const unordered = await manager.map(task, upTo(100), { concurrency, ordered: false }).toArray()
          expect(unordered.sort((a, b) => a - b)).toEqual(expected)
          expect(manager.stats()).toMatchObject({ running: 0, succeeded: 500 })
        }
  })

  test('an empty input gives nothing', async () => {
    const manager = managerWith()
    for (const input of [[], upTo(0), upTo(0).later()]) {
      expect(await manager.map(square, input).next()).toEqual({ done: true, value: undefined })
      expect(await manager.map(square, []).toArray()).toEqual([])
    }
  })

  test('toArray after some next() gives the rest; afterwards there is nothing more', async () => {
    const results = managerWith().map(square, upTo(10), { concurrency: 4 })
    const [first, second] = [results.next(), results.next()]
    const [rest, again, next] = [results.toArray(), results.toArray(), results.next()]
    expect([(await first).value, (await second).value]).toEqual([1, 4])
    expect(await rest).toEqual(squares(10).slice(2))
    expect(await Promise.all([again, results.toArray()])).toEqual([[], []])
    expect([await next, await results.next()]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  test('next() can be called many times at once: each gets its own result, and those behind the end are told', async () => {
    for (const input of [upTo(20), upTo(20).later()]) {
      const results = managerWith().map(square, input, { concurrency: 2 })
      const all = await Promise.all(Array.from({ length: 25 }, () => results.next()))
      expect(all.map(({ value }) => value).slice(0, 20)).toEqual(squares(20))
      expect(all.map(({ done }) => done).slice(20)).toEqual([true, true, true, true, true])
    }
  })
})

describe('laziness', () => {
  test.each(['sync', 'async'])('an endless %s input is pulled only as far as results are asked for', async (kind) => {
    const input = naturals()
    const results = managerWith().map(square, kind === 'sync' ? input : input.later(), { concurrency: 3 })
    await drain()
    expect(input.pulled).toBe(0)
    for (let taken = 1; taken <= 20; taken++) {
      expect(await results.next()).toEqual({ done: false, value: taken ** 2 })
      expect(input.pulled).toBeLessThanOrEqual(taken - 1 + 3)
    }
    for (let turn = 0; turn < 10; turn++) await drain()
    expect(input.pulled).toBeLessThanOrEqual(22)
    await results.return()
    expect(input.closed).toBe(1)
  })

  test('of sync tasks no more is run either', async () => {
    const input = naturals()
    const results = managerWith().map((n: number) => n, input, { concurrency: 4 })
    for (let taken = 1; taken <= 5; taken++) {
      expect(await results.next()).toEqual({ done: false, value: taken })
      await drain()
      expect(input.pulled).toBe(taken + 3)
    }
    await results.return()
  })

  test('concurrency is never exceeded, and reached', async () => {
    const held = new HeldTasks()
    const manager = managerWith({ maxConcurrent: 5 })
    const results = manager.map((name: string, context) => held.task(name)(context), 'abcdef', { concurrency: 2 })
    const all = results.toArray()
    for (const [at, name] of Array.from('abcdef').entries()) {
      await drain()
      expect(held.begun).toHaveLength(Math.min(6, at + 2))
      expect(manager.stats().running).toBe(Math.min(2, 6 - at))
      held.end(name)
    }
    expect((await all).join('')).toBe('abcdef')
  })

  test('of an async input one item is asked for at a time, and waiting for it takes no place', async () => {
    const manager = managerWith({ maxConcurrent: 1 })
    let asked = 0
    let give: (item: IteratorResult<number>) => void = () => undefined
    const input = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked += 1
          return new Promise<IteratorResult<number>>((resolve) => {
            give = resolve
          })
        },
      }),
    }
    const results = manager.map(square, input, { concurrency: 5 })
    const [first, second] = [observe(results.next()), observe(results.next())]
    await drain()
    expect([asked, manager.stats().running]).toEqual([1, 0])
    expect(await manager.run(() => 'in between')).toBe('in between')
    give({ done: false, value: 3 })
    await drain()
    expect([asked, first.value, second.state]).toEqual([2, { done: false, value: 9 }, 'pending'])
    give({ done: true, value: undefined })
    await drain()
    expect(second.value).toEqual({ done: true, value: undefined })
  })
})

describe('errors', () => {
  test.each([
    ['throws', (n: number) => (n === 3 ? fail() : n)],
    ['rejects', async (n: number) => (n === 3 ? fail() : n)],
  ])('a task that %s for the third item: the error comes after two results, and ends the map', async (_, task) => {
    const input = naturals()
    const manager = managerWith()
    const results = manager.map(task, input, { concurrency: 4 })
    expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 2])
    expect(await rejectionOf(results.next())).toMatchObject({ name: 'RangeError', message: 'three' })
    expect(await results.next()).toEqual({ done: true, value: undefined })
    expect(input.closed).toBe(1)
    expect(await rejectionOf(manager.map(task, [3, 1]).toArray())).toMatchObject({ message: 'three' })
    await manager.onIdle()
  })

  function fail(): never {
    throw new RangeError('three')
  }

  test('an error waits for the results of the items before it, and nothing more is begun', async () => {
    const held = new HeldTasks()
    const input = new Input((index) => `item ${index}`)
    const results = managerWith().map((name: string, context) => held.task(name)(context), input, { concurrency: 3 })
    const [first, second, third] = [observe(results.next()), observe(results.next()), observe(results.next())]
    await drain()
    held.fail('item 1', 'mine')
    await drain()
    expect([first.state, second.state, held.begun.length]).toEqual(['pending', 'pending', 3])
    expect(held.signal('item 2').aborted).toBe(false)
    held.end('item 0')
    await drain()
    expect([first.value, second.reason, third.value]).toEqual([
      { done: false, value: 'item 0' },
      'mine',
      { done: true, value: undefined },
    ])
    expect([held.signal('item 2').reason, held.begun.length, input.closed]).toEqual(['mine', 3, 1])
  })

  // X19
  test('an input that throws, at first or midway, rejects in its place, twice in a row', async () => {
    const manager = managerWith()
    for (const failsAt of [0, 0, 3, 3])
      for (const kind of ['sync', 'async']) {
        const problem = new Error(`no item ${failsAt}`)
        const input = new Input((index) => {
          if (index === failsAt) throw problem
          return index
        })
        const results = manager.map(square, kind === 'sync' ? input : input.later(), { concurrency: 8 })
        for (let index = 0; index < failsAt; index++) expect((await results.next()).value).toBe(index ** 2)
        expect(await rejectionOf(results.next())).toBe(problem)
        expect((await results.next()).done).toBe(true)
      }
    expect(await manager.run(() => 3)).toBe(3)
  })

  const broken = (next: () => unknown) => ({ [Symbol.asyncIterator]: () => ({ next }) }) as AsyncIterable<number>
  const badValue = {
    done: false,
    get value(): number {
      throw new Error('of the getter')
    },
  }

  test.each([
    ['that resolves with no result', broken(async () => undefined), 'TypeError'],
    ['that gives no result', broken(() => undefined), 'TypeError'],
    ['whose `value` throws, later', broken(async () => badValue), 'Error'],
    ['whose `value` throws', broken(() => badValue), 'Error'],
  ])('an input %s fails the map and leaves the manager whole', async (_, input, name) => {
    const manager = managerWith({ maxConcurrent: 1 })
    expect(await rejectionOf(manager.map(square, input).next())).toMatchObject({ name })
    expect(await rejectionOf(manager.map(square, input).toArray())).toMatchObject({ name })
    expect(await manager.run(() => 3)).toBe(3)
    expect(manager.stats().running).toBe(0)
  })
})

import { getEventListeners } from 'node:events'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, turnsOfTheLoop, until } from '../support/observe.js'
import type { Kit } from './kit.js'
import type { Step } from './task-functions.mjs'

/** Counts what is pulled from it and notes that it was closed. */
class Input<Item> {
  pulled = 0
  closed = false
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
      this.closed = true
    }
  }

  async *later(): AsyncGenerator<Item, void, void> {
    for (const item of this) {
      await turnsOfTheLoop(1)
      yield item
    }
  }
}

const naturals = () => new Input((index) => index + 1)

async function collect<Item>(results: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const result of results) all.push(result)
  return all
}

export function mapping({ createPool, sharedPool, tasks }: Kit): void {
  test('results come in the order of the items, typed, whichever is done first', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const items: Step[] = ['slow', 'b', 'c', 'd'].map((label) => ({ dir: gate.dir, label, waits: label === 'slow' }))
    const results: AsyncIterableIterator<string> = pool.map(tasks.step, items)
    const first = results.next()
    await gate.begun('d')
    gate.open()
    expect([(await first).value, ...(await collect(results))]).toEqual(['slow', 'b', 'c', 'd'])
  })

  test('a hundred items, sync or async input, any concurrency: all results, in order', async () => {
    const pool = sharedPool(2)
    const expected = Array.from({ length: 100 }, (_, index) => (index + 1) ** 2)
    const hundred = () => new Input((index) => (index < 100 ? index + 1 : undefined))
    for (const concurrency of [1, 3, 1_000]) {
      expect(await collect(pool.map(tasks.square, hundred(), { concurrency }))).toEqual(expected)
      expect(await collect(pool.map(tasks.square, hundred().later(), { concurrency }))).toEqual(expected)
    }
  })

  test('an empty input gives nothing', async () => {
    const pool = sharedPool(1)
    expect(await collect(pool.map(tasks.square, []))).toEqual([])
    expect(await collect(pool.map(tasks.square, new Input<number>(() => undefined).later()))).toEqual([])
  })

  test.each(['sync', 'async'])('an endless %s input is pulled only as far as results are asked for', async (kind) => {
    const pool = sharedPool(2)
    const input = naturals()
    const results = pool.map(tasks.square, kind === 'sync' ? input : input.later(), { concurrency: 3 })
    await turnsOfTheLoop()
    expect(input.pulled).toBe(0)
    for (let taken = 1; taken <= 20; taken++) {
      expect(await results.next()).toEqual({ done: false, value: taken ** 2 })
      expect(input.pulled).toBeLessThanOrEqual(taken - 1 + 3)
    }
    await turnsOfTheLoop()
    expect(input.pulled).toBeLessThanOrEqual(22)
    await results.return?.()
    expect(input.closed).toBe(true)
  })

  test('twice maxWorkers items are under way by default', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const items = (index: number) => (index < 6 ? { dir: gate.dir, label: String(index), waits: true } : undefined)
    const input = new Input<Step>(items)
    const results = pool.map(tasks.step, input)
    const first = results.next()
    await gate.begun('0', '1')
    await turnsOfTheLoop()
    expect(input.pulled).toBe(4)
    gate.open()
    expect([(await first).value, ...(await collect(results))]).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  test('concurrency is never exceeded', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const input = new Input<Step>((index) => (index < 8 ? { dir: gate.dir, label: String(index) } : undefined))
    const results = pool.map(tasks.step, input, { concurrency: 1 })
    for (let taken = 1; taken <= 8; taken++) {
      await results.next()
      await turnsOfTheLoop()
      expect(gate.log()).toHaveLength(taken)
    }
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  test('leaving early closes the input and takes back what has not begun; what runs ends by itself', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const input = new Input<Step>((index) => ({ dir: gate.dir, label: String(index), waits: index === 1 }))
    for await (const result of pool.map(tasks.step, input, { concurrency: 4 })) {
      expect(result).toBe('0')
      await gate.begun('1')
      break
    }
    expect(input.closed).toBe(true)
    gate.open()
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['0', '1', 'next'])
  })

  test('an error in the third item comes after two results, and ends the map', async () => {
    const pool = sharedPool(2)
    const input = naturals()
    const results = pool.map(tasks.failOnThree, input, { concurrency: 4 })
    expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 2])
    expect(await rejectionOf(results.next())).toBeInstanceOf(RangeError)
    expect(await results.next()).toEqual({ done: true, value: undefined })
    expect(input.closed).toBe(true)
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('a crash in one item comes in its place', async () => {
    const pool = sharedPool(1)
    const results = pool.map(tasks.exit, [6, 6])
    expect((await rejectionOf(results.next())).exitCode).toBe(6)
    expect(await collect(results)).toEqual([])
  })

  test('an input that throws, at first or midway, rejects in its place, twice in a row', async () => {
    const pool = sharedPool(2)
    for (const failsAt of [0, 0, 3, 3])
      for (const kind of ['sync', 'async']) {
        const problem = new Error(`no item ${failsAt}`)
        const input = new Input((index) => {
          if (index === failsAt) throw problem
          return index
        })
        const results = pool.map(tasks.square, kind === 'sync' ? input : input.later(), { concurrency: 8 })
        for (let index = 0; index < failsAt; index++) expect((await results.next()).value).toBe(index ** 2)
        expect(await rejectionOf(results.next())).toBe(problem)
        expect((await results.next()).done).toBe(true)
      }
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('an item that cannot be cloned rejects in its place, and the input is closed', async () => {
    const pool = sharedPool(1)
    for (const kind of ['sync', 'async']) {
      const input = new Input<unknown>((index) => (index === 1 ? () => {} : index))
      const results = pool.map(tasks.echo, kind === 'sync' ? input : input.later())
      expect((await results.next()).value).toBe(0)
      expect(await rejectionOf(results.next())).toMatchObject({ code: 'ERR_NOT_CLONEABLE', path: '[0]' })
      // An async one may be asked for its next item just then, and is closed when it comes back.
      await until(() => input.closed, 'the end of the input')
      expect(input.closed).toBe(true)
    }
  })

  /** Gives its items, then nothing until it is told to go on. */
  function slowInput(...items: number[]) {
    let goOn = () => {}
    const state = { closed: false, goOn: () => goOn(), input: generate() }
    async function* generate() {
      try {
        yield* items
        await new Promise<void>((resolve) => {
          goOn = resolve
        })
        yield 10
      } finally {
        state.closed = true
      }
    }
    return state
  }

  test('a slow input does not hold back the results of the items that it has given', async () => {
    const pool = sharedPool(2)
    const slow = slowInput(1, 2)
    const results = pool.map(tasks.square, slow.input, { concurrency: 4 })
    expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 4])
    slow.goOn()
    expect(await collect(results)).toEqual([100])
  })

  test('a slow input does not hold back an error either, and is closed when it comes back', async () => {
    const pool = sharedPool(2)
    const slow = slowInput(3)
    const results = pool.map(tasks.failOnThree, slow.input, { concurrency: 4 })
    expect((await rejectionOf(results.next())).message).toBe('three')
    slow.goOn()
    await until(() => slow.closed, 'the close of the input')
    expect((await results.next()).done).toBe(true)
  })

  test('what a slow input gives after the map was left is not run', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    let goOn = () => {}
    async function* input(): AsyncGenerator<Step> {
      yield { dir: gate.dir, label: 'first' }
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      yield { dir: gate.dir, label: 'too late' }
    }
    for await (const result of pool.map(tasks.step, input())) {
      expect(result).toBe('first')
      break
    }
    goOn()
    await turnsOfTheLoop()
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['first', 'next'])
  })

  test('timeout and signal hold for each item; an abort rejects with the reason, and leaves no listener', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    // The first start and the import of a task module are part of no claim here.
    await pool.run(tasks.add, [0, 0])
    const input = new Input<Step>((index) => ({ dir: gate.dir, label: String(index), waits: index > 0 }))
    const limited = pool.map(tasks.step, input, { timeout: 300, concurrency: 2 })
    expect((await limited.next()).value).toBe('0')
    expect((await rejectionOf(limited.next())).code).toBe('ERR_TIMEOUT')

    const controller = new AbortController()
    const { signal } = controller
    const aborted = pool.map(tasks.step, [{ dir: gate.dir, label: 'held', waits: true }], { signal })
    const first = rejectionOf(aborted.next())
    await gate.begun('held')
    controller.abort('enough')
    expect(await first).toBe('enough')
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('a map whose pool is drained on the way gives what was accepted, then ERR_CLOSED', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const input = naturals()
    const results = pool.map(tasks.square, input, { concurrency: 2 })
    expect((await results.next()).value).toBe(1)
    await pool.drain()
    expect((await results.next()).value).toBe(4)
    expect((await rejectionOf(results.next())).code).toBe('ERR_CLOSED')
    expect(input.closed).toBe(true)
  })

  test('maps and single tasks share a pool', async () => {
    const pool = sharedPool(2)
    const [squares, same, sum] = await Promise.all([
      collect(pool.map(tasks.square, [1, 2, 3])),
      collect(pool.map(tasks.echo, ['a', 'b'])),
      pool.run(tasks.add, [1, 2]),
    ])
    expect([squares, same, sum]).toEqual([[1, 4, 9], ['a', 'b'], 3])
  })
}

import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MapSource } from '../build/maps/map-source.js'
import { again, numbered } from './fixtures/tasks.mjs'
import { FakeWorkers, ignore, outcomeOf, pass, settled, teach } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const numbersTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)

/** Says how often it was asked and closed. */
class Input implements IterableIterator<number> {
  pulled = 0
  closed = 0
  readonly #length: number
  readonly #error: unknown

  constructor(length: number, error?: unknown) {
    this.#length = length
    this.#error = error
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<number> {
    if (this.pulled === this.#length) {
      if (this.#error !== undefined) throw this.#error
      return { done: true, value: undefined }
    }
    this.pulled += 1
    return { done: false, value: this.pulled }
  }

  return(): IteratorResult<number> {
    this.closed += 1
    return { done: true, value: undefined }
  }
}

/** Lets all workers run what they have until nothing comes any more. */
async function work(fakes: FakeWorkers): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    await settled()
    const busy = fakes.alive.filter(({ parcels }) => parcels.length > 0)
    if (busy.length === 0) return
    for (const worker of busy) worker.answerAll()
  }
}

describe('the results of a map', () => {
  test.each(['thread', 'process'] as const)(
    'come in the order of the items, one by one or together (%s)',
    async (boundary) => {
      const fakes = new FakeWorkers(boundary, { ms: 0.1 })
      const pool = fakes.pool({ maxWorkers: 2 })
      const together = pool.map(again, numbersTo(50)).toArray()
      await work(fakes)
      expect(await together).toEqual(numbersTo(50))
      const one: number[] = []
      const reading = (async () => {
        for await (const value of pool.map(again, new Set(numbersTo(50)))) one.push(value)
      })()
      for (let round = 0; round < 40; round += 1) await work(fakes)
      await reading
      expect(one).toEqual(numbersTo(50))
      expect(pool.stats()).toMatchObject({ succeeded: 100, running: 0, queued: 0 })
    },
  )

  test('wait for their turn, or come as they are done with ordered: false', async () => {
    for (const ordered of [true, false]) {
      const fakes = new FakeWorkers('thread')
      const pool = fakes.pool({ maxWorkers: 2 })
      const results = pool.map(numbered, [1, 2], { ordered })
      const reads = [outcomeOf(results.next()), outcomeOf(results.next()), outcomeOf(results.next())]
      await settled()
      fakes.with(2).answer()
      await settled()
      expect(reads[0]).toEqual(ordered ? {} : { value: { done: false, value: 2 } })
      fakes.with(1).answer()
      await settled()
      const values = reads.map((read) => (read.value as IteratorResult<number> | undefined)?.value)
      expect(values).toEqual([...(ordered ? [1, 2] : [2, 1]), undefined])
      expect(await results.next()).toEqual({ done: true, value: undefined })
    }
  })

  test('are given one by one also when there are thousands', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.001 })
    const pool = fakes.pool({ maxWorkers: 1 })
    const results = pool.map(numbered, numbersTo(3_000), { chunkSize: 1_000 })
    let sum = 0
    let reads = 0
    const reading = (async () => {
      for await (const value of results) {
        reads += 1
        sum += value
      }
    })()
    for (let round = 0; reads < 3_000 && round < 100; round += 1) await work(fakes)
    await reading
    expect([reads, sum]).toEqual([3_000, 4_501_500])
  })

  test('are given once: who asks for all of them leaves nothing to others, and the other way round', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const results = pool.map(numbered, numbersTo(3))
    const all = results.toArray()
    expect(await results.next()).toEqual({ done: true, value: undefined })
    expect(await results.toArray()).toEqual([])
    await work(fakes)
    expect(await all).toEqual([1, 2, 3])
    const part = pool.map(numbered, numbersTo(3))
    const first = part.next()
    await work(fakes)
    await first
    const rest = part.toArray()
    await work(fakes)
    expect(await rest).toEqual([2, 3])
    const mixed = pool.map(numbered, numbersTo(3))
    const read = mixed.next()
    const others = mixed.toArray()
    await work(fakes)
    expect(await read).toEqual({ done: false, value: 1 })
    expect(await others).toEqual([2, 3])
  })

  test('of no items are none, and no worker starts', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    expect(await pool.map(numbered, []).toArray()).toEqual([])
    expect(await pool.map(numbered, new Input(0)).next()).toEqual({ done: true, value: undefined })
    expect(fakes.workers).toHaveLength(0)
  })

  test('numbers of a typed array travel packed, and a wrapped array is iterated as it says', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const packed = pool.map(numbered, Int32Array.from(numbersTo(5)), { chunkSize: 5 }).toArray()
    await settled()
    expect(ArrayBuffer.isView(fakes.at(0).of('batch')[0]?.items)).toBe(true)
    await work(fakes)
    expect(await packed).toEqual(numbersTo(5))
    const odd = Object.assign([1, 2, 3], {
      *[Symbol.iterator]() {
        yield 9
      },
    })
    const results = pool.map(numbered, odd).toArray()
    await work(fakes)
    expect(await results).toEqual([9])
  })

  test('whatever the sizes, and however the workers answer: each item once, in order', async () => {
    const runs = fc.asyncProperty(
      fc.nat(40),
      fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 12 })),
      fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      fc.boolean(),
      fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
      fc.constantFrom(0, 0.01, 1, 50),
      async (length, chunkSize, concurrency, ordered, order, ms) => {
        const fakes = new FakeWorkers('thread', { ms })
        const pool = fakes.pool({ maxWorkers: 3 })
        const input = new Input(length)
        const values: number[] = []
        const results = pool.map(numbered, input, { chunkSize, concurrency, ordered })
        const reading = (async () => {
          for await (const value of results) values.push(value)
        })()
        let most = 0
        for (let turn = 0; turn < 400 && values.length < length; turn += 1) {
          await setImmediate()
          most = Math.max(most, input.pulled - values.length)
          const busy = fakes.alive.filter(({ parcels }) => parcels.length > 0)
          const worker = busy[(order[turn % 8] ?? 0) % Math.max(1, busy.length)]
          // What has waited for long may have been taken back.
          if (worker && (worker.running !== undefined || worker.begin())) worker.answer()
          if (turn % 3 === 0) worker?.flush()
        }
        await reading
        expect(ordered ? values : values.toSorted((one, two) => one - two)).toEqual(numbersTo(length))
        expect(input.closed).toBe(0)
        // What is given while it is asked for the next one may not have been noted here yet.
        expect(most).toBeLessThanOrEqual((concurrency ?? Number.POSITIVE_INFINITY) + 1)
        await fakes.end()
      },
    )
    await fc.assert(runs, { numRuns: 60 })
  })
})

describe('what a map pulls', () => {
  test('nothing before the first ask, and nothing while nobody asks', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const input = new Input(100)
    const results = pool.map(numbered, input, { concurrency: 2, chunkSize: 1 })
    await settled()
    expect(input.pulled).toBe(0)
    const read = results.next()
    await settled()
    expect(input.pulled).toBe(2)
    await work(fakes)
    await read
    expect(input.pulled).toBeLessThanOrEqual(3)
    await settled()
    const before = input.pulled
    await work(fakes)
    expect(input.pulled).toBe(before)
    await results.return()
    expect(input.closed).toBe(1)
  })

  test.each([1, 3, 7])('never more than concurrency %i beyond what was given', async (concurrency) => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const input = new Input(20)
    const results = pool.map(numbered, input, { concurrency })
    let given = 0
    while (given < 20) {
      const read = results.next()
      await settled()
      expect(input.pulled - given).toBeLessThanOrEqual(concurrency)
      for (const worker of fakes.alive) worker.answerAll()
      await read
      given += 1
      expect(input.pulled - given).toBeLessThanOrEqual(concurrency)
    }
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  test('two chunks for each worker, if nothing else was said', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const input = new Input(1_000)
    ignore(pool.map(numbered, input, { chunkSize: 10 }).next())
    await settled()
    expect(input.pulled).toBe(40)
    expect(fakes.workers.map(({ held }) => held)).toEqual([[numbersTo(10)], [numbersTo(10, 11)]])
  })

  test('an endless async input, one item at a time, which are not kept waiting for company', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.001 })
    const pool = fakes.pool({ maxWorkers: 2 })
    await teach(fakes, pool, numbered, 0.001)
    const asked: ((result: IteratorResult<number>) => void)[] = []
    let closed = 0
    const input: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => asked.push(resolve)),
        return: async () => {
          closed += 1
          return { done: true, value: undefined }
        },
      }),
    }
    const results = pool.map(numbered, input)
    for (const item of numbersTo(5)) {
      const read = results.next()
      await settled()
      expect(asked).toHaveLength(1)
      asked.pop()?.({ done: false, value: item })
      await settled()
      for (const worker of fakes.alive) worker.answerAll()
      expect(await read).toEqual({ done: false, value: item })
    }
    // What is being asked for just then cannot be waited for.
    await results.return()
    expect(closed).toBe(1)
    for (const answer of asked) answer({ done: false, value: 99 })
    await settled()
    expect(fakes.begunArguments).not.toContain(99)
  })

  test('an async input that ends, gives nonsense, or rejects, behind all that it has given', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    async function* fine() {
      yield* numbersTo(4)
    }
    async function* failing() {
      yield 1
      throw new RangeError('the input')
    }
    const good = pool.map(numbered, fine()).toArray()
    const bad = outcomeOf(pool.map(numbered, failing()).toArray())
    await work(fakes)
    expect(await good).toEqual([1, 2, 3, 4])
    await work(fakes)
    expect(bad).toMatchObject({ error: { name: 'RangeError', message: 'the input' } })
    const nonsense = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined as never) }) }
    const none = outcomeOf(pool.map(numbered, nonsense).toArray())
    await work(fakes)
    expect(none).toMatchObject({ error: { name: 'TypeError' } })
  })
})

describe('errors of a map', () => {
  test('come in the place of the item, and then the input is closed', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const input = new Input(100)
    const results = pool.map(numbered, input)
    const reads = numbersTo(4).map(() => outcomeOf(results.next()))
    await settled()
    fakes.with(2).fail(new RangeError('two'))
    await settled()
    expect(reads).toEqual([{}, {}, {}, {}])
    fakes.with(1).answer()
    await settled()
    expect(reads).toMatchObject([
      { value: { value: 1 } },
      { error: { message: 'two' } },
      { value: { done: true } },
      { value: { done: true } },
    ])
    expect(input.closed).toBe(1)
    const pulled = input.pulled
    await work(fakes)
    expect(input.pulled).toBe(pulled)
  })

  test('without order come as soon as they are there, and all together reject at once', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const unordered = pool.map(numbered, [1, 2], { ordered: false })
    const read = rejectionOf(unordered.next())
    await settled()
    fakes.with(2).fail(new RangeError('two'))
    expect((await read).message).toBe('two')
    const together = rejectionOf(pool.map(numbered, [3, 4], { ordered: false, chunkSize: 2 }).toArray())
    await settled()
    fakes.with(3).answer()
    fakes.with(4).fail(new RangeError('four'))
    expect((await together).message).toBe('four')
  })

  test('of the input come behind all that it has given, and it is not closed again', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const input = new Input(2, new RangeError('the input'))
    const results = pool.map(numbered, input)
    const reads = numbersTo(3).map(() => outcomeOf(results.next()))
    await work(fakes)
    expect(reads).toMatchObject([{ value: { value: 1 } }, { value: { value: 2 } }, { error: { message: 'the input' } }])
    expect(input.closed).toBe(0)
  })

  test('an item that cannot be cloned fails in its place, and those before it run', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const items = [1, 2, () => undefined, 4] as number[]
    const results = pool.map(numbered, items, { chunkSize: 4 })
    const reads = numbersTo(3).map(() => outcomeOf(results.next()))
    await work(fakes)
    expect(reads).toMatchObject([
      { value: { value: 1 } },
      { value: { value: 2 } },
      { error: { code: 'ERR_NOT_CLONEABLE' } },
    ])
    const alone = rejectionOf(pool.map(numbered, items.slice(2), { timeout: 100 }).toArray())
    expect((await alone).code).toBe('ERR_NOT_CLONEABLE')
  })

  test('closing the input may fail, and whoever leaves is told', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const input = Object.assign(new Input(9), {
      return: () => {
        throw new RangeError('closing')
      },
    })
    const results = pool.map(numbered, input)
    const read = outcomeOf(results.next())
    await settled()
    expect((await rejectionOf(results.return())).message).toBe('closing')
    expect(read).toEqual({ value: { done: true, value: undefined } })
  })
})

describe('a map that ends early', () => {
  test('takes back what has not begun, lets the rest end, and closes its input once', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const input = new Input(100)
    const results = pool.map(numbered, input, { chunkSize: 4 })
    const first = outcomeOf(results.next())
    await settled()
    const worker = fakes.at(0)
    worker.answer()
    worker.begin()
    await Promise.all([results.return(), results.return()])
    expect(first).toEqual({ value: { done: true, value: undefined } })
    expect(input.closed).toBe(1)
    expect(worker.running).toBe(2)
    worker.answer()
    expect(worker.begin()).toBe(false)
    await settled()
    expect(fakes.begunArguments).toEqual([1, 2])
    expect(worker.kills).toBe(0)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, cancelled: input.pulled })
  })

  test('whoever waits for all results is told by return', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const results = pool.map(numbered, numbersTo(9))
    const all = rejectionOf(results.toArray())
    await settled()
    await results.return()
    expect((await all).name).toBe('AbortError')
    expect(await pool.map(numbered, [1]).return()).toEqual({ done: true, value: undefined })
  })

  test('by its signal: what runs is ended after abortGrace, whoever waits gets the reason, and the input is closed', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 0 })
    const controller = new AbortController()
    const input = new Input(9)
    const results = pool.map(numbered, input, { signal: controller.signal, chunkSize: 3 })
    const read = rejectionOf(results.next())
    await settled()
    fakes.begin(1)
    controller.abort('enough')
    expect(await read).toBe('enough')
    await pass(1)
    expect([fakes.at(0).kills, input.closed]).toEqual([1, 1])
    const late = pool.map(numbered, new Input(1), { signal: controller.signal })
    expect(await rejectionOf(late.next())).toBe('enough')
  })

  test('by the end of the pool: what was pulled is given, then a ClosedError', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const input = new Input(100)
    const results = pool.map(numbered, input, { chunkSize: 1, concurrency: 2 })
    const reads = numbersTo(3).map(() => outcomeOf(results.next()))
    await settled()
    const pulled = input.pulled
    const drained = pool.drain()
    await work(fakes)
    await drained
    expect(reads).toMatchObject([{ value: { value: 1 } }, { value: { value: 2 } }, { error: { code: 'ERR_CLOSED' } }])
    expect([input.pulled, input.closed]).toEqual([pulled, 1])
  })

  test('bad arguments are told at once', () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const bad = (call: () => unknown, code: string) => expect(call).toThrow(expect.objectContaining({ code }))
    bad(() => pool.map(numbered, 7 as never), 'ERR_INVALID_ARG')
    bad(() => pool.map(numbered, null as never), 'ERR_INVALID_ARG')
    bad(() => pool.map(numbered, [], { ordered: 1 as never }), 'ERR_INVALID_ARG')
    bad(() => pool.map(numbered, [], { chunkSize: 0 }), 'ERR_OUT_OF_RANGE')
    bad(() => pool.map(numbered, [], { concurrency: 0.5 }), 'ERR_OUT_OF_RANGE')
    bad(() => pool.map(numbered, [], { timeout: 1, chunkSize: 2 }), 'ERR_INVALID_ARG')
    bad(() => pool.map(7 as never, []), 'ERR_INVALID_ARG')
  })
})

describe('items of a map and the rules of a full queue', () => {
  test.each(['reject', 'drop-oldest'] as const)(
    'are for others: each is run, with or without timeouts (%s)',
    async (whenFull) => {
      const fakes = new FakeWorkers('thread')
      const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull })
      const timed = pool.map(numbered, numbersTo(4), { timeout: 1_000 }).toArray()
      const plain = pool.map(numbered, numbersTo(4, 11)).toArray()
      await settled()
      const refused = await rejectionOf(pool.run(numbered, [99]))
      expect(['ERR_TIMEOUT', 'ERR_TASK_DROPPED']).toContain(refused.code)
      expect(pool.clear()).toBe(0)
      await work(fakes)
      expect(await Promise.all([timed, plain])).toEqual([numbersTo(4), numbersTo(4, 11)])
    },
  )
})

describe('the input of a map', () => {
  test('of an async one at most one item is asked for, and what comes after the end is not kept', async () => {
    let asked = 0
    const answers: ((result: IteratorResult<number>) => void)[] = []
    const input = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked += 1
          return new Promise<IteratorResult<number>>((resolve) => answers.push(resolve))
        },
      }),
    }
    let arrivals = 0
    const source = new MapSource(input, () => {
      arrivals += 1
    })
    expect(source.left).toBeUndefined()
    expect(source.take(5)).toEqual([])
    source.take(5)
    source.ask()
    expect([asked, source.isAsking, source.arrived]).toEqual([1, true, 0])
    answers[0]?.({ done: false, value: 1 })
    await settled()
    expect([arrivals, source.arrived, source.isAsking]).toEqual([1, 1, false])
    source.ask()
    expect(source.take(5)).toEqual([1])
    await source.close()
    answers[1]?.({ done: false, value: 2 })
    await settled()
    expect([source.isOver, source.arrived, arrivals]).toEqual([true, 0, 1])
    expect(source.take(5)).toEqual([])
  })

  test('may end the map from within, and is closed at most once', async () => {
    let source: MapSource | undefined
    let closed = 0
    const input = {
      [Symbol.iterator]: () => ({
        next: () => {
          ignore((source as MapSource).close())
          return { done: false, value: 1 }
        },
        return: () => {
          closed += 1
          return { done: true, value: undefined }
        },
      }),
    }
    source = new MapSource(input as never, () => undefined)
    expect(source.take(3)).toEqual([])
    await source.close()
    source.stop(new Error('too late'))
    expect([closed, source.isOver, source.failure]).toEqual([1, true, undefined])
  })

  test('of an array knows how many are left, and stops where it was stopped', () => {
    const source = new MapSource(numbersTo(5), () => undefined)
    expect([source.take(2), source.left, source.isOver]).toEqual([[1, 2], 3, false])
    const error = new Error('enough')
    source.stop(error)
    expect([source.take(2), source.isOver, source.failure]).toEqual([[], true, { error }])
    source.ask()
  })
})

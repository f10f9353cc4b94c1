import { describe, expect, test } from '@jest/globals'
import { generator } from './fixtures/tasks.mjs'
import { FakeWorkers, outcomeOf, pass, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const giving = (value: unknown) => ({ done: false, value })

describe('a stream', () => {
  test('begins with the first read, and gives the values in their order, those before it is asked included', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const values = pool.stream(generator, [9])
    await settled()
    expect(fakes.workers).toHaveLength(0)
    const first = values.next()
    await settled()
    const worker = fakes.begin(9)
    expect(worker.of('call')[0]?.credits).toBe(16)
    for (const value of ['a', 'b', 'c']) worker.chunk(value)
    expect(await first).toEqual(giving('a'))
    const rest = [values.next(), values.next(), values.next(), values.next()]
    worker.answer('what it returns')
    expect(await Promise.all(rest)).toEqual([
      giving('b'),
      giving('c'),
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    expect(pool.stats()).toMatchObject({ succeeded: 1, running: 0 })
  })

  test('is told of room as values are read, half of it at a time, so it is never further ahead', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const values = pool.stream(generator, [9], { highWaterMark: 4 })
    let read = values.next()
    await settled()
    const worker = fakes.begin(9)
    let credits = worker.of('call')[0]?.credits as number
    let heard = 0
    let given = 0
    for (let sent = 0; sent < 40; ) {
      for (; credits > 0; credits -= 1, sent += 1) worker.chunk(sent)
      // And the one that is being read.
      expect(sent - given).toBeLessThanOrEqual(4 + 1)
      expect(await read).toEqual(giving(given))
      given += 1
      read = values.next()
      await settled()
      const told = worker.of('credit')
      for (const { count } of told.slice(heard)) {
        expect(count).toBe(2)
        credits += count
      }
      heard = told.length
    }
    expect(given).toBeGreaterThan(30)
    await values.return?.()
  })

  test('gives what came before its error, then the error, once', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const values = pool.stream(generator, [9])
    const first = values.next()
    await settled()
    const worker = fakes.begin(9)
    worker.chunk(1)
    worker.chunk(2)
    worker.fail(new RangeError('half-way'))
    expect([await first, await values.next()]).toEqual([giving(1), giving(2)])
    expect((await rejectionOf(values.next())).message).toBe('half-way')
    expect(await values.next()).toEqual({ done: true, value: undefined })
  })

  test('whoever leaves early is not kept waiting: the generator is told, and ended after abortGrace', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 5 })
    const values = pool.stream(generator, [9])
    const first = outcomeOf(values.next())
    await settled()
    const worker = fakes.begin(9)
    expect(await values.return?.()).toEqual({ done: true, value: undefined })
    await settled()
    expect(first).toEqual({ value: { done: true, value: undefined } })
    expect(worker.of('abort')).toHaveLength(1)
    worker.chunk('nobody hears it')
    expect(await values.next()).toEqual({ done: true, value: undefined })
    await pass(4)
    expect(worker.kills).toBe(0)
    await pass(1)
    expect(worker.kills).toBe(1)
    expect(pool.stats().cancelled).toBe(1)
  })

  test('that was left before it was read never begins', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const values = pool.stream(generator, [9])
    expect(values[Symbol.asyncIterator]()).toBe(values)
    await values.return?.()
    expect(await values.next()).toEqual({ done: true, value: undefined })
    await settled()
    expect(fakes.workers).toHaveLength(0)
  })

  test('a value that cannot be opened here is the end of it, with the reason', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 0 })
    const read = rejectionOf(pool.stream(generator, [9]).next())
    await settled()
    const worker = fakes.begin(9)
    const hole = {}
    worker.tell({
      type: 'chunk',
      id: 1,
      value: { value: hole, specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] },
    })
    expect((await read).code).toBe('ERR_BAD_HANDLE')
    expect(worker.kills).toBe(1)
    expect(pool.stats().failed).toBe(1)
  })

  test('of a pool that was ended rejects, and one that ends under it as well', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const values = pool.stream(generator, [9])
    const read = rejectionOf(values.next())
    await settled()
    fakes.begin(9)
    await pool.terminate('enough')
    expect(await read).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
    expect((await rejectionOf(pool.stream(generator, [9]).next())).code).toBe('ERR_CLOSED')
  })

  test('bad arguments are told at once', () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    for (const highWaterMark of [0, 1.5, -1])
      expect(() => pool.stream(generator, [1], { highWaterMark })).toThrow(
        expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
      )
    expect(() => pool.stream(generator, 1 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
  })
})

describe('progress', () => {
  test('is told while the task runs, and not after its end', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const seen: unknown[] = []
    const call = pool.run(generator, [9], { onProgress: (value) => seen.push(value) })
    await settled()
    const worker = fakes.begin(9)
    expect(worker.of('call')[0]?.tellProgress).toBe(true)
    worker.progress({ done: 1 })
    worker.progress({ done: 2 })
    worker.answer()
    await call
    worker.tell({ type: 'progress', id: 1, value: { value: 3 } })
    expect(seen).toEqual([{ done: 1 }, { done: 2 }])
  })
})

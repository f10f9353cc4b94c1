import { describe, expect, test } from '@jest/globals'
import { again, generator, numbered, other, retried } from './fixtures/tasks.mjs'
import { FakeWorkers, ignore, outcomeOf, settled, teach } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const numbersTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)

/** Answers all that comes, and returns how many runs were in each envelope. */
async function sizesOf(fakes: FakeWorkers): Promise<number[]> {
  const sizes: number[] = []
  for (let parcel = fakes.alive.flatMap(({ parcels }) => parcels)[0]; parcel; ) {
    const worker = fakes.alive.find(({ parcels }) => parcels.includes(parcel as never))
    sizes.push(parcel.firsts.length)
    for (const _ of parcel.firsts) worker?.answer()
    await settled()
    parcel = fakes.alive.flatMap(({ parcels }) => parcels)[0]
  }
  return sizes
}

const byNumber = (one: unknown, two: unknown) => Number(one) - Number(two)

describe('which runs share an envelope', () => {
  test('a task that was never measured, or takes a tenth of a millisecond, travels alone', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    for (const call of numbersTo(6)) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1]])
    expect(await sizesOf(fakes)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test('short ones share, twice as many each time, so that what waits is spread, and all get their own results', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    const calls = Promise.all(numbersTo(100).map((call) => pool.run(numbered, [call])))
    await settled()
    const sizes = await sizesOf(fakes)
    expect(await calls).toEqual(numbersTo(100))
    expect(fakes.begunArguments).toEqual(numbersTo(100))
    expect(sizes.slice(0, 5)).toEqual([2, 4, 8, 16, 32])
    // Never more than half of what waits for each worker.
    expect(sizes[5]).toBe(19)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(100)
  })

  test('an envelope is never more than half of the share of each worker', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 4 })
    await teach(fakes, pool, numbered, 0.01)
    ignore(Promise.all(numbersTo(9).map((call) => pool.run(numbered, [call]))))
    await settled()
    expect(fakes.at(0).held).toEqual([[1, 2], [3]])
  })

  test('at most 512 of them, and no more than take 5 ms', async () => {
    const sizesFor = async (ms: number) => {
      const fakes = new FakeWorkers('thread', { ms })
      const pool = fakes.pool({ maxWorkers: 1, maxQueued: Number.POSITIVE_INFINITY })
      await teach(fakes, pool, numbered, ms)
      ignore(Promise.all(numbersTo(4_000).map((call) => pool.run(numbered, [call]))))
      await settled()
      return Math.max(...(await sizesOf(fakes)))
    }
    expect(await sizesFor(0)).toBe(512)
    // 5 / 0.05, less what floating point takes.
    expect(await sizesFor(0.05)).toBeGreaterThanOrEqual(99)
    expect(await sizesFor(0.05)).toBeLessThanOrEqual(100)
  })

  test('after one long run they travel alone again, and then double anew', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    ignore(Promise.all(numbersTo(40).map((call) => pool.run(numbered, [call]))))
    await settled()
    expect(fakes.at(0).held.map((each) => each.length)).toEqual([2, 4])
    fakes.at(0).answer()
    fakes.ms = 20
    fakes.at(0).answer()
    await settled()
    fakes.ms = 0
    for (let run = 0; run < 4; run += 1) fakes.at(0).answer()
    await settled()
    expect(fakes.at(0).held.map((each) => each.length)).toEqual([1, 1])
  })

  test.each([
    ['a timeout', { timeout: 1_000 }],
    ['a signal', { signal: new AbortController().signal }],
    ['a priority', { priority: 1 }],
    ['a transfer list', { transfer: [new ArrayBuffer(1)] }],
    ['onProgress', { onProgress: () => undefined }],
    ['retries', { retries: { crashes: 1 } }],
  ])('a run with %s travels alone, also on its way, and none behind it', async (_, options) => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, again, 0.01)
    pool.pause()
    const buffers = 'transfer' in options ? options.transfer : []
    ignore(pool.run(again, [1, buffers[0]], options))
    for (const call of numbersTo(4, 2)) ignore(pool.run(again, [call]))
    pool.resume()
    await settled()
    expect(fakes.at(0).held).toEqual([[1]])
    fakes.with(1).answer()
    await settled()
    expect(fakes.at(0).held[0]?.length).toBeGreaterThan(1)
  })

  test('a stream travels alone, and so does a run with an error or a shared object among its arguments', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    ignore(pool.stream(generator, [9]).next())
    for (const extra of [new Error('special'), 1, 1, 1]) ignore(pool.run(numbered, [1, extra]))
    pool.resume()
    await settled()
    expect(fakes.at(0).held).toEqual([[9]])
    fakes.with(9).answer()
    await settled()
    expect(fakes.at(0).held[0]).toEqual([1])
  })

  test('runs of another task end an envelope: the order is kept', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    await teach(fakes, pool, other, 0.01)
    for (const call of numbersTo(12)) ignore(pool.run(call === 2 ? other : numbered, [call]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1], [2]])
    fakes.at(0).answerAll()
    expect(fakes.begunArguments).toEqual(numbersTo(12))
  })

  test('lists of several arguments share as well, numbers alone travel packed', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const packed = Promise.all(numbersTo(4).map((call) => pool.run(numbered, [call])))
    pool.resume()
    await settled()
    fakes.at(0).answerAll()
    expect(await packed).toEqual([1, 2, 3, 4])
    pool.pause()
    const lists = Promise.all(numbersTo(8).map((call) => pool.run(numbered, [call, { extra: call }])))
    pool.resume()
    await settled()
    expect(fakes.at(0).parcels[0]?.args[1]).toEqual([2, { extra: 2 }])
    fakes.at(0).answerAll()
    expect(await lists).toEqual(numbersTo(8))
    const [one, two] = fakes.at(0).of('batch')
    expect([ArrayBuffer.isView(one?.items), one?.spread, ArrayBuffer.isView(two?.items), two?.spread]).toEqual([
      true,
      false,
      false,
      true,
    ])
  })

  test('between processes only idempotent ones share an envelope or are sent ahead', async () => {
    const fakes = new FakeWorkers('process', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    await teach(fakes, pool, again, 0.01)
    for (const call of numbersTo(8)) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1]])
    fakes.at(0).answerAll()
    for (const call of numbersTo(8)) ignore(pool.run(again, [call]))
    await settled()
    expect(fakes.at(0).held.map((each) => each.length)).toEqual([2, 3])
  })
})

describe('sending ahead', () => {
  test('behind a quick envelope a second one is sent, and never a third', async () => {
    const fakes = new FakeWorkers('thread', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 1)
    for (const call of numbersTo(4)) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1], [2]])
    fakes.at(0).answer()
    await settled()
    expect(fakes.at(0).held).toEqual([[2], [3]])
  })

  test('nothing is sent behind what takes 10 ms, and no such thing behind another', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 10)
    await teach(fakes, pool, other, 1)
    ignore(pool.run(numbered, [1]))
    ignore(pool.run(other, [2]))
    ignore(pool.run(numbered, [3]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1]])
    fakes.at(0).answer()
    await settled()
    expect(fakes.at(0).held).toEqual([[2]])
  })

  test('a free worker is preferred, and those that are busy get second envelopes when none is left', async () => {
    const fakes = new FakeWorkers('thread', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 2 })
    await teach(fakes, pool, numbered, 1)
    ignore(pool.broadcast(other, [0]))
    await settled()
    for (const worker of fakes.workers) worker.answer()
    for (const call of numbersTo(5)) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.workers.map(({ held }) => held.length)).toEqual([2, 2])
    expect(fakes.workers.flatMap(({ held }) => held.flat()).toSorted(byNumber)).toEqual([1, 2, 3, 4])
  })

  test('between processes nothing is sent behind a run that would be lost with it', async () => {
    const fakes = new FakeWorkers('process', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 1)
    await teach(fakes, pool, again, 1)
    const first = outcomeOf(pool.run(numbered, [1]))
    const id = await pool.submitTask(again, [2])
    await settled()
    fakes.begin(1)
    expect(pool.cancelTask(id)).toBe(true)
    await settled()
    fakes.at(0).answer()
    await settled()
    expect(first).toEqual({ value: 1 })
    expect(fakes.workers).toHaveLength(1)
  })
})

describe('the answers of an envelope', () => {
  test('come in parts, each result to its run, failures in their places', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const calls = numbersTo(12).map((call) => outcomeOf(pool.run(numbered, [call])))
    pool.resume()
    await settled()
    const worker = fakes.at(0)
    expect(worker.held).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ])
    worker.answer('one')
    worker.flush()
    await settled()
    expect(calls.slice(0, 2)).toEqual([{ value: 'one' }, {}])
    expect(pool.stats()).toMatchObject({ running: 5, succeeded: 2 })
    worker.answer()
    worker.answer({ three: 3 })
    worker.fail(new RangeError('four'))
    worker.flush()
    await settled()
    expect(calls.slice(1, 5)).toEqual([
      { value: 2 },
      { value: { three: 3 } },
      { error: expect.objectContaining({ name: 'RangeError', message: 'four' }) },
      {},
    ])
    worker.answerAll()
    await settled()
    expect(calls.filter((outcome) => 'value' in outcome)).toHaveLength(11)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, succeeded: 12, failed: 1 })
    expect(pool.stats().runTimes.count).toBe(13)
  })

  test('an answer that cannot be opened fails its run, and no other of its message', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const calls = numbersTo(4).map((call) => outcomeOf(pool.run(numbered, [call])))
    pool.resume()
    await settled()
    const worker = fakes.at(0)
    const [head] = worker.parcels
    worker.begin()
    worker.parcels.shift()
    const hole = {}
    worker.tell({
      type: 'batch-done',
      id: head?.message.id as number,
      from: 0,
      values: [undefined, 2],
      encoded: [[0, { value: hole, specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] }]],
      errors: undefined,
      count: 2,
      last: true,
      ms: 1,
      retire: false,
    })
    worker.answerAll()
    await settled()
    const unknown = { error: expect.objectContaining({ code: 'ERR_BAD_HANDLE' }) }
    expect(calls).toEqual([unknown, { value: 2 }, { value: 3 }, { value: 4 }])
  })

  test('when a run has left a lock behind, those behind it in the envelope run elsewhere', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const calls = numbersTo(12).map((call) => outcomeOf(pool.run(numbered, [call])))
    pool.resume()
    await settled()
    fakes.at(0).leak(new Error('left behind'))
    await settled()
    expect(fakes.at(0).hasEnded).toBe(true)
    fakes.at(1).answerAll()
    await settled()
    fakes.at(1).answerAll()
    await settled()
    expect(calls[0]).toMatchObject({ error: { message: 'left behind' } })
    expect(calls.slice(1)).toEqual(numbersTo(11, 2).map((value) => ({ value })))
    expect(fakes.begunArguments.toSorted((one, two) => Number(one) - Number(two))).toEqual(numbersTo(12))
  })

  test('failed runs that are tried again stand in their order, before those that came later', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, retried, 0.01)
    pool.pause()
    const calls = numbersTo(16).map((call) => outcomeOf(pool.run(retried, [call])))
    pool.resume()
    await settled()
    expect(fakes.at(0).held).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ])
    fakes.at(0).answer()
    fakes.at(0).answer()
    const next = numbersTo(4, 3)
    for (const _ of next) fakes.at(0).fail(new Error('once'))
    fakes.at(0).answerAll()
    await settled()
    expect(calls).toEqual(numbersTo(16).map((value) => ({ value })))
    const runs = fakes.begunArguments.slice(6)
    expect(runs.indexOf(3)).toBeLessThan(runs.indexOf(4))
    expect(runs.indexOf(5)).toBeLessThan(runs.indexOf(6))
  })
})

describe('what cannot be sent', () => {
  test('a transfer list that does not fit rejects the run, and its worker serves the next one', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const buffer = new ArrayBuffer(8)
    const bad = rejectionOf(pool.run(numbered, [1, buffer], { transfer: [buffer] }))
    structuredClone(buffer, { transfer: [buffer] })
    expect((await bad).name).toBe('DataCloneError')
    const next = pool.run(numbered, [2])
    await settled()
    fakes.with(2).answer()
    expect(await next).toBe(2)
    expect(pool.stats()).toMatchObject({ failed: 1, succeeded: 1, running: 0 })
  })

  test('arguments that were made unfit since fail by themselves, not with those that shared their envelope', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const spoilt: { inner?: unknown } = {}
    const calls = numbersTo(8).map((call) => outcomeOf(pool.run(numbered, [call, call === 2 ? spoilt : 0])))
    spoilt.inner = () => undefined
    pool.resume()
    await settled()
    for (let round = 0; round < 8; round += 1) {
      fakes.at(0).answerAll()
      await settled()
    }
    expect(calls[1]).toMatchObject({ error: { name: 'DataCloneError' } })
    expect(calls.filter((outcome) => 'value' in outcome)).toHaveLength(7)
  })
})

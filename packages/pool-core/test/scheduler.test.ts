import { availableParallelism } from 'node:os'
import { describe, expect, test } from '@jest/globals'
import { numbered } from './fixtures/tasks.mjs'
import { FakeWorkers, ignore, outcomeOf, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

describe('which call runs where', () => {
  test('workers start as calls need them, never more than maxWorkers', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    expect(fakes.workers).toHaveLength(0)
    ignore(pool.run(numbered, [1]))
    await settled()
    expect(fakes.workers).toHaveLength(1)
    ignore(pool.run(numbered, [2]))
    ignore(pool.run(numbered, [3]))
    await settled()
    expect(fakes.workers).toHaveLength(2)
    expect(fakes.workers.map(({ held }) => held)).toEqual([[[1]], [[2]]])
    expect(pool.stats()).toMatchObject({ workers: 2, idleWorkers: 0, running: 2, queued: 1 })
  })

  test('of many calls that come at once, as many workers start as can take one', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 4 })
    for (const call of [1, 2, 3]) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.workers).toHaveLength(3)
    ignore(pool.run(numbered, [4]))
    ignore(pool.run(numbered, [5]))
    await settled()
    expect(fakes.workers).toHaveLength(4)
  })

  test('an idle worker is used again before a new one starts, and the one that was busy last comes first', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3 })
    const both = Promise.all([pool.run(numbered, [1]), pool.run(numbered, [2])])
    await settled()
    const last = fakes.with(1)
    fakes.with(2).answer()
    last.answer()
    await both
    ignore(pool.run(numbered, [3]))
    await settled()
    expect(fakes.with(3)).toBe(last)
    ignore(pool.run(numbered, [4]))
    await settled()
    expect(fakes.workers).toHaveLength(2)
  })

  test('by default there are as many workers as the machine has processors for this process', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool()
    for (let call = 0; call < availableParallelism() + 3; call += 1) ignore(pool.run(numbered, [call]))
    await settled()
    expect(fakes.workers).toHaveLength(availableParallelism())
  })

  test.each(['thread', 'process'] as const)(
    'calls begin in the order of submission, in whatever order workers become free (%s)',
    async (boundary) => {
      const fakes = new FakeWorkers(boundary)
      const pool = fakes.pool({ maxWorkers: 3 })
      const calls = Promise.all(Array.from({ length: 9 }, (_, call) => pool.run(numbered, [call])))
      await settled()
      for (const next of [2, 0, 3, 1, 5, 4, 6, 8, 7]) {
        for (const worker of fakes.alive) if (worker.running === undefined) worker.begin()
        fakes.with(next).answer(next * 10)
        await settled()
      }
      expect(fakes.begunArguments).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      expect(await calls).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80])
    },
  )

  test('a worker is told of a task once, and of its name before each of its calls is sent', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    for (const call of [1, 2]) {
      const done = pool.run(numbered, [call])
      await settled()
      fakes.with(call).answer()
      await done
    }
    expect(fakes.at(0).received.map(({ type }) => type)).toEqual(['task', 'call', 'call'])
  })

  test('an answer that cannot be opened here rejects its call, and the worker serves the next one', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const unknown = rejectionOf(pool.run(numbered, [1]))
    const next = pool.run(numbered, [2])
    await settled()
    const hole = {}
    const worker = fakes.begin(1)
    worker.parcels.shift()
    worker.tell({
      type: 'done',
      id: 1,
      ok: true,
      outcome: { value: hole, specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] },
      ms: 1,
      retire: false,
    })
    const error = await unknown
    expect(error.code).toBe('ERR_BAD_HANDLE')
    expect(error.message).toContain('@heddle/unheard-of')
    fakes.with(2).answer('next')
    expect(await next).toBe('next')
  })

  test('an answer to a call that nobody has made is dropped', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = outcomeOf(pool.run(numbered, [1]))
    await settled()
    fakes.at(0).tell({ type: 'done', id: 99, ok: true, outcome: { value: 'late' }, ms: 1, retire: false })
    fakes.at(0).tell({ type: 'uncaught', error: { value: 'noticed by the host' } })
    await settled()
    expect(call).toEqual({})
  })

  test('a worker whose task has left a lock behind is replaced, and what came behind runs elsewhere', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const first = rejectionOf(pool.run(numbered, [1]))
    const second = outcomeOf(pool.run(numbered, [2]))
    await settled()
    fakes.with(1).leak(new Error('left behind'))
    expect((await first).message).toBe('left behind')
    await settled()
    expect(fakes.at(0)).toMatchObject({ kills: 1, hasEnded: true })
    fakes.at(1).answer('elsewhere')
    await settled()
    expect(second).toEqual({ value: 'elsewhere' })
  })

  test('a broadcast runs once in each of maxWorkers workers, and starts those that are not up', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3 })
    ignore(pool.run(numbered, [1]))
    await settled()
    const all = pool.broadcast(numbered, [7])
    await settled()
    expect(fakes.workers.map(({ held }) => held)).toEqual([[[1]], [[7]], [[7]]])
    fakes.at(0).answer()
    for (const [index, worker] of fakes.workers.entries()) worker.answer(index)
    expect(await all).toEqual([0, 1, 2])
  })

  test('a broadcast rejects with the first error, once all have settled, and its worker dies with it alone', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    const all = outcomeOf(pool.broadcast(numbered, [7]))
    await settled()
    fakes.at(0).fail(new RangeError('one failed'))
    await settled()
    expect(all).toEqual({})
    fakes.at(1).answer()
    await settled()
    expect(all).toMatchObject({ error: { name: 'RangeError', message: 'one failed' } })
  })

  test('a broadcast that a worker could not begin since it ended runs in the one that replaces it', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const all = pool.broadcast(numbered, [7])
    await settled()
    fakes.at(0).die()
    await settled()
    fakes.at(1).answer('here')
    expect(await all).toEqual(['here'])
  })
})

describe('the end of a pool', () => {
  test('drain ends each worker once, after the last call, and is over when they have ended', async () => {
    const fakes = new FakeWorkers('thread', { killsAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 2 })
    const calls = Promise.all([1, 2, 3].map((call) => pool.run(numbered, [call])))
    await settled()
    const drained = outcomeOf(pool.drain().then(() => 'drained'))
    for (const call of [1, 2, 3]) {
      await settled()
      expect(fakes.workers.map(({ kills }) => kills)).toEqual([0, 0])
      fakes.with(call).answer()
    }
    await calls
    await settled()
    expect(fakes.workers.map(({ kills }) => kills)).toEqual([1, 1])
    expect(drained).toEqual({})
    for (const worker of fakes.workers) worker.killed()
    await Promise.all([pool.drain(), pool.terminate(), pool[Symbol.asyncDispose]()])
    expect(drained).toEqual({ value: 'drained' })
    expect(fakes.workers.map(({ kills }) => kills)).toEqual([1, 1])
  })

  test('terminate rejects what runs, is queued or waits for room, with the reason as cause, and begins none of it', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2, maxQueued: 1 })
    const calls = [1, 2, 3, 4, 5].map((call) => rejectionOf(pool.run(numbered, [call])))
    await settled()
    fakes.begin(1)
    fakes.begin(2)
    expect(pool.stats()).toMatchObject({ running: 2, queued: 1, waitingForRoom: 2 })
    await pool.terminate('enough')
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
    expect(fakes.begunArguments).toEqual([1, 2])
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, waitingForRoom: 0, cancelled: 5, workers: 0 })
    expect(await rejectionOf(pool.run(numbered, [6]))).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
    expect(pool.stats().refused).toBe(1)
  })

  test('what a worker says after the end is not heard', async () => {
    const fakes = new FakeWorkers('thread', { killsAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(numbered, [1]))
    await settled()
    const ended = pool.terminate()
    fakes.with(1).answer('too late')
    fakes.at(0).killed()
    await ended
    expect((await call).code).toBe('ERR_CLOSED')
  })
})

import { describe, expect, test } from '@jest/globals'
import { again, numbered } from './fixtures/tasks.mjs'
import { FakeWorkers, ignore, outcomeOf, pass, settled, teach } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const broken = { name: 'BrokenError', code: 'ERR_WORKER_CRASHED' }

describe('workers that cannot start', () => {
  test('three in a row break the pool: what is queued rejects, and what comes later', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1, name: 'crew' })
    const calls = [1, 2].map((call) => outcomeOf(pool.run(numbered, [call])))
    const cause = new Error('no such option')
    for (let start = 0; start < 3; start += 1) {
      await settled()
      expect(calls).toEqual([{}, {}])
      expect(fakes.workers).toHaveLength(start + 1)
      fakes.at(start).die({ how: 'failed: no such option', cause })
    }
    await settled()
    const error = expect.objectContaining({
      ...broken,
      cause,
      message: 'crew has no worker: a fake worker failed: no such option before it was ready, 3 times in a row',
    })
    expect(calls).toEqual([{ error }, { error }])
    expect(outcomeOf(pool.run(numbered, [3]))).toEqual({})
    expect(await rejectionOf(pool.run(numbered, [4]))).toEqual(error)
    expect(await rejectionOf(pool.map(numbered, [1]).toArray())).toEqual(error)
    expect(fakes.workers).toHaveLength(3)
    await Promise.all([pool.drain(), pool.terminate()])
    expect(pool.stats()).toMatchObject({ failed: 2, workers: 0, refused: 2 })
  })

  test('one that comes up makes the count begin anew', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    const calls = [1, 2, 3].map((call) => outcomeOf(pool.run(numbered, [call])))
    for (const call of [1, 2, 3]) {
      for (let start = 0; start < 2; start += 1) {
        await settled()
        fakes.alive[0]?.die()
      }
      await settled()
      fakes.alive[0]?.ready()
      // It ends under its call, and another one starts.
      fakes.begin(call).die()
    }
    await settled()
    expect(calls).toMatchObject([1, 2, 3].map(() => ({ error: { ...broken, began: true } })))
    expect(fakes.workers).toHaveLength(10)
  })

  test('a start that throws breaks the pool at once, with the reason', async () => {
    const fakes = new FakeWorkers('thread')
    const cause = new RangeError('no more threads')
    fakes.startErrors.push(cause)
    const pool = fakes.pool({ maxWorkers: 3, name: 'crew' })
    const { signal } = new AbortController()
    const calls = [1, 2].map((call) => rejectionOf(pool.run(numbered, [call], { signal })))
    for (const call of calls)
      expect(await call).toMatchObject({
        ...broken,
        cause,
        message: 'crew has no worker: a fake worker could not be started: no more threads',
      })
    expect(fakes.workers).toHaveLength(0)
    await pool.drain()
  })

  test('so does one for minWorkers, and the pool says so to whoever uses it', async () => {
    const fakes = new FakeWorkers('thread')
    fakes.startErrors.push('no text of an error')
    const pool = fakes.pool({ maxWorkers: 3, minWorkers: 2 })
    expect(await rejectionOf(pool.run(numbered, [1]))).toMatchObject({ ...broken, cause: 'no text of an error' })
    expect(fakes.workers).toHaveLength(0)
    await pool.terminate()
  })

  test('an initializer that fails breaks the pool at once, and its error is the cause', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1, initializer: numbered, initializerArgs: [7], name: 'crew' })
    const call = rejectionOf(pool.run(numbered, [1]))
    await settled()
    const { initializer } = fakes.at(0).hello
    expect([initializer?.task.name, initializer?.args]).toEqual(['numbered', { value: [7] }])
    const cause = new RangeError('no licence')
    fakes.at(0).die({ initializerFailed: true, cause })
    const error = await call
    expect(error).toMatchObject({ ...broken, cause })
    expect(error.message).toBe('crew has no worker: its initializer failed: no licence')
    expect(fakes.workers).toHaveLength(1)
  })

  test('a worker that dies of a kill while it starts is no failure to start', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    ignore(pool.run(numbered, [1]))
    await settled()
    await pool.terminate()
    expect(pool.stats()).toMatchObject({ crashes: 0 })
  })
})

describe('workers that end', () => {
  test('one that ends in the middle of its work is replaced before anybody asks', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    ignore(pool.run(numbered, [1]))
    await settled()
    fakes.begin(1).die()
    await settled()
    expect(pool.stats()).toMatchObject({ workers: 1, idleWorkers: 1, queued: 0, crashes: 1 })
  })

  test('one that has worked and dies while idle is replaced, one that never ran anything is not', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = pool.run(numbered, [1])
    await settled()
    fakes.with(1).answer()
    await call
    fakes.at(0).die()
    await settled()
    expect(fakes.workers).toHaveLength(2)
    fakes.at(1).die()
    await settled()
    expect(fakes.workers).toHaveLength(2)
    expect(pool.stats()).toMatchObject({ workers: 0, crashes: 2 })
    const next = pool.run(numbered, [2])
    await settled()
    fakes.at(2).answer()
    expect(await next).toBe(2)
  })

  test('a worker that is ending gets nothing more, and what it had said before counts', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxTasksPerWorker: 1 })
    const calls = [1, 2].map((call) => outcomeOf(pool.run(numbered, [call])))
    await settled()
    fakes.killsAtOnce = false
    fakes.with(1).answer()
    await settled()
    expect(calls).toEqual([{ value: 1 }, {}])
    expect(fakes.workers).toHaveLength(1)
    fakes.at(0).killed()
    await settled()
    fakes.at(1).answer()
    await settled()
    expect(calls[1]).toEqual({ value: 2 })
    expect(pool.stats().crashes).toBe(0)
  })
})

describe('maxTasksPerWorker', () => {
  test('a worker is replaced after so many runs, those that share an envelope included', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1, maxTasksPerWorker: 4 })
    await teach(fakes, pool, numbered, 0.01)
    pool.pause()
    const calls = Promise.all(Array.from({ length: 11 }, (_, call) => pool.run(numbered, [call + 1])))
    pool.resume()
    for (let round = 0; round < 8; round += 1) {
      await settled()
      for (const worker of fakes.alive) worker.answerAll()
    }
    expect(await calls).toHaveLength(11)
    const runs = fakes.workers.map(({ envelopes }) => envelopes.flat().length)
    expect(runs).toEqual([4, 4, 4])
    expect(fakes.workers.map(({ hasEnded }) => hasEnded)).toEqual([true, true, true])
  })

  test('a chunk that is too long for what is left is cut, and all items are given in their order', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxTasksPerWorker: 4 })
    const items = Array.from({ length: 10 }, (_, item) => item)
    const results = pool.map(numbered, items, { chunkSize: 10 }).toArray()
    for (let round = 0; round < 8; round += 1) {
      await settled()
      for (const worker of fakes.alive) worker.answerAll()
    }
    expect(await results).toEqual(items)
    expect(fakes.workers.map(({ envelopes }) => envelopes)).toEqual([[[0, 1, 2, 3]], [[4, 5, 6, 7]], [[8, 9]]])
    expect(pool.stats()).toMatchObject({ succeeded: 10, running: 0, queued: 0 })
  })
})

describe('idleTimeout and minWorkers', () => {
  test('minWorkers start at once and are kept; one that dies with nothing to do is replaced after a second', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3, minWorkers: 2, idleTimeout: 100 })
    expect(fakes.workers).toHaveLength(2)
    await settled()
    await pass(1_000)
    expect(pool.stats()).toMatchObject({ workers: 2, idleWorkers: 2 })
    expect(fakes.workers).toHaveLength(2)
    fakes.at(0).die()
    await pass(999)
    expect(pool.stats()).toMatchObject({ workers: 1 })
    await pass(1)
    expect(pool.stats()).toMatchObject({ workers: 2 })
  })

  test('a worker that had nothing to do for idleTimeout ends, not a moment earlier', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3, minWorkers: 1, idleTimeout: 100 })
    const calls = Promise.all([1, 2, 3].map((call) => pool.run(numbered, [call])))
    await settled()
    for (const worker of fakes.workers) worker.answer()
    await calls
    await pass(99)
    expect(pool.stats().workers).toBe(3)
    await pass(1)
    expect(pool.stats().workers).toBe(1)
    await pass(10_000)
    expect(pool.stats()).toMatchObject({ workers: 1, crashes: 0 })
    expect(fakes.workers).toHaveLength(3)
  })

  test('a worker that was busy meanwhile begins to count anew', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, idleTimeout: 100 })
    for (const call of [1, 2]) {
      const done = pool.run(numbered, [call])
      await settled()
      fakes.with(call).answer()
      await done
      await pass(60)
    }
    expect(pool.stats().workers).toBe(1)
    await pass(40)
    expect(pool.stats().workers).toBe(0)
  })

  test('so does one that was to be sent what cannot be sent', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, idleTimeout: 100 })
    const done = pool.run(again, [1])
    await settled()
    fakes.with(1).answer()
    await done
    const buffer = new ArrayBuffer(8)
    const bad = rejectionOf(pool.run(again, [2, buffer], { transfer: [buffer] }))
    structuredClone(buffer, { transfer: [buffer] })
    expect((await bad).name).toBe('DataCloneError')
    await pass(100)
    expect(pool.stats().workers).toBe(0)
  })
})

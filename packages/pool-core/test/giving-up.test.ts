import { getEventListeners } from 'node:events'
import { describe, expect, test } from '@jest/globals'
import { again, numbered } from './fixtures/tasks.mjs'
import { type FakeWorker, FakeWorkers, ignore, pass, settled, teach } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const numbersTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)

const ends = (worker: FakeWorker | undefined) => ({ kills: worker?.kills, aborts: worker?.of('abort').length })

describe('a task that is given up', () => {
  test('while it is queued leaves, and never begins', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    ignore(pool.run(numbered, [1]))
    const id = await pool.submitTask(numbered, [2])
    const third = pool.run(numbered, [3])
    await settled()
    expect(pool.cancelTask(id)).toBe(true)
    expect(pool.cancelTask(id)).toBe(false)
    expect(await rejectionOf(pool.getTaskResult(id))).toMatchObject({ name: 'AbortError' })
    fakes.with(1).answer()
    await settled()
    fakes.with(3).answer()
    expect(await third).toBe(3)
    expect(fakes.begunArguments).toEqual([1, 3])
    expect(pool.stats()).toMatchObject({ cancelled: 1, succeeded: 2 })
  })

  test('while it is with its worker and has not begun never does, and the worker lives (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const controller = new AbortController()
    const call = rejectionOf(pool.run(numbered, [1], { signal: controller.signal }))
    const next = pool.run(numbered, [2])
    await settled()
    controller.abort('enough')
    expect(await call).toBe('enough')
    // It skips the first.
    fakes.at(0).begin()
    fakes.at(0).answer()
    expect(await next).toBe(2)
    expect(fakes.begunArguments).toEqual([2])
    expect(fakes.at(0).kills).toBe(0)
  })

  test('while it runs and does not listen is ended with its worker at once; the next waits for the kill', async () => {
    const fakes = new FakeWorkers('thread', { killsAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 1 })
    const controller = new AbortController()
    const call = rejectionOf(pool.run(numbered, [1], { signal: controller.signal }))
    const next = pool.run(numbered, [2])
    await settled()
    const worker = fakes.begin(1)
    controller.abort('enough')
    expect(await call).toBe('enough')
    expect(ends(worker)).toEqual({ kills: 1, aborts: 0 })
    worker.answer('too late')
    await settled()
    expect(fakes.workers).toHaveLength(1)
    worker.killed()
    await settled()
    fakes.at(1).answer()
    expect(await next).toBe(2)
    expect(pool.stats()).toMatchObject({ cancelled: 1, succeeded: 1, crashes: 0 })
  })

  test.each(['thread', 'process'] as const)(
    'while it listens is told the reason, and its worker lives if it ends in time (%s)',
    async (boundary) => {
      const fakes = new FakeWorkers(boundary)
      const pool = fakes.pool({ maxWorkers: 1, abortGrace: 200 })
      const controller = new AbortController()
      const call = rejectionOf(pool.run(numbered, [1], { signal: controller.signal }))
      await settled()
      const worker = fakes.begin(1)
      worker.listen()
      controller.abort(new RangeError('enough'))
      expect((await call).message).toBe('enough')
      expect(worker.of('abort')).toHaveLength(1)
      expect(worker.isMarkedAborted).toBe(boundary === 'thread')
      await pass(199)
      expect(worker.kills).toBe(0)
      worker.fail(new Error('heard'))
      await pass(1_000)
      expect(worker.kills).toBe(0)
      expect(pool.stats()).toMatchObject({ cancelled: 1, idleWorkers: 1, failed: 0 })
    },
  )

  test('while it listens is told the reason also before its message has come, between threads', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 200 })
    const id = await pool.submitTask(numbered, [1])
    await settled()
    const worker = fakes.begin(1)
    worker.markListening()
    pool.cancelTask(id, 'my reason')
    await settled()
    expect(ends(worker)).toEqual({ kills: 0, aborts: 1 })
    worker.fail(new Error('heard'))
    const next = pool.run(numbered, [2])
    await settled()
    fakes.begin(2)
    pool.cancelTask(await pool.submitTask(numbered, [3]))
    worker.answer()
    expect(await next).toBe(2)
    expect(ends(worker)).toEqual({ kills: 0, aborts: 1 })
  })

  test('while it listens and does not end is ended after abortGrace, not a moment earlier', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 200 })
    const id = await pool.submitTask(numbered, [1])
    await settled()
    const worker = fakes.begin(1)
    worker.listen()
    pool.cancelTask(id, 'my reason')
    expect(await rejectionOf(pool.getTaskResult(id))).toBe('my reason')
    await pass(199)
    expect(ends(worker)).toEqual({ kills: 0, aborts: 1 })
    await pass(1)
    expect(ends(worker)).toEqual({ kills: 1, aborts: 1 })
    // It is replaced before anybody asks.
    expect(pool.stats()).toMatchObject({ workers: 1 })
  })

  test('with abortGrace 0 is ended at once, whether it listens or not', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 0 })
    const id = await pool.submitTask(numbered, [1])
    await settled()
    const worker = fakes.begin(1)
    worker.listen()
    pool.cancelTask(id)
    expect(ends(worker)).toEqual({ kills: 1, aborts: 0 })
  })

  test('after it has settled, or was never submitted, there is nothing to cancel', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const id = await pool.submitTask(numbered, [1])
    await settled()
    fakes.with(1).answer()
    expect(pool.cancelTask(id)).toBe(false)
    expect(pool.cancelTask('task_99')).toBe(false)
    expect(await pool.getTaskResult(id)).toBe(1)
    expect(() => pool.cancelTask(7 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
  })

  test('before it was submitted never begins, and leaves no listener', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    expect(await rejectionOf(pool.run(numbered, [1], { signal: AbortSignal.abort('no') }))).toBe('no')
    expect(pool.stats()).toMatchObject({ cancelled: 1, queued: 0 })
    expect(fakes.workers).toHaveLength(0)
  })
})

describe('a task that is given up among others of its envelope', () => {
  async function shared(fakes: FakeWorkers, task = numbered) {
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 200 })
    await teach(fakes, pool, task, 0.01)
    pool.pause()
    const ids = await Promise.all(numbersTo(12).map((call) => pool.submitTask(task, [call])))
    pool.resume()
    await settled()
    expect(fakes.at(0).held).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ])
    return { pool, ids }
  }

  const rowsOf = async (fakes: FakeWorkers, pool: ReturnType<FakeWorkers['pool']>) => {
    for (let round = 0; round < 8; round += 1) {
      for (const worker of fakes.alive) worker.answerAll()
      await settled()
    }
    const rows = [...(await pool.waitForAllTasks()).values()]
    return rows.map((row) => (row.status === 'success' ? row.result : row.status))
  }

  test('and has not begun never does; the others are not touched (thread)', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { pool, ids } = await shared(fakes)
    fakes.at(0).begin()
    pool.cancelTask(ids[1] as string)
    pool.cancelTask(ids[4] as string)
    expect(await rowsOf(fakes, pool)).toEqual([1, 'error', 3, 4, 'error', 6, 7, 8, 9, 10, 11, 12])
    expect(fakes.begunArguments).not.toContain(2)
    expect(fakes.begunArguments).not.toContain(5)
    expect(fakes.workers).toHaveLength(1)
  })

  test('and runs is waited for, then ended after abortGrace, and the others run elsewhere (thread)', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { pool, ids } = await shared(fakes)
    fakes.at(0).begin()
    pool.cancelTask(ids[0] as string)
    await pass(199)
    expect(ends(fakes.at(0))).toEqual({ kills: 0, aborts: 1 })
    await pass(1)
    expect(ends(fakes.at(0))).toEqual({ kills: 1, aborts: 1 })
    expect(await rowsOf(fakes, pool)).toEqual(['error', ...numbersTo(11, 2)])
    expect(fakes.begunArguments.toSorted((one, two) => Number(one) - Number(two))).toEqual(numbersTo(12))
  })

  test('and has settled there already ends nothing (thread)', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { pool, ids } = await shared(fakes)
    fakes.at(0).answer()
    fakes.at(0).begin()
    pool.cancelTask(ids[0] as string)
    await pass(1_000)
    expect(fakes.at(0).kills).toBe(0)
    expect(await rowsOf(fakes, pool)).toEqual(['error', ...numbersTo(11, 2)])
  })

  test('may have begun, and its worker is ended when the envelope has not ended within abortGrace (process)', async () => {
    const fakes = new FakeWorkers('process', { ms: 0.01 })
    const { pool, ids } = await shared(fakes, again)
    pool.cancelTask(ids[4] as string)
    await pass(200)
    expect(fakes.at(0).kills).toBe(1)
    expect(await rowsOf(fakes, pool)).toEqual([1, 2, 3, 4, 'error', ...numbersTo(7, 6)])
  })
})

describe('nothing is left behind', () => {
  test('one listener hangs on a signal however many tasks it is for, and none when they have settled', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2, maxQueued: 1 })
    const { signal } = new AbortController()
    const calls = numbersTo(5).map((call) => pool.run(numbered, [call], { signal }))
    const results = pool.map(numbered, [6], { signal }).toArray()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    for (let round = 0; round < 6; round += 1) {
      await settled()
      for (const worker of fakes.alive) worker.answerAll()
    }
    await Promise.all([...calls, results])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('one signal gives up all tasks that it is for, wherever they are', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 1 })
    const controller = new AbortController()
    const { signal } = controller
    const calls = numbersTo(3).map((call) => rejectionOf(pool.run(numbered, [call], { signal })))
    const read = rejectionOf(pool.map(numbered, [6], { signal }).next())
    await settled()
    fakes.begin(1)
    expect(pool.stats()).toMatchObject({ running: 1, queued: 2, waitingForRoom: 1 })
    controller.abort('enough')
    expect(await Promise.all([...calls, read])).toEqual(['enough', 'enough', 'enough', 'enough'])
    await pool.onIdle()
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, waitingForRoom: 0, cancelled: 4 })
  })
})

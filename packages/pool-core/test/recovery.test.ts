import { describe, expect, jest, test } from '@jest/globals'
import { again, generator, numbered, other, retried } from './fixtures/tasks.mjs'
import { type FakeWorker, FakeWorkers, outcomeOf, settled, teach } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const numbersTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)
const crashed = { name: 'BrokenError', code: 'ERR_WORKER_CRASHED' }

/** Kills whatever is sent until it is sent no more. Returns what each worker was sent before it ended. */
async function keepDying(fakes: FakeWorkers, die: (worker: FakeWorker) => void): Promise<unknown[][][]> {
  const seen: unknown[][][] = []
  for (let worker = busy(fakes); worker; worker = busy(fakes)) {
    seen.push(worker.held)
    die(worker)
    await settled()
    if (seen.length > 100) throw new Error('there is no end to it')
  }
  return seen
}

const busy = (fakes: FakeWorkers) => fakes.alive.find(({ parcels }) => parcels.length > 0)

describe.each(['thread', 'process'] as const)('a run by itself whose worker ends (%s)', (boundary) => {
  test('has begun and is not idempotent: it fails, and the error says all that is known', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(numbered, [1]))
    await settled()
    const cause = new Error('what it died of')
    fakes.begin(1)
    jest.advanceTimersByTime(30)
    fakes.at(0).die({ how: 'failed: what it died of', exitCode: 9, cause })
    const error = await call
    expect(error).toMatchObject({ ...crashed, exitCode: 9, signal: undefined, attempt: 1, began: true, cause })
    expect(error).toMatchObject(
      boundary === 'thread' ? { threadId: 1, pid: undefined } : { threadId: undefined, pid: 1_001 },
    )
    const { waitMs, runMs } = error as unknown as { waitMs: number; runMs: number }
    expect([waitMs, runMs]).toEqual([0, 30])
    expect(error.message).toBe('the fake worker that ran task numbered failed: what it died of')
    expect(pool.stats()).toMatchObject({ failed: 1, crashes: 1, running: 0 })
  })

  test('has begun and is idempotent: it is run again, alone, and refused after the third worker', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(again, [1]))
    await settled()
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      fakes.begin(1).die()
      await settled()
    }
    const error = await call
    expect(fakes.begun.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(error).toMatchObject({ code: 'ERR_POISON_TASK', cause: { ...crashed, attempt: 3, began: true } })
    expect(error.message).toContain('has ended 3 workers')
    expect(pool.stats()).toMatchObject({ crashes: 3, failed: 1 })
  })

  test('has begun and is idempotent: when it ends well the second time, nobody is told of the first', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = pool.run(again, [1])
    await settled()
    fakes.begin(1).die()
    await settled()
    fakes.with(1).answer('well')
    expect(await call).toBe('well')
  })

  test('retries.crashes of the call counts, and with 0 the error is that of the crash', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const never = rejectionOf(pool.run(again, [1], { retries: { crashes: 0 } }))
    await settled()
    fakes.begin(1).die()
    expect(await never).toMatchObject({ ...crashed, began: true })
    const once = rejectionOf(pool.run(again, [2], { retries: { crashes: 1 } }))
    await settled()
    expect(await keepDying(fakes, (worker) => worker.begin() && worker.die())).toHaveLength(2)
    expect((await once).code).toBe('ERR_POISON_TASK')
  })

  test('what was moved to it, and a stream, is not run again though its task is idempotent', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const buffer = new ArrayBuffer(8)
    const moved = rejectionOf(pool.run(again, [1, buffer], { transfer: [buffer] }))
    await settled()
    fakes.begin(1).die()
    expect(await moved).toMatchObject({ ...crashed, began: true })
    const read = rejectionOf(pool.stream(again as never, [2] as never).next())
    await settled()
    fakes.begin(2).die()
    expect(await read).toMatchObject({ ...crashed, began: true })
  })

  test('retries by class: errors, crashes and timeouts are counted apart', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(retried, [1]))
    await settled()
    for (let round = 0; round < 2; round += 1) {
      fakes.with(1).fail(new RangeError('no luck'))
      await settled()
      fakes.begin(1).die()
      await settled()
    }
    expect(fakes.begun.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    fakes.with(1).fail(new RangeError('no luck'))
    expect((await call).message).toBe('no luck')
    expect(pool.stats()).toMatchObject({ failed: 1, crashes: 2, running: 0, queued: 0 })
  })

  test('errors of a task without retries are final', async () => {
    const fakes = new FakeWorkers(boundary)
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(again, [1]))
    await settled()
    fakes.with(1).fail(new RangeError('once'))
    expect((await call).message).toBe('once')
    expect(fakes.begun).toHaveLength(1)
  })
})

describe('what had not begun', () => {
  test('is run again by another worker (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = pool.run(numbered, [1])
    await settled()
    fakes.at(0).die()
    await settled()
    fakes.at(1).answer('there')
    expect(await call).toBe('there')
  })

  test('is given up when three workers have ended before they could begin it (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = rejectionOf(pool.run(numbered, [1]))
    const next = pool.run(numbered, [2])
    await settled()
    for (let worker = 0; worker < 3; worker += 1) {
      fakes.at(worker).die()
      await settled()
    }
    const error = await call
    expect(error).toMatchObject({ ...crashed, began: false })
    expect(error.message).toBe('the fake worker that was to run task numbered ended with exit code 7')
    fakes.with(2).answer()
    expect(await next).toBe(2)
  })

  test('is not given up when it was never the next (thread)', async () => {
    const fakes = new FakeWorkers('thread', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, again, 1)
    const first = outcomeOf(pool.run(again, [1], { retries: { crashes: 9 } }))
    for (let round = 0; round < 5; round += 1) {
      await settled()
      fakes.begin(1).die()
    }
    const second = outcomeOf(pool.run(again, [2]))
    await settled()
    fakes.with(1).answer()
    await settled()
    fakes.with(2).answer()
    await settled()
    expect([first, second]).toEqual([{ value: 1 }, { value: 2 }])
  })

  test('fails when it was moved to the worker (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const buffer = new ArrayBuffer(8)
    const call = rejectionOf(pool.run(numbered, [1, buffer], { transfer: [buffer] }))
    await settled()
    fakes.at(0).die()
    expect(await call).toMatchObject({ ...crashed, began: false })
  })

  test('a stream that had not begun begins elsewhere (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const read = pool.stream(generator, [3]).next()
    await settled()
    fakes.at(0).die()
    await settled()
    fakes.begin(3).chunk('first')
    expect(await read).toEqual({ done: false, value: 'first' })
  })
})

/** A pool whose only worker has two envelopes of these sizes. */
async function twoEnvelopes(fakes: FakeWorkers, task: typeof again) {
  const pool = fakes.pool({ maxWorkers: 1 })
  await teach(fakes, pool, task, 0.01)
  pool.pause()
  const calls = numbersTo(12).map((call) => outcomeOf(pool.run(task, [call])))
  pool.resume()
  await settled()
  expect(fakes.at(0).held).toEqual([
    [1, 2],
    [3, 4, 5, 6],
  ])
  return { pool, calls }
}

describe('runs that share an envelope (thread)', () => {
  test('only the one that ran is lost; all others run, in their order', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { pool, calls } = await twoEnvelopes(fakes, numbered)
    const worker = fakes.at(0)
    worker.answer()
    worker.flush()
    worker.begin()
    worker.die()
    await settled()
    for (let round = 0; round < 4; round += 1) {
      fakes.at(1).answerAll()
      await settled()
    }
    expect(calls[1]).toMatchObject({ error: { ...crashed, began: true } })
    expect(calls.filter((outcome) => 'value' in outcome)).toHaveLength(11)
    expect(fakes.begunArguments).toEqual(numbersTo(12))
    expect(pool.stats()).toMatchObject({ succeeded: 12, failed: 1, crashes: 1, running: 0 })
  })

  test('one that has settled and whose result died with the worker has begun, and is not run again', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { calls } = await twoEnvelopes(fakes, numbered)
    const worker = fakes.at(0)
    worker.answer()
    worker.begin()
    worker.die()
    await settled()
    expect(calls.slice(0, 2)).toMatchObject([
      { error: { ...crashed, began: true } },
      { error: { ...crashed, began: true } },
    ])
    fakes.at(1).answerAll()
    expect(fakes.begunArguments.filter((argument) => argument === 1 || argument === 2)).toEqual([1, 2])
  })

  test('of idempotent ones only the one that ran is suspected: it travels alone, and is refused at last', async () => {
    const fakes = new FakeWorkers('thread', { ms: 0.01 })
    const { calls } = await twoEnvelopes(fakes, again)
    const poison = 2
    for (let round = 0; round < 40 && busy(fakes); round += 1) {
      const worker = busy(fakes) as FakeWorker
      worker.begin()
      if (worker.running === poison) worker.die()
      else worker.answer()
      await settled()
    }
    expect(calls[poison - 1]).toMatchObject({ error: { code: 'ERR_POISON_TASK' } })
    expect(calls.filter((outcome) => 'value' in outcome)).toHaveLength(11)
    expect(fakes.begunArguments.filter((argument) => argument === poison)).toHaveLength(3)
    // Two shared with it, and none was made suspect by that.
    expect(Math.max(...numbersTo(12).map((each) => fakes.begunArguments.filter((one) => one === each).length))).toBe(3)
  })
})

describe('runs that share an envelope (process)', () => {
  test('each is tried alone, and only the one that ends its worker again is refused', async () => {
    const fakes = new FakeWorkers('process', { ms: 0.01 })
    const { calls } = await twoEnvelopes(fakes, again)
    const poison = 4
    for (let round = 0; round < 60 && busy(fakes); round += 1) {
      const worker = busy(fakes) as FakeWorker
      worker.begin()
      if (worker.running === poison) {
        worker.die()
        await settled()
      } else worker.answer()
      await settled()
    }
    expect(calls[poison - 1]).toMatchObject({ error: { code: 'ERR_POISON_TASK' } })
    expect(calls.filter((outcome) => 'value' in outcome)).toHaveLength(11)
    expect(fakes.at(1).envelopes[0]).toEqual([3])
    // Once with others, then alone as often as crashes are retried, and one more.
    expect(fakes.begunArguments.filter((argument) => argument === poison)).toHaveLength(4)
  })

  test('a run that the pool has ended together with another is not blamed for it', async () => {
    const fakes = new FakeWorkers('process', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, again, 1)
    const id = await pool.submitTask(again, [1])
    const call = outcomeOf(pool.run(again, [2]))
    await settled()
    expect(fakes.at(0).held).toEqual([[1], [2]])
    pool.cancelTask(id)
    await settled()
    expect(fakes.at(0).kills).toBe(1)
    for (let crash = 0; crash < 2; crash += 1) {
      fakes.begin(2).die()
      await settled()
    }
    fakes.with(2).answer()
    await settled()
    expect(call).toEqual({ value: 2 })
  })
})

describe('chunks of a map', () => {
  const mapped = (fakes: FakeWorkers, task: typeof again, count: number) =>
    fakes.pool({ maxWorkers: 1 }).map(task, numbersTo(count), { chunkSize: count, concurrency: count })

  test('the item that ran fails in its place, those behind it run (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const results = mapped(fakes, numbered, 5)
    const reads = numbersTo(5).map(() => outcomeOf(results.next()))
    await settled()
    const worker = fakes.at(0)
    for (let run = 0; run < 2; run += 1) worker.answer()
    worker.flush()
    worker.begin()
    worker.die()
    await settled()
    fakes.at(1).answerAll()
    await settled()
    expect(reads).toMatchObject([
      { value: { value: 1 } },
      { value: { value: 2 } },
      { error: { ...crashed, began: true } },
      { value: { done: true } },
      { value: { done: true } },
    ])
  })

  test('items that had settled unheard are run again if that does no harm, and the last alone (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const results = mapped(fakes, again, 6).toArray()
    await settled()
    const worker = fakes.at(0)
    for (let run = 0; run < 3; run += 1) worker.answer()
    worker.begin()
    worker.die()
    await settled()
    fakes.at(1).answerAll()
    expect(fakes.at(1).envelopes).toEqual([[1, 2, 3], [4], [5, 6]])
    expect(await results).toEqual(numbersTo(6))
  })

  test('an item that ends worker after worker is refused, and the others have results (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const results = outcomeOf(mapped(fakes, again, 4).toArray())
    await settled()
    await keepDying(fakes, (worker) => {
      worker.begin()
      if (worker.running === 3) worker.die()
      else worker.answer()
    })
    expect(results).toMatchObject({ error: { code: 'ERR_POISON_TASK' } })
    expect(fakes.begunArguments.filter((argument) => argument === 3)).toHaveLength(3)
  })

  test('a chunk that no worker could begin is given up after three of them (thread)', async () => {
    const fakes = new FakeWorkers('thread')
    const results = outcomeOf(mapped(fakes, again, 4).toArray())
    await settled()
    expect(await keepDying(fakes, (worker) => worker.die())).toHaveLength(3)
    expect(results).toMatchObject({ error: { ...crashed, began: false } })
  })

  test('of a long one parts as many as their length are tried, then the items (process)', async () => {
    const fakes = new FakeWorkers('process')
    const results = outcomeOf(mapped(fakes, again, 10).toArray())
    await settled()
    await keepDying(fakes, (worker) => {
      const [head] = worker.held
      if (head?.includes(8)) worker.die()
      else for (const _ of head ?? []) worker.answer()
    })
    expect(fakes.workers.flatMap(({ envelopes }) => envelopes)).toEqual([
      numbersTo(10),
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
      [7],
      [8],
      [8],
      [8],
    ])
    expect(results).toMatchObject({ error: { code: 'ERR_POISON_TASK' } })
  })

  test('when the worker was ended by the pool, nothing is suspected: it all goes again (process)', async () => {
    const fakes = new FakeWorkers('process', { ms: 0.01 })
    const pool = fakes.pool({ maxWorkers: 1, abortGrace: 0 })
    await teach(fakes, pool, again, 0.01)
    const results = pool.map(again, numbersTo(4), { chunkSize: 4 }).toArray()
    const id = await pool.submitTask(again, [9])
    await settled()
    expect(fakes.at(0).held).toEqual([numbersTo(4), [9]])
    expect(pool.cancelTask(id)).toBe(true)
    await settled()
    expect(fakes.at(0).hasEnded).toBe(true)
    expect(fakes.at(1).held).toEqual([numbersTo(4)])
    fakes.at(1).answerAll()
    expect(await results).toEqual(numbersTo(4))
  })

  test('items that are not idempotent travel one by one between processes, and fail one by one', async () => {
    const fakes = new FakeWorkers('process')
    const pool = fakes.pool({ maxWorkers: 1 })
    const results = pool.map(numbered, numbersTo(3), { chunkSize: 3 })
    const reads = numbersTo(2).map(() => outcomeOf(results.next()))
    await settled()
    expect(fakes.at(0).held).toEqual([[1]])
    fakes.at(0).answer()
    await settled()
    fakes.at(0).die()
    await settled()
    expect(reads).toMatchObject([{ value: { value: 1 } }, { error: { ...crashed, began: true } }])
  })
})

describe('of two envelopes', () => {
  test('the one behind a run that has ended its worker goes to another, and no start of it is lost', async () => {
    const fakes = new FakeWorkers('thread', { ms: 1 })
    const pool = fakes.pool({ maxWorkers: 1 })
    await teach(fakes, pool, numbered, 1)
    await teach(fakes, pool, other, 1)
    const first = [1, 3, 5, 7].map((call) => outcomeOf(pool.run(numbered, [call])))
    const second = outcomeOf(pool.run(other, [2]))
    for (let worker = 0; worker < 4; worker += 1) {
      await settled()
      fakes.at(worker).begin()
      fakes.at(worker).die()
    }
    await settled()
    fakes.with(2).answer()
    await settled()
    expect(first).toMatchObject([1, 3, 5, 7].map(() => ({ error: { ...crashed, began: true } })))
    expect(second).toEqual({ value: 2 })
  })
})

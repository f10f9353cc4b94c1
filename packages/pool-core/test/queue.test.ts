import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { again, numbered, other } from './fixtures/tasks.mjs'
import { FakeWorkers, ignore, outcomeOf, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

const refused = { name: 'QueueFullError', code: 'ERR_TIMEOUT' }

const byNumber = (one: unknown, two: unknown) => Number(one) - Number(two)

describe("whenFull: 'wait'", () => {
  test('a call waits for room, and then for its turn, and submitTask resolves when there is room', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 1 })
    const ids = [1, 2, 3, 4].map((call) => outcomeOf(pool.submitTask(numbered, [call])))
    await settled()
    // One has a worker, one is queued.
    expect(ids).toEqual([{ value: 'task_0' }, { value: 'task_1' }, {}, {}])
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, waitingForRoom: 2 })
    fakes.with(1).answer()
    await settled()
    expect(ids[2]).toEqual({ value: 'task_2' })
    expect(ids[3]).toEqual({})
    for (const call of [2, 3, 4]) {
      fakes.with(call).answer()
      await settled()
    }
    expect(fakes.begunArguments).toEqual([1, 2, 3, 4])
  })

  test.each([0, 1])('room that a cancelled task leaves is given away at once (maxQueued %i)', async (maxQueued) => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued })
    ignore(pool.run(numbered, [1]))
    await settled()
    const controllers = [2, 3].map((call) => {
      const controller = new AbortController()
      ignore(pool.run(numbered, [call], { signal: controller.signal }))
      return controller
    })
    const last = outcomeOf(pool.submitTask(numbered, [4]))
    await settled()
    for (const controller of controllers) controller.abort()
    await settled()
    expect(last).toEqual(maxQueued === 0 ? {} : { value: 'task_0' })
    fakes.with(1).answer()
    await settled()
    fakes.with(4).answer()
    await settled()
    expect(pool.stats()).toMatchObject({ succeeded: 2, cancelled: 2, queued: 0, waitingForRoom: 0 })
  })

  test('without a queue, what waits goes to the first worker that is free, in its order', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2, maxQueued: 0 })
    const calls = [1, 2, 3, 4, 5].map((call) => outcomeOf(pool.run(numbered, [call])))
    await settled()
    expect(pool.stats()).toMatchObject({ running: 2, queued: 0, waitingForRoom: 3 })
    for (const call of [2, 1, 4, 3, 5]) {
      for (const worker of fakes.alive) if (worker.running === undefined) worker.begin()
      fakes.with(call).answer()
      await settled()
    }
    expect(calls).toEqual([1, 2, 3, 4, 5].map((value) => ({ value })))
    expect(fakes.begunArguments).toEqual([1, 2, 3, 4, 5])
  })

  test('without a queue, a worker is started for what waits when the one that it waited for has ended', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, maxTasksPerWorker: 1 })
    const calls = [1, 2].map((call) => outcomeOf(pool.run(numbered, [call])))
    await settled()
    fakes.with(1).answer()
    await settled()
    fakes.with(2).answer()
    await settled()
    expect(calls).toEqual([{ value: 1 }, { value: 2 }])
  })

  test('a task that is aborted while it waits for room leaves, and its id is never given out', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0 })
    ignore(pool.run(numbered, [1]))
    await settled()
    const controller = new AbortController()
    const submitted = rejectionOf(pool.submitTask(numbered, [2], { signal: controller.signal }))
    await settled()
    controller.abort('enough')
    expect(await submitted).toBe('enough')
    expect(pool.stats()).toMatchObject({ waitingForRoom: 0, cancelled: 1 })
  })

  test('a task that comes when there is room again does not pass those that wait for it', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 1 })
    ignore(pool.run(numbered, [1]))
    await settled()
    const controller = new AbortController()
    ignore(pool.run(numbered, [2], { signal: controller.signal }))
    ignore(pool.run(numbered, [3]))
    controller.abort()
    ignore(pool.run(numbered, [4]))
    await settled()
    fakes.with(1).answer()
    await settled()
    expect(fakes.at(0).held).toEqual([[3]])
  })
})

describe("whenFull: 'reject'", () => {
  test.each([0, 1, 2])('with maxQueued %i so many wait, and one for each worker runs', async (maxQueued) => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2, maxQueued, whenFull: 'reject' })
    const calls = Array.from({ length: 2 + maxQueued }, (_, call) => outcomeOf(pool.run(numbered, [call])))
    await settled()
    const more = await rejectionOf(pool.run(numbered, [99]))
    expect(more).toMatchObject({ ...refused, item: [99] })
    expect(more.message).toContain(`it holds ${maxQueued} tasks`)
    expect(pool.stats()).toMatchObject({ running: 2, queued: maxQueued, refused: 1 })
    expect(calls).toEqual(calls.map(() => ({})))
  })

  test('workers that start count as free, and none is free while the pool is paused', async () => {
    const fakes = new FakeWorkers('thread', { readyAtOnce: false })
    const pool = fakes.pool({ maxWorkers: 2, maxQueued: 0, whenFull: 'reject' })
    const calls = [1, 2].map((call) => outcomeOf(pool.run(numbered, [call])))
    expect(await rejectionOf(pool.run(numbered, [3]))).toMatchObject(refused)
    for (const worker of fakes.workers) worker.ready()
    for (const worker of fakes.workers) worker.answer()
    await settled()
    expect(calls).toEqual([{ value: 1 }, { value: 2 }])
    pool.pause()
    expect(await rejectionOf(pool.run(numbered, [4]))).toMatchObject(refused)
  })

  test('submitTask rejects, and its id is not known', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull: 'reject' })
    expect(await pool.submitTask(numbered, [1])).toBe('task_0')
    await settled()
    expect(await rejectionOf(pool.submitTask(numbered, [2]))).toMatchObject(refused)
    expect((await rejectionOf(pool.getTaskResult('task_1'))).code).toBe('ERR_UNKNOWN_TASK')
  })
})

describe("whenFull: 'drop-oldest'", () => {
  test('the oldest of the lowest priority is dropped, and onDropped is told', async () => {
    const fakes = new FakeWorkers('thread')
    const dropped: unknown[] = []
    const pool = fakes.pool({
      maxWorkers: 1,
      maxQueued: 3,
      whenFull: 'drop-oldest',
      onDropped: (task) => dropped.push(task),
    })
    ignore(pool.run(numbered, [0]))
    await settled()
    const submit = (call: number, priority: number) => pool.submitTask(numbered, [call], { priority })
    for (const [call, priority] of [
      [1, 1],
      [2, 0],
      [3, 0],
    ] as const)
      await submit(call, priority)
    await submit(4, 0)
    expect(dropped).toEqual([{ id: 'task_1', task: 'numbered', args: [2] }])
    expect((await rejectionOf(pool.getTaskResult('task_1'))).code).toBe('ERR_TASK_DROPPED')
    // Less urgent than all that wait.
    const unwanted = await rejectionOf(pool.run(numbered, [5], { priority: -1 }))
    expect(unwanted.code).toBe('ERR_TASK_DROPPED')
    expect(dropped[1]).toEqual({ id: undefined, task: 'numbered', args: [5] })
    expect(pool.stats()).toMatchObject({ queued: 3, dropped: 2 })
    for (const call of [0, 1, 3, 4]) {
      fakes.with(call).answer()
      await settled()
    }
    expect(fakes.begunArguments).toEqual([0, 1, 3, 4])
  })

  test('without a queue the new one is dropped', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull: 'drop-oldest' })
    ignore(pool.run(numbered, [1]))
    await settled()
    expect((await rejectionOf(pool.run(numbered, [2]))).code).toBe('ERR_TASK_DROPPED')
    expect(fakes.at(0).held).toEqual([[1]])
  })
})

describe("whenFull: 'caller-runs'", () => {
  test('the task runs here, with copies, and counts as running until it is done', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull: 'caller-runs' })
    ignore(pool.run(numbered, [1]))
    await settled()
    const args: [{ readonly deep: number[] }] = [{ deep: [1] }]
    const here = pool.run(function push(value: { readonly deep: number[] }) {
      value.deep.push(2)
      return value.deep.length
    }, args)
    expect(await here).toBe(2)
    expect(args[0].deep).toEqual([1])
    expect(fakes.begun).toHaveLength(0)
    expect(pool.stats()).toMatchObject({ succeeded: 1, running: 1 })
  })

  test('what it throws is its error, a submitted one has its row, and drain waits for it', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull: 'caller-runs' })
    const first = pool.run(numbered, [1])
    await settled()
    const id = await pool.submitTask(function broken(): never {
      throw Object.assign(new RangeError('here'), { code: 'E_HERE' })
    }, [])
    expect(await rejectionOf(pool.getTaskResult(id))).toMatchObject({ name: 'RangeError', code: 'E_HERE' })
    const slow = outcomeOf(
      pool.run(async function slow() {
        await new Promise((resolve) => queueMicrotask(() => resolve(undefined)))
        return 'done'
      }, []),
    )
    expect(pool.stats().running).toBe(2)
    const drained = pool.drain()
    fakes.with(1).answer()
    await Promise.all([drained, first])
    expect(slow).toEqual({ value: 'done' })
    expect(pool.stats()).toMatchObject({ succeeded: 2, failed: 1, running: 0 })
  })

  test('a closed pool runs nothing here, nor does one that is paused, and a stream waits', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 0, whenFull: 'caller-runs' })
    ignore(pool.run(numbered, [1]))
    await settled()
    const waiting = outcomeOf(
      pool
        .stream(function* values() {
          yield 1
        }, [])
        .next(),
    )
    pool.pause()
    ignore(pool.run(numbered, [4]))
    await settled()
    expect([waiting, pool.stats().waitingForRoom, pool.stats().succeeded]).toEqual([{}, 2, 0])
    expect(await rejectionOf(pool.run(numbered, [2], { signal: AbortSignal.abort('no') }))).toBe('no')
    await pool.terminate()
    expect((await rejectionOf(pool.run(numbered, [3]))).code).toBe('ERR_CLOSED')
  })
})

describe('pause, clear and onIdle', () => {
  test('a paused pool takes tasks on and begins none, until it is resumed', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 2 })
    ignore(pool.run(numbered, [1]))
    await settled()
    fakes.begin(1)
    pool.pause()
    expect(pool.paused).toBe(true)
    for (const call of [2, 3]) ignore(pool.run(numbered, [call]))
    ignore(pool.broadcast(other, [9]))
    fakes.with(1).answer()
    await settled()
    expect(fakes.workers.map(({ held }) => held)).toEqual([[]])
    pool.resume()
    expect(pool.paused).toBe(false)
    await settled()
    expect(fakes.alive.flatMap(({ held }) => held.flat()).toSorted(byNumber)).toEqual([9, 9])
    for (const worker of fakes.workers) worker.answer()
    await settled()
    expect(fakes.alive.flatMap(({ held }) => held.flat()).toSorted(byNumber)).toEqual([2, 3])
  })

  test('what was sent and has not begun does not begin in a paused pool; in one that is cleared, never', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const result = outcomeOf(pool.run(numbered, [1]))
    await settled()
    pool.pause()
    expect([fakes.at(0).begin(), pool.stats().queued, pool.stats().running]).toEqual([false, 1, 0])
    pool.resume()
    await settled()
    fakes.with(1).answer()
    await settled()
    expect(result).toHaveProperty('value')
    const dropped = outcomeOf(pool.run(numbered, [2]))
    ignore(pool.broadcast(other, [9]))
    await settled()
    expect([pool.clear(), fakes.at(0).begin()]).toEqual([2, false])
    await settled()
    expect(dropped).toMatchObject({ error: { code: 'ERR_TASK_DROPPED' } })
  })

  test('drain resumes a paused pool', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    pool.pause()
    const call = pool.run(numbered, [1])
    const drained = pool.drain()
    await settled()
    fakes.with(1).answer()
    await drained
    expect(await call).toBe(1)
  })

  test('clear drops what is queued and what waits for room, and neither what runs nor maps', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, maxQueued: 1 })
    const calls = [1, 2, 3].map((call) => outcomeOf(pool.run(numbered, [call])))
    await settled()
    const mapped = pool.map(numbered, [10]).toArray()
    await settled()
    fakes.begin(1)
    expect(pool.clear()).toBe(2)
    await settled()
    const dropped = { error: expect.objectContaining({ code: 'ERR_TASK_DROPPED' }) }
    expect(calls).toEqual([{}, dropped, dropped])
    fakes.with(1).answer()
    await settled()
    fakes.with(10).answer()
    expect(await mapped).toEqual([10])
    expect(pool.stats()).toMatchObject({ dropped: 2, succeeded: 2, queued: 0, waitingForRoom: 0 })
    expect(pool.clear()).toBe(0)
  })

  test('onIdle resolves when nothing runs and nothing waits, at once if that is so', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    await pool.onIdle()
    const calls = Promise.all([1, 2].map((call) => pool.run(again, [call])))
    const idle = outcomeOf(pool.onIdle())
    await settled()
    fakes.with(1).answer()
    await settled()
    expect(idle).toEqual({})
    fakes.with(2).answer()
    await calls
    await setImmediate()
    expect(idle).toEqual({ value: undefined })
  })

  test('onIdle gives up at its timeout or with its signal, and leaves the tasks alone', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const call = pool.run(numbered, [1])
    expect((await rejectionOf(pool.onIdle({ timeout: 0 }))).code).toBe('ERR_TIMEOUT')
    const controller = new AbortController()
    const idle = rejectionOf(pool.onIdle({ signal: controller.signal }))
    controller.abort('enough')
    expect(await idle).toBe('enough')
    await settled()
    fakes.with(1).answer()
    expect(await call).toBe(1)
  })
})

describe('priorities', () => {
  test('the higher priority is first, equal ones are in their order, and a task without one is among them', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    ignore(pool.run(numbered, [0]))
    await settled()
    const priorities = [0, 1, -1, 1, 0, 5]
    for (const [index, priority] of priorities.entries()) ignore(pool.run(numbered, [index + 1], { priority }))
    await settled()
    for (let run = 0; run <= priorities.length; run += 1) {
      fakes.at(0).answer()
      await settled()
    }
    expect(fakes.begunArguments).toEqual([0, 6, 2, 4, 1, 5, 3])
  })
})

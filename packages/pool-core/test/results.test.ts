import diagnostics from 'node:diagnostics_channel'
import { defineTask, type PoolOptions, taskContext } from '@heddle/pool-core'
import { describe, expect, test } from '@jest/globals'
import { again, numbered } from './fixtures/tasks.mjs'
import { FakeWorkers, outcomeOf, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

describe('submitted tasks', () => {
  test('wait to be taken, once, as rows or by id; an unknown id is an error', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const ids = await Promise.all([1, 2, 3].map((call) => pool.submitTask(numbered, [call])))
    await settled()
    fakes.with(1).answer('one')
    await settled()
    fakes.with(2).fail(new RangeError('two'))
    await settled()
    expect(await pool.getTaskResult(ids[0] as string)).toBe('one')
    expect((await rejectionOf(pool.getTaskResult(ids[0] as string))).code).toBe('ERR_UNKNOWN_TASK')
    const both = [outcomeOf(pool.getTaskResult(ids[2] as string)), outcomeOf(pool.getTaskResult(ids[2] as string))]
    fakes.with(3).answer('three')
    await settled()
    expect(both).toEqual([{ value: 'three' }, { value: 'three' }])
    expect([...(await pool.waitForAllTasks())]).toEqual([
      [ids[1], { status: 'error', error: expect.objectContaining({ message: 'two' }) }],
    ])
    expect((await rejectionOf(pool.getTaskResult(7 as never))).code).toBe('ERR_INVALID_ARG')
  })

  test('at most maxResults wait: the one that settled first is dropped first, and counted', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3, maxResults: 2 })
    const ids = await Promise.all([1, 2, 3].map((call) => pool.submitTask(numbered, [call])))
    await settled()
    for (const call of [2, 1, 3]) fakes.with(call).answer()
    expect([...(await pool.waitForAllTasks()).keys()]).toEqual([ids[0], ids[2]])
    expect(pool.stats().droppedResults).toBe(1)
  })

  test('come as they are done, those submitted meanwhile included, until none is left', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 3 })
    await Promise.all([1, 2].map((call) => pool.submitTask(numbered, [call])))
    await settled()
    fakes.with(2).answer()
    const taken: unknown[] = []
    for await (const row of pool.asCompleted()) {
      taken.push(row.id)
      if (taken.length === 1) {
        await pool.submitTask(numbered, [3])
        await settled()
        fakes.with(3).answer()
      } else if (taken.length === 2) fakes.with(1).answer()
    }
    expect(taken).toEqual(['task_1', 'task_2', 'task_0'])
  })

  test('a wait ends with its signal, and the task goes on', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const id = await pool.submitTask(numbered, [1])
    expect(await rejectionOf(pool.getTaskResult(id, { signal: AbortSignal.abort('no') }))).toBe('no')
    const controller = new AbortController()
    const waits = [
      rejectionOf(pool.getTaskResult(id, { signal: controller.signal })),
      rejectionOf(pool.waitForAllTasks({ signal: controller.signal })),
      rejectionOf(pool.asCompleted({ signal: controller.signal }).next()),
    ]
    await settled()
    controller.abort('enough')
    expect(await Promise.all(waits)).toEqual(['enough', 'enough', 'enough'])
    await settled()
    fakes.with(1).answer()
    expect(await pool.getTaskResult(id)).toBe(1)
  })
})

describe('what a pool tells', () => {
  test('each task and each worker on the diagnostics channels, with the counts of the moment', async () => {
    const seen: string[] = []
    const note = (message: unknown) => {
      const { event, pool, running, queued, task, id, attempt, threadId, how } = message as Record<string, string>
      if (pool !== 'crew') return
      seen.push(
        task === undefined
          ? `worker ${threadId} ${event}${how === undefined ? '' : `: ${how}`}`
          : `${task} ${id} ${event} (${attempt}) ${running}/${queued}`,
      )
    }
    const names = ['heddle:pool-core:task', 'heddle:pool-core:worker']
    for (const name of names) diagnostics.subscribe(name, note)
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1, name: 'crew' })
    expect(pool.name).toBe('crew')
    const id = await pool.submitTask(again, [1])
    await settled()
    fakes.begin(1).die()
    await settled()
    fakes.with(1).answer()
    await pool.getTaskResult(id)
    await pool.terminate()
    for (const name of names) diagnostics.unsubscribe(name, note)
    expect(seen).toEqual([
      'again task_0 queued (1) 0/1',
      'worker 1 started',
      'again task_0 started (1) 1/0',
      'worker 1 crashed: ended with exit code 7',
      'worker 2 started',
      'again task_0 started (2) 1/0',
      'again task_0 succeeded (2) 0/0',
      'worker 2 ended: was ended',
    ])
  })

  test('what a callback throws is an uncaught exception of its own, and hurts nobody else', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const thrown: unknown[] = []
    const { queueMicrotask: real } = globalThis
    globalThis.queueMicrotask = (callback) =>
      real(() => {
        try {
          callback()
        } catch (error) {
          thrown.push(error)
        }
      })
    const problem = new Error('of the callback')
    const call = pool.run(numbered, [1], {
      onProgress: () => {
        throw problem
      },
    })
    await settled()
    fakes.begin(1).progress('step')
    fakes.with(1).answer()
    await settled()
    globalThis.queueMicrotask = real
    expect(await call).toBe(1)
    expect(thrown).toEqual([problem])
  })

  test('of many tasks a worker forgets the one that was not used for longest, and is told again when it comes back', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const tasks = Array.from({ length: 1_002 }, (_, index) =>
      defineTask('file:///many.mjs', `task${index}`, (number: number) => number),
    )
    const [first] = tasks as [(typeof tasks)[0]]
    for (const task of [first, ...tasks, first]) {
      const done = pool.run(task, [1])
      await Promise.resolve()
      if (fakes.workers[0]?.parcels.length !== 1) await settled()
      fakes.at(0).answer()
      await done
    }
    const worker = fakes.at(0)
    expect(worker.envelopes).toHaveLength(1_004)
    // Each once, and the first again.
    expect(worker.of('task')).toHaveLength(1_003)
    expect(worker.of('forget').map(({ ref }) => ref)).toEqual([1, 2, 3])
  })
})

describe('bad arguments', () => {
  const invalid = 'ERR_INVALID_ARG'
  const range = 'ERR_OUT_OF_RANGE'
  test.each<[keyof PoolOptions, unknown, string]>([
    ['maxWorkers', 0, range],
    ['maxWorkers', '2', invalid],
    ['minWorkers', -1, range],
    ['minWorkers', 99_999, range],
    ['idleTimeout', -1, range],
    ['idleTimeout', '1', invalid],
    ['maxTasksPerWorker', 0, range],
    ['maxQueued', 0.5, range],
    ['maxResults', 0, range],
    ['abortGrace', Number.NaN, range],
    ['startTimeout', -5, range],
    ['whenFull', 'never', invalid],
    ['onDropped', 'no function', invalid],
    ['name', '', invalid],
    ['name', 7, invalid],
    ['execArgv', 'a string', invalid],
    ['env', { A: 1 }, invalid],
    ['resourceLimits', { stackSizeMb: 0 }, range],
    ['initializer', 7, invalid],
    ['initializerArgs', 7, invalid],
  ])('%s: %p is refused, and no worker starts', (option, value, code) => {
    const fakes = new FakeWorkers('thread')
    expect(() => fakes.pool({ maxWorkers: 2, minWorkers: 1, [option]: value })).toThrow(
      expect.objectContaining({ code }),
    )
    expect(fakes.workers).toHaveLength(0)
  })

  test.each([
    [{ timeout: -1 }, range],
    [{ timeout: '1' }, invalid],
    [{ signal: {} }, invalid],
    [{ signal: null }, invalid],
    [{ priority: Number.POSITIVE_INFINITY }, range],
    [{ priority: 'high' }, invalid],
    [{ transfer: [1] }, invalid],
    [{ onProgress: 7 }, invalid],
    [{ retries: { crashes: -1 } }, range],
    [{ retries: { errors: 1n } }, invalid],
    [7, invalid],
    [null, invalid],
  ])('run with %p rejects, and nothing runs', async (options, code) => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    expect((await rejectionOf(pool.run(again, [1], options as never))).code).toBe(code)
    await settled()
    expect(fakes.workers).toHaveLength(0)
  })

  test('no task, no list of arguments, or retries of what may not run twice reject as well', async () => {
    const fakes = new FakeWorkers('thread')
    const pool = fakes.pool({ maxWorkers: 1 })
    const codes = await Promise.all(
      [
        pool.run(7 as never, [] as never),
        pool.run(numbered, 'none' as never),
        pool.run(numbered, [1], { retries: { errors: 1 } }),
        pool.submitTask(numbered, [() => undefined] as never),
      ].map(async (call) => (await rejectionOf(call)).code),
    )
    expect(codes).toEqual([invalid, invalid, invalid, 'ERR_NOT_CLONEABLE'])
  })

  test('outside of a pool a task has a context whose signal never aborts', () => {
    const { id, attempt, signal, isAborted, progress } = taskContext()
    expect([id, attempt, signal.aborted, isAborted, progress('nobody')]).toEqual([
      undefined,
      1,
      false,
      false,
      undefined,
    ])
  })
})

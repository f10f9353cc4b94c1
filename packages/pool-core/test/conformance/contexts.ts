import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolManager, TaskFunction } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, until } from '../support/observe.js'
import type { Kit } from './kit.js'
import { taskFunctions } from './task-functions.mjs'

export function contexts({ createPool, sharedPool, defineTask, fixture, tasks, boundary }: Kit): void {
  const idempotent = <Fn extends TaskFunction>(name: string, fn: Fn, errors: number) =>
    defineTask(fixture('tasks.mjs'), name, fn, { idempotent: true, retries: { errors } })

  /** Runs a task that tells which worker it is in; resolves with that, and with how to abort it. */
  async function begin(pool: PoolManager, task: typeof tasks.ignoreAbort | typeof tasks.endOnAbort, args: string[]) {
    const controller = new AbortController()
    let settled = false
    let told: unknown
    const rejection = rejectionOf(
      pool.run(task as typeof tasks.endOnAbort, args as [string], {
        signal: controller.signal,
        onProgress: (value) => {
          told = value
        },
      }),
    ).finally(() => {
      settled = true
    })
    await until(() => told !== undefined || settled, 'word of the task')
    return { worker: told, rejection, abort: (reason?: unknown) => controller.abort(reason) }
  }

  test('a submitted task knows the id that its caller has, one that was run has none', async () => {
    const pool = sharedPool(1)
    const id = await pool.submitTask(tasks.context, [])
    expect(await pool.getTaskResult(id)).toEqual({ id, attempt: 1, aborted: false })
    expect(await pool.run(tasks.context, [])).toEqual({ id: undefined, attempt: 1, aborted: false })
  })

  test('a task that is run again knows the how manieth run it is', async () => {
    const pool = sharedPool(1)
    const task = idempotent('succeedAt', taskFunctions.succeedAt, 2)
    expect(await pool.run(task, [3])).toBe(3)
    expect((await rejectionOf(pool.run(task, [4]))).message).toBe('attempt 3')
    expect((await rejectionOf(pool.run(task, [2], { retries: { errors: 0 } }))).message).toBe('attempt 1')
  })

  test('a task that is called directly has a context too: no id, never aborted, nobody listens', () => {
    expect(tasks.context()).toEqual({ id: undefined, attempt: 1, aborted: false })
    expect(tasks.tell(3)).toBe('told')
  })

  test('all that a task tells comes in its order, and before its result', async () => {
    const pool = sharedPool(1)
    const told: unknown[] = []
    expect(await pool.run(tasks.tell, [1_000], { onProgress: (value) => told.push(value) })).toBe('told')
    expect(told).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    expect(await pool.run(tasks.tell, [2])).toBe('told')
    expect(told).toHaveLength(1_000)
  })

  test('what a task tells in the middle of a loop is heard while it loops', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const told: unknown[] = []
    const running = pool.run(tasks.tellAndBlock, [gate.dir], { onProgress: (value) => told.push(value) })
    await until(() => told.length > 0, 'the first word')
    expect(told).toEqual(['begun'])
    gate.open()
    expect(await running).toBe('done')
    expect(told).toEqual(['begun', 'ended'])
  })

  test('a value that cannot be told is an error in the task, with its path, and costs nothing', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    const told: unknown[] = []
    const telling = pool.run(tasks.tellUncloneable, [], { onProgress: (value) => told.push(value) })
    expect(await telling).toEqual({ code: 'ERR_NOT_CLONEABLE', path: '.deep[0]' })
    expect(told).toEqual([])
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('what a task tells after its end is not heard', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const told: unknown[] = []
    await pool.run(tasks.tellLater, [gate.dir], { onProgress: (value) => told.push(value) })
    gate.open()
    await gate.begun('told')
    await pool.run(tasks.add, [1, 2])
    expect(told).toEqual(['in time'])
  })

  test("onProgress and whoever awaits are in the caller's own asynchronous context, however many callers there are", async () => {
    const pool = sharedPool(2)
    const storage = new AsyncLocalStorage<string>()
    const seen: [string | undefined, [string, string]][] = []
    const call = (name: string) =>
      storage.run(name, async () => {
        const onProgress = (value: unknown) => seen.push([storage.getStore(), value as [string, string]])
        const result = await pool.run(tasks.tellAround, [name], { onProgress })
        expect([storage.getStore(), result]).toEqual([name, name])
      })
    const names = Array.from({ length: 8 }, (_, n) => `caller ${n}`)
    await Promise.all(names.map(call))
    expect(seen).toHaveLength(16)
    expect(seen.filter(([store, [told]]) => store !== told)).toEqual([])
  })

  test('a task that ends by itself when it is aborted keeps its worker, and has heard the reason', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 60_000 })
    const gate = new Gate()
    const { worker, rejection, abort } = await begin(pool, tasks.endOnAbort, [gate.dir])
    const reason = Object.assign(new RangeError('mine'), { code: 'E_MINE' })
    abort(reason)
    expect(await rejection).toBe(reason)
    expect(await pool.run(tasks.worker, [])).toBe(worker)
    expect(gate.log()).toEqual(['RangeError: mine (E_MINE)'])
  })

  test('a submitted task that is cancelled ends by itself in the same way', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 60_000 })
    const gate = new Gate()
    const told: unknown[] = []
    const id = await pool.submitTask(tasks.endOnAbort, [gate.dir], { onProgress: (value) => told.push(value) })
    await until(() => told.length > 0, 'word of the task')
    expect(pool.cancelTask(id)).toBe(true)
    expect((await rejectionOf(pool.getTaskResult(id))).name).toBe('AbortError')
    expect(await pool.run(tasks.worker, [])).toBe(told[0])
    expect(gate.log()[0]).toContain('AbortError')
  })

  test('a timeout is an abort like any other for a task that has asked', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 60_000 })
    const gate = new Gate()
    const told: unknown[] = []
    const running = pool.run(tasks.endOnAbort, [gate.dir], { timeout: 200, onProgress: (value) => told.push(value) })
    expect((await rejectionOf(running)).code).toBe('ERR_TIMEOUT')
    expect(await pool.run(tasks.worker, [])).toBe(told[0])
    expect(gate.log()[0]).toContain('(ERR_TIMEOUT)')
  })

  test('one that has asked and does not end loses its worker after abortGrace, and not before; its caller does not wait', async () => {
    const grace = 300
    const pool = createPool({ maxWorkers: 1, abortGrace: grace })
    const { worker, rejection, abort } = await begin(pool, tasks.ignoreAbort, [])
    const next = pool.run(tasks.worker, [])
    const aborted = performance.now()
    abort('enough')
    expect(await rejection).toBe('enough')
    expect(performance.now() - aborted).toBeLessThan(grace)
    expect(await next).not.toBe(worker)
    expect(performance.now() - aborted).toBeGreaterThanOrEqual(grace)
  })

  test.each([
    ['has not asked', 'notListen', 60_000],
    ['has asked, with abortGrace 0,', 'ignoreAbort', 0],
  ] as const)('one that %s loses its worker at once', async (_, name, abortGrace) => {
    const pool = createPool({ maxWorkers: 1, abortGrace })
    const { worker, rejection, abort } = await begin(pool, tasks[name], [])
    abort('enough')
    expect(await rejection).toBe('enough')
    expect(await pool.run(tasks.worker, [])).not.toBe(worker)
  })

  test('isAborted is seen by a loop that never comes back to the event loop, in a thread; in a process it is ended', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: boundary === 'thread' ? 60_000 : 50 })
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    const controller = new AbortController()
    const told: unknown[] = []
    const polling = rejectionOf(
      pool.run(tasks.pollAbort, [gate.dir], { signal: controller.signal, onProgress: (value) => told.push(value) }),
    )
    await until(() => told.length > 0, 'word of the task')
    expect(told).toEqual(['asked false'])
    controller.abort('enough')
    expect(await polling).toBe('enough')
    const next = await pool.run(tasks.worker, [])
    expect([next === worker, gate.log()]).toEqual(boundary === 'thread' ? [true, ['seen']] : [false, []])
  })

  test('an abort of one task is not seen by the next in the same worker', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 60_000 })
    const gate = new Gate()
    for (let round = 0; round < 3; round += 1) {
      const { rejection, abort } = await begin(pool, tasks.endOnAbort, [gate.dir])
      abort(round)
      expect(await rejection).toBe(round)
      expect(await pool.run(tasks.context, [])).toMatchObject({ aborted: false })
    }
  })
}

import { getEventListeners } from 'node:events'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, turnsOfTheLoop, until } from '../support/observe.js'
import type { Kit } from './kit.js'

/** What a busy machine may take to end a worker, in milliseconds. */
const slack = 5_000

export function giving({ createPool, sharedPool, tasks }: Kit): void {
  test('a task that never ends is ended by its timeout, not before it, and the next task runs in a new worker', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    for (const loop of [tasks.spin, tasks.spinInMicrotasks]) {
      const worker = await pool.run(tasks.worker, [])
      const begun = performance.now()
      const error = await rejectionOf(pool.run(loop, [gate.dir, 'loop'], { timeout: 40 }))
      const waited = performance.now() - begun
      expect([error.name, error.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
      expect(error.message).toContain(loop.name)
      expect(waited).toBeGreaterThanOrEqual(40)
      expect(waited).toBeLessThan(40 + slack)
      expect(await pool.run(tasks.worker, [])).not.toBe(worker)
    }
  })

  test('the clock of a timeout starts when the task begins, not while it is queued', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const first = pool.run(tasks.hold, [gate.dir, 'first'])
    const limit = 300
    const queued = pool.run(tasks.hold, [gate.dir, 'queued'], { timeout: limit })
    const submitted = performance.now()
    await until(() => performance.now() - submitted > limit + 50, 'more time than the queued task may run')
    gate.open()
    expect(await Promise.all([first, queued])).toEqual(['first', 'queued'])
  })

  test('a task that is done in time leaves no timer: its worker lives on and serves the next', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    await pool.run(tasks.add, [1, 2], { timeout: 60 })
    const done = performance.now()
    await until(() => performance.now() - done > 120, 'twice the timeout')
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('timeout 0 gives a task no time at all, Infinity all the time it wants', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    expect((await rejectionOf(pool.run(tasks.hold, [gate.dir, 'none'], { timeout: 0 }))).code).toBe('ERR_TIMEOUT')
    const all = pool.run(tasks.hold, [gate.dir, 'all'], { timeout: Number.POSITIVE_INFINITY })
    await gate.begun('all')
    gate.open()
    expect(await all).toBe('all')
  })

  test('with a signal that has aborted already the task never runs', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const signal = AbortSignal.abort(new Error('before'))
    expect(await rejectionOf(pool.run(tasks.log, [gate.dir, 'never'], { signal }))).toBe(signal.reason)
    expect(await rejectionOf(pool.submitTask(tasks.log, [gate.dir, 'never'], { signal }))).toBe(signal.reason)
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['next'])
  })

  test('a queued task that is aborted rejects at once, never runs, and the others keep their order', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const controller = new AbortController()
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    const before = pool.run(tasks.log, [gate.dir, 'before'])
    const aborted = pool.run(tasks.log, [gate.dir, 'aborted'], { signal: controller.signal })
    const after = pool.run(tasks.log, [gate.dir, 'after'])
    await gate.begun('held')
    controller.abort()
    expect(await rejectionOf(aborted)).toBe(controller.signal.reason)
    expect(gate.log()).toEqual(['held'])
    gate.open()
    await Promise.all([held, before, after])
    expect(gate.log()).toEqual(['held', 'before', 'after'])
  })

  test('a running task that is aborted rejects, its worker ends though it loops, and the next task runs in a new one', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const controller = new AbortController()
    const worker = await pool.run(tasks.worker, [])
    const looping = pool.run(tasks.spin, [gate.dir, 'loop'], { signal: controller.signal })
    const behind = pool.run(tasks.worker, [])
    await gate.begun('loop')
    const aborted = performance.now()
    controller.abort()
    expect(await rejectionOf(looping)).toBe(controller.signal.reason)
    expect(await behind).not.toBe(worker)
    expect(performance.now() - aborted).toBeLessThan(slack)
  })

  test('a queued task that is aborted rejects with the very reason, whatever it is', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const reasons = [new RangeError('mine'), 'mine', null, 0, { mine: true }, () => {}]
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    for (const reason of reasons) {
      const controller = new AbortController()
      const queued = rejectionOf(pool.run(tasks.log, [gate.dir, 'never'], { signal: controller.signal }))
      controller.abort(reason)
      expect(await queued).toBe(reason)
    }
    gate.open()
    await held
    expect(gate.log()).toEqual(['held'])
  })

  test('a running task that is aborted rejects with the very reason, even null', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const controller = new AbortController()
    const running = rejectionOf(pool.run(tasks.hold, [gate.dir, 'running'], { signal: controller.signal }))
    await gate.begun('running')
    controller.abort(null)
    expect(await running).toBeNull()
  })

  test('one signal for many tasks has one listener, and none when they are done', async () => {
    const pool = sharedPool(2)
    const warnings: Error[] = []
    const collect = (warning: Error) => warnings.push(warning)
    process.on('warning', collect)
    const { signal } = new AbortController()
    const running = Array.from({ length: 300 }, (_, n) => pool.run(tasks.square, [n], { signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    expect((await Promise.all(running))[299]).toBe(299 ** 2)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    process.off('warning', collect)
    expect(warnings).toEqual([])
  })

  test('one abort ends thousands of tasks at once, through one listener that is gone then', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const controller = new AbortController()
    const { signal } = controller
    const running = Array.from({ length: 2_000 }, (_, n) => pool.run(tasks.hold, [gate.dir, String(n)], { signal }))
    const rejections = Promise.all(running.map(rejectionOf))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await gate.begun('0')
    controller.abort('enough')
    expect(new Set(await rejections)).toEqual(new Set(['enough']))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    expect(gate.log()).toEqual(['0'])
  })

  test('an abort after the end changes nothing: the result stays, and so does the worker', async () => {
    const pool = sharedPool(1)
    const controller = new AbortController()
    const worker = await pool.run(tasks.worker, [], { signal: controller.signal })
    const id = await pool.submitTask(tasks.add, [1, 2], { signal: controller.signal })
    await pool.run(tasks.add, [0, 0])
    controller.abort()
    await turnsOfTheLoop()
    expect(await pool.getTaskResult(id)).toBe(3)
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })
}

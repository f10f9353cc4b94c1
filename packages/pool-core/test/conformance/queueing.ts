import type { DroppedTask } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, turnsOfTheLoop, until } from '../support/observe.js'
import type { Kit } from './kit.js'

export function queueing({ createPool, tasks }: Kit): void {
  const here = tasks.worker()

  test('with a full queue submitTask waits for room, and the id that it gives then works', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 1 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const queued = await pool.submitTask(tasks.log, [gate.dir, 'queued'])
    let isAdmitted = false
    const waiting = pool.submitTask(tasks.hold, [gate.dir, 'waiting']).finally(() => {
      isAdmitted = true
    })
    const last = pool.run(tasks.log, [gate.dir, 'last'])
    await turnsOfTheLoop()
    expect(isAdmitted).toBe(false)
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, waitingForRoom: 2 })
    // It has no id yet, so there is nothing that could be cancelled or waited for.
    expect([...(await pool.waitForAllTasks({ timeout: 0 })).keys()]).toEqual([queued])
    gate.open()
    expect(await pool.getTaskResult(await waiting)).toBe('waiting')
    await Promise.all([held, last])
    expect(gate.log()).toEqual(['running', 'queued', 'waiting', 'last'])
  })

  test('what waits for room can be aborted, and the room goes to the next', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 1 })
    const gate = new Gate()
    const controller = new AbortController()
    const { signal } = controller
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const queued = pool.run(tasks.log, [gate.dir, 'queued'])
    const aborted = pool.submitTask(tasks.log, [gate.dir, 'aborted'], { signal })
    const next = pool.run(tasks.log, [gate.dir, 'next'])
    controller.abort('enough')
    expect(await rejectionOf(aborted)).toBe('enough')
    gate.open()
    await Promise.all([held, queued, next])
    expect(gate.log()).toEqual(['running', 'queued', 'next'])
  })

  test('the room that a cancelled task leaves in the queue is taken at once', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 1 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const cancelled = await pool.submitTask(tasks.log, [gate.dir, 'cancelled'])
    const waiting = pool.submitTask(tasks.log, [gate.dir, 'waiting'])
    expect(pool.cancelTask(cancelled)).toBe(true)
    const id = await waiting
    expect(pool.stats()).toMatchObject({ queued: 1, waitingForRoom: 0 })
    gate.open()
    await held
    expect(await pool.getTaskResult(id)).toBeUndefined()
    expect(gate.log()).toEqual(['running', 'waiting'])
  })

  test("with whenFull 'reject' a task that finds the queue full is refused, and handed back; later ones are taken on", async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 1, whenFull: 'reject', name: 'counter' })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const queued = pool.run(tasks.log, [gate.dir, 'queued'])
    const args = [gate.dir, 'refused'] as const
    for (const refused of [pool.run(tasks.log, args), pool.submitTask(tasks.log, args)]) {
      const error = await rejectionOf(refused)
      expect([error.name, error.code]).toEqual(['QueueFullError', 'ERR_TIMEOUT'])
      expect(error).toMatchObject({ item: args })
      expect(error.message).toContain('counter')
    }
    const problem = new RangeError('as it was')
    const withError = await rejectionOf(pool.run(tasks.echo, [{ problem }]))
    expect(withError).toMatchObject({ item: [{ problem: { name: 'RangeError', message: 'as it was' } }] })
    gate.open()
    await Promise.all([held, queued])
    await pool.run(tasks.log, [gate.dir, 'later'])
    expect(gate.log()).toEqual(['running', 'queued', 'later'])
    expect(pool.stats()).toMatchObject({ refused: 3, succeeded: 3 })
  })

  test("with whenFull 'caller-runs' a task that finds the queue full runs here, at once, with copies", async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 0, whenFull: 'caller-runs' })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const mine: unknown[] = ['mine']
    const [length, list, worker] = await pool.run(tasks.mark, [mine])
    expect([length, list, worker]).toEqual([2, ['mine', 'marked'], here])
    expect(mine).toEqual(['mine'])
    const logged = pool.run(tasks.log, [gate.dir, 'here'])
    expect(gate.log()).toEqual(['running', 'here'])
    await logged
    expect((await rejectionOf(pool.run(tasks.failLater, ['custom']))).code).toBe('ERR_ORDER')
    expect((await rejectionOf(pool.run(tasks.make, ['function']))).code).toBe('ERR_NOT_CLONEABLE')
    const id = await pool.submitTask(tasks.addLater, [1, 2])
    expect(pool.cancelTask(id)).toBe(false)
    expect(await pool.getTaskResult(id)).toBe(3)
    gate.open()
    await held
    expect(await pool.run(tasks.worker, [])).not.toBe(here)
  })

  test('drain waits for what runs here', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 0, whenFull: 'caller-runs' })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'there'])
    await gate.begun('there')
    const done: string[] = []
    const running = pool.run(tasks.hold, [gate.dir, 'here']).then((label) => done.push(label))
    const drained = pool.drain().then(() => done.push('drained'))
    expect(gate.log()).toEqual(['there', 'here'])
    gate.open()
    await Promise.all([held, running, drained])
    expect(done).toEqual(['here', 'drained'])
  })

  test("with whenFull 'drop-oldest' the oldest in the queue is dropped, and onDropped is told of it", async () => {
    const dropped: DroppedTask[] = []
    const onDropped = (task: DroppedTask) => dropped.push(task)
    const pool = createPool({ maxWorkers: 1, maxQueued: 2, whenFull: 'drop-oldest', onDropped })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const oldest = await pool.submitTask(tasks.log, [gate.dir, 'oldest'])
    const second = rejectionOf(pool.run(tasks.log, [gate.dir, 'second']))
    const kept = [pool.run(tasks.log, [gate.dir, 'third']), pool.run(tasks.log, [gate.dir, 'fourth'])]
    for (const error of [await rejectionOf(pool.getTaskResult(oldest)), await second])
      expect([error.name, error.code]).toEqual(['TaskError', 'ERR_TASK_DROPPED'])
    expect(dropped).toEqual([
      { id: oldest, task: 'log', args: [gate.dir, 'oldest'] },
      { id: undefined, task: 'log', args: [gate.dir, 'second'] },
    ])
    gate.open()
    await Promise.all([held, ...kept])
    expect(gate.log()).toEqual(['running', 'third', 'fourth'])
    expect(pool.stats().dropped).toBe(2)
  })

  test('of priorities the lowest is dropped first, though it be the new one', async () => {
    const dropped: unknown[] = []
    const onDropped = ({ args }: DroppedTask) => dropped.push(args[1])
    const pool = createPool({ maxWorkers: 1, maxQueued: 2, whenFull: 'drop-oldest', onDropped })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const submit = (label: string, priority: number) => pool.run(tasks.log, [gate.dir, label], { priority })
    const runs = [submit('high', 1), submit('low', -1), submit('plain', 0), submit('lower', -2), submit('higher', 2)]
    const settled = Promise.allSettled(runs)
    await turnsOfTheLoop()
    expect(dropped).toEqual(['low', 'lower', 'plain'])
    gate.open()
    await held
    expect((await settled).map(({ status }) => status === 'fulfilled')).toEqual([true, false, false, false, true])
    expect(gate.log()).toEqual(['running', 'higher', 'high'])
  })

  test('with maxQueued 0 nothing waits: as many are taken on as workers are free, up or not', async () => {
    const pool = createPool({ maxWorkers: 2, maxQueued: 0, whenFull: 'reject' })
    for (let round = 0; round < 2; round++) {
      const gate = new Gate()
      const held = ['a', 'b'].map((label) => pool.run(tasks.hold, [gate.dir, label]))
      expect((await rejectionOf(pool.run(tasks.add, [1, 2]))).name).toBe('QueueFullError')
      await gate.begun('a', 'b')
      expect((await rejectionOf(pool.run(tasks.add, [1, 2]))).name).toBe('QueueFullError')
      gate.open()
      expect(await Promise.all(held)).toEqual(['a', 'b'])
    }
  })

  test.each([
    ['0 that waits', { maxQueued: 0 }],
    ['0 whose workers change', { maxQueued: 0, maxTasksPerWorker: 3 }],
    ['1 whose workers change', { maxQueued: 1, maxTasksPerWorker: 3 }],
  ])(
    'with maxQueued %s all that come are served, in their order, also after a pause and a crash',
    async (_, options) => {
      const pool = createPool({ maxWorkers: 1, ...options })
      const gate = new Gate()
      pool.pause()
      const labels = Array.from({ length: 8 }, (_, index) => String(index))
      const crash = rejectionOf(pool.run(tasks.exit, [3]))
      const runs = labels.map((label) => pool.run(tasks.log, [gate.dir, label]))
      await turnsOfTheLoop()
      pool.resume()
      expect((await crash).exitCode).toBe(3)
      await Promise.all(runs)
      expect(gate.log()).toEqual(labels)
    },
  )

  test('a higher priority goes first, equal ones in their order, and each level is worth a second of waiting', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const runs: Promise<unknown>[] = []
    const submit = (label: string, priority?: number) =>
      runs.push(pool.run(tasks.log, [gate.dir, label], priority === undefined ? undefined : { priority }))
    submit('low', -1_000)
    submit('plain 1')
    submit('plain 2', 0)
    submit('high 1', 1_000)
    submit('highest', 2_000)
    submit('high 2', 1_000)
    const submitted = performance.now()
    await until(() => performance.now() - submitted > 25, 'more than what 0.02 levels are worth')
    submit('20 ms higher, 25 ms later', 0.02)
    gate.open()
    await Promise.all([held, ...runs])
    expect(gate.log().slice(1)).toEqual([
      'highest',
      'high 1',
      'high 2',
      'plain 1',
      'plain 2',
      '20 ms higher, 25 ms later',
      'low',
    ])
  })

  test('a paused pool takes on and begins nothing, what runs goes on; resumed it begins in the order of submission', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    expect(pool.paused).toBe(false)
    pool.pause()
    pool.pause()
    expect(pool.paused).toBe(true)
    const labels = ['a', 'b', 'c']
    const ids = await Promise.all(labels.map((label) => pool.submitTask(tasks.log, [gate.dir, label])))
    const mapped = pool.map(tasks.square, [3]).toArray()
    gate.open()
    expect(await held).toBe('running')
    await turnsOfTheLoop()
    expect(gate.log()).toEqual(['running'])
    expect(pool.stats()).toMatchObject({ running: 0, queued: 4 })
    pool.resume()
    expect(pool.paused).toBe(false)
    expect([...(await pool.waitForAllTasks()).keys()]).toEqual(ids)
    expect(await mapped).toEqual([9])
    expect(gate.log().toSorted()).toEqual(['a', 'b', 'c', 'running'])
  })

  test('drain resumes a paused pool, and terminate ends what it holds', async () => {
    const [drained, terminated] = [createPool({ maxWorkers: 1 }), createPool({ maxWorkers: 1 })]
    drained.pause()
    terminated.pause()
    const [kept, lost] = [drained.run(tasks.add, [1, 2]), rejectionOf(terminated.run(tasks.add, [1, 2]))]
    await Promise.all([drained.drain(), terminated.terminate('no time')])
    expect(await kept).toBe(3)
    expect(await lost).toMatchObject({ code: 'ERR_CLOSED', cause: 'no time' })
  })

  test('clear drops what has not begun, queued or waiting for room, and says how many; what runs goes on', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 2 })
    const gate = new Gate()
    expect(pool.clear()).toBe(0)
    const held = pool.run(tasks.hold, [gate.dir, 'running'])
    await gate.begun('running')
    const id = await pool.submitTask(tasks.log, [gate.dir, 'never'])
    const dropped = [0, 1, 2].map(() => pool.run(tasks.log, [gate.dir, 'never'], { priority: 1 })).map(rejectionOf)
    expect(pool.stats()).toMatchObject({ queued: 2, waitingForRoom: 2 })
    expect(pool.clear()).toBe(4)
    expect(pool.stats()).toMatchObject({ running: 1, queued: 0, waitingForRoom: 0, dropped: 4 })
    for (const error of [...(await Promise.all(dropped)), await rejectionOf(pool.getTaskResult(id))])
      expect([error.name, error.code]).toEqual(['TaskError', 'ERR_TASK_DROPPED'])
    gate.open()
    expect(await held).toBe('running')
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    expect(gate.log()).toEqual(['running'])
  })

  test('onIdle resolves at once when nothing is there, else when the last one has settled, however it has', async () => {
    const pool = createPool({ maxWorkers: 1 })
    await pool.onIdle()
    await pool.onIdle({ timeout: 0 })
    const gate = new Gate()
    const settled: string[] = []
    const held = pool.run(tasks.hold, [gate.dir, 'held']).then(() => settled.push('held'))
    const failing = pool.run(tasks.fail, ['builtIn']).catch(() => settled.push('failed'))
    const idle = pool.onIdle().then(() => settled.push('idle'))
    await gate.begun('held')
    const begun = performance.now()
    const late = await rejectionOf(pool.onIdle({ timeout: 20 }))
    expect(performance.now() - begun).toBeGreaterThanOrEqual(20)
    expect([late.name, late.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
    expect((await rejectionOf(pool.onIdle({ timeout: 0 }))).code).toBe('ERR_TIMEOUT')
    const controller = new AbortController()
    const waiting = rejectionOf(pool.onIdle({ signal: controller.signal }))
    controller.abort('enough')
    expect(await waiting).toBe('enough')
    expect(settled).toEqual([])
    gate.open()
    await Promise.all([held, failing, idle])
    expect(settled).toEqual(['held', 'failed', 'idle'])
  })
}

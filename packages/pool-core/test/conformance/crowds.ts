import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

/** More tasks than workers, and the end of the pool meanwhile. */
export function crowds({ createPool, tasks }: Kit): void {
  test('of 50 tasks that are cleared on the way to a drain those that run are done, the others dropped, none is pending', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const settled = Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => pool.run(tasks.hold, [gate.dir, String(n)])),
    )
    await gate.begun('0', '1')
    expect(pool.clear()).toBe(48)
    const drained = pool.drain()
    gate.open()
    await drained
    const outcomes = await settled
    expect(outcomes.slice(0, 2)).toMatchObject([{ value: '0' }, { value: '1' }])
    const dropped = { status: 'rejected', reason: { code: 'ERR_TASK_DROPPED' } }
    expect(outcomes.slice(2)).toMatchObject(Array.from({ length: 48 }, () => dropped))
  })

  test('a task that is cancelled right before the drain, queued or running, does not hold it up', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const running = await pool.submitTask(tasks.spin, [gate.dir, 'running'])
    const queued = await pool.submitTask(tasks.spin, [gate.dir, 'queued'])
    await gate.begun('running')
    expect([pool.cancelTask(queued, 'enough'), pool.cancelTask(running, 'enough')]).toEqual([true, true])
    await pool.drain()
    for (const id of [running, queued]) expect(await rejectionOf(pool.getTaskResult(id))).toBe('enough')
    expect(gate.log()).toEqual(['running'])
  })

  test('of 15 blocked tasks for each worker as many run as there are workers, and no more workers are started', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const workers = [pool.run(tasks.worker, []), pool.run(tasks.worker, [])]
    const labels = Array.from({ length: 30 }, (_, n) => String(n))
    const held = labels.map((label) => pool.run(tasks.hold, [gate.dir, label]))
    await gate.begun('0', '1')
    expect(pool.stats()).toMatchObject({ workers: 2, running: 2, queued: 28, idleWorkers: 0 })
    expect(gate.log()).toHaveLength(2)
    gate.open()
    expect(await Promise.all(held)).toEqual(labels)
    const later = await Promise.all(labels.map(() => pool.run(tasks.worker, [])))
    expect(new Set([...(await Promise.all(workers)), ...later]).size).toBeLessThanOrEqual(2)
  })

  test('terminate ends 10,000 submitted tasks at once, those that wait for room included', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const submitted = Promise.allSettled(
      Array.from({ length: 10_000 }, (_, n) => pool.submitTask(tasks.spin, [gate.dir, String(n)])),
    )
    await gate.begun('0')
    const begun = performance.now()
    await pool.terminate()
    expect(performance.now() - begun).toBeLessThan(5_000)
    const ids = (await submitted).flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const rows = await pool.waitForAllTasks({ timeout: 0 })
    expect([...rows.keys()]).toEqual(ids)
    expect([...rows.values()]).toMatchObject(ids.map(() => ({ status: 'error', error: { code: 'ERR_CLOSED' } })))
    expect(pool.stats()).toMatchObject({ cancelled: 10_000, running: 0, queued: 0, waitingForRoom: 0 })
    expect(gate.log()).toEqual(['0'])
  })

  test('with one task for each worker, six tasks and an early drain have all six results, each of another worker', async () => {
    const pool = createPool({ maxWorkers: 2, maxTasksPerWorker: 1 })
    const runs = Array.from({ length: 6 }, () => pool.run(tasks.worker, []))
    await pool.drain()
    expect(new Set(await Promise.all(runs)).size).toBe(6)
  })

  test('a task that waits for one behind it in a full pool ends by its timeout, which names it', async () => {
    const pool = createPool({ maxWorkers: 1 })
    // Otherwise the start of the worker would be part of the time.
    await pool.run(tasks.add, [1, 2])
    const gate = new Gate()
    const waiting = pool.run(tasks.hold, [gate.dir, 'waiting'], { timeout: 100 })
    const waitedFor = pool.run(tasks.open, [gate.dir])
    const error = await rejectionOf(waiting)
    expect(error.code).toBe('ERR_TIMEOUT')
    expect(error.message).toContain('hold')
    expect(await waitedFor).toBeUndefined()
  })

  test('a task that waits for one behind it is done where a worker is to spare', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const waiting = pool.run(tasks.hold, [gate.dir, 'waiting'], { timeout: 25_000 })
    expect(await pool.run(tasks.open, [gate.dir])).toBeUndefined()
    expect(await waiting).toBe('waiting')
  })
}

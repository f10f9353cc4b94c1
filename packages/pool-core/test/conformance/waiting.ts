import { getEventListeners } from 'node:events'
import type { CompletedTask } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, thrownBy, until } from '../support/observe.js'
import type { Kit } from './kit.js'

export function waiting({ createPool, sharedPool, tasks }: Kit): void {
  test('a queued task that is cancelled never runs; its result is an AbortError, or the reason that was given', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    const ids = await Promise.all([0, 1, 2].map(() => pool.submitTask(tasks.log, [gate.dir, 'never'])))
    const [plain = '', own = '', nothing = ''] = ids
    await gate.begun('held')
    const reason = new RangeError('mine')
    expect([pool.cancelTask(plain), pool.cancelTask(own, reason), pool.cancelTask(nothing, null)]).toEqual([
      true,
      true,
      true,
    ])
    const error = await rejectionOf(pool.getTaskResult(plain))
    expect(error.name).toBe('AbortError')
    expect(error.message).toContain(plain)
    expect(await rejectionOf(pool.getTaskResult(own))).toBe(reason)
    expect(await rejectionOf(pool.getTaskResult(nothing))).toBeNull()
    gate.open()
    await held
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['held', 'next'])
  })

  test('a running task that listens is told of the cancellation, and its worker stays', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 20_000 })
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    // A file would be seen before the pool has heard that the task listens; the progress comes behind that.
    const id = await new Promise<string>((resolve) => {
      const submitted = pool.submitTask(tasks.listen, [gate.dir, 'it'], { onProgress: () => resolve(submitted) })
    })
    const result = rejectionOf(pool.getTaskResult(id))
    expect(pool.cancelTask(id, new Error('that is all'))).toBe(true)
    expect((await result).message).toBe('that is all')
    expect(await pool.run(tasks.worker, [])).toBe(worker)
    expect(gate.log()).toEqual(['it', 'it heard that is all'])
  })

  test('a running task that never looks is ended with its worker, and the next one has a new one', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    const id = await pool.submitTask(tasks.spin, [gate.dir, 'loop'])
    const behind = pool.run(tasks.worker, [])
    await gate.begun('loop')
    expect(pool.cancelTask(id)).toBe(true)
    expect((await rejectionOf(pool.getTaskResult(id))).name).toBe('AbortError')
    expect(await behind).not.toBe(worker)
    expect(pool.stats().crashes).toBe(0)
  })

  test('there is nothing to cancel in a task that has settled, cancelled ones included, nor in an id that is none', async () => {
    const pool = sharedPool(1)
    const [good, bad, gone] = await Promise.all([
      pool.submitTask(tasks.add, [1, 2]),
      pool.submitTask(tasks.fail, ['builtIn']),
      pool.submitTask(tasks.log, ['nowhere', 'never']),
    ])
    expect([pool.cancelTask(gone, 'first'), pool.cancelTask(gone, 'second')]).toEqual([true, false])
    await pool.onIdle()
    for (const id of [good, bad, gone, 'task_99999', '']) expect(pool.cancelTask(id, 'late')).toBe(false)
    expect(await pool.getTaskResult(good)).toBe(3)
    expect(pool.cancelTask(good, 'late')).toBe(false)
    expect(await rejectionOf(pool.getTaskResult(bad))).toBeInstanceOf(RangeError)
    expect(await rejectionOf(pool.getTaskResult(gone))).toBe('first')
    expect(thrownBy(() => pool.cancelTask(undefined as unknown as string)).code).toBe('ERR_INVALID_ARG')
  })

  test('asCompleted gives tasks as they settle, failures as rows, those submitted meanwhile too, and takes them', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const held = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const failing = await pool.submitTask(tasks.fail, ['custom'])
    const rows: CompletedTask[] = []
    let last = ''
    for await (const row of pool.asCompleted()) {
      rows.push(row)
      if (row.id === failing) last = await pool.submitTask(tasks.add, [1, 2])
      else gate.open()
    }
    expect(rows).toMatchObject([
      { id: failing, status: 'error', error: { name: 'OrderError', code: 'ERR_ORDER' } },
      { id: last, status: 'success', result: 3 },
      { id: held, status: 'success', result: 'held' },
    ])
    for (const { id } of rows) expect((await rejectionOf(pool.getTaskResult(id))).code).toBe('ERR_UNKNOWN_TASK')
    expect(await pool.asCompleted().next()).toEqual({ done: true, value: undefined })
  })

  test('a loop over asCompleted that is left, by break or by an error, leaves the rest', async () => {
    const pool = sharedPool(1)
    const ids = await Promise.all([1, 2, 3, 4].map((n) => pool.submitTask(tasks.square, [n])))
    const taken: unknown[] = []
    for await (const row of pool.asCompleted()) {
      taken.push(row)
      break
    }
    const throwing = async () => {
      for await (const row of pool.asCompleted()) {
        taken.push(row)
        throw new EvalError('a fault of the caller')
      }
    }
    expect(await rejectionOf(throwing())).toBeInstanceOf(EvalError)
    expect(taken).toEqual([1, 4].map((result, index) => ({ id: ids[index], status: 'success', result })))
    expect([...(await pool.waitForAllTasks())]).toEqual([
      [ids[2], { status: 'success', result: 9 }],
      [ids[3], { status: 'success', result: 16 }],
    ])
  })

  test('asCompleted has one deadline for all, and an abort ends it: what was not yielded stays', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const done = await pool.submitTask(tasks.add, [1, 2])
    const held = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const begun = performance.now()
    const completed = pool.asCompleted({ timeout: 30 })
    expect((await completed.next()).value).toEqual({ id: done, status: 'success', result: 3 })
    const late = await rejectionOf(completed.next())
    expect(performance.now() - begun).toBeGreaterThanOrEqual(30)
    expect([late.name, late.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
    expect((await rejectionOf(pool.asCompleted({ timeout: 0 }).next())).code).toBe('ERR_TIMEOUT')
    const controller = new AbortController()
    const aborted = rejectionOf(pool.asCompleted({ signal: controller.signal }).next())
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    gate.open()
    expect(await pool.getTaskResult(held)).toBe('held')
  })

  test('a wait that is aborted rejects with the very reason, leaves no listener, and the task and its id stay', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const id = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    const controller = new AbortController()
    const { signal } = controller
    const waits = [
      pool.getTaskResult(id, { signal }),
      pool.waitForAllTasks({ signal }),
      pool.asCompleted({ signal }).next(),
      pool.onIdle({ signal }),
    ].map(rejectionOf)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    controller.abort(null)
    expect(await Promise.all(waits)).toEqual([null, null, null, null])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(await rejectionOf(pool.getTaskResult(id, { signal }))).toBeNull()
    expect(await rejectionOf(pool.waitForAllTasks({ signal: AbortSignal.abort('before') }))).toBe('before')
    const unused = new AbortController().signal
    const waiting = pool.getTaskResult(id, { signal: unused })
    gate.open()
    expect(await waiting).toBe('held')
    expect(getEventListeners(unused, 'abort')).toHaveLength(0)
  })

  test('the first that is done, the first that succeeds, the first error and all: by promises of the results, also twice of one', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const held = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const failing = await pool.submitTask(tasks.fail, ['builtIn'])
    const sum = await pool.submitTask(tasks.add, [1, 2])
    const waits = [held, failing, sum, sum].map((id) => pool.getTaskResult(id))
    expect(await rejectionOf(Promise.race(waits))).toBeInstanceOf(RangeError)
    expect(await Promise.any(waits)).toBe(3)
    expect(await rejectionOf(Promise.all(waits))).toBeInstanceOf(RangeError)
    const rows = await pool.waitForAllTasks({ timeout: 5 })
    expect([...rows]).toEqual([[held, { status: 'pending' }]])
    gate.open()
    expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(await waits[0]).toBe('held')
  })

  test('of those who wait for one task one that throws does not keep the result from the others', async () => {
    const pool = sharedPool(1)
    const id = await pool.submitTask(tasks.addLater, [1, 2])
    const throwing = pool.getTaskResult(id).then(() => {
      throw new EvalError('a fault of the caller')
    })
    const others = [pool.getTaskResult(id), pool.getTaskResult(id)]
    expect(await rejectionOf(throwing)).toBeInstanceOf(EvalError)
    expect(await Promise.all(others)).toEqual([3, 3])
  })

  test('stats count every task once by what became of it, and what runs, waits and was given up now', async () => {
    const pool = createPool({ maxWorkers: 1, maxQueued: 3, maxResults: 1 })
    const gate = new Gate()
    expect(pool.stats()).toMatchObject({ workers: 0, idleWorkers: 0, running: 0, queued: 0 })
    for (const n of [1, 2, 3]) await pool.submitTask(tasks.square, [n])
    await pool.onIdle()
    expect(await pool.map(tasks.square, [4, 5]).toArray()).toEqual([16, 25])
    await Promise.allSettled([pool.run(tasks.fail, ['builtIn']), pool.run(tasks.exit, [1])])
    await rejectionOf(pool.run(tasks.spin, [gate.dir, 'late'], { timeout: 20 }))
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const cleared = pool.submitTask(tasks.add, [1, 2])
    const cancelled = await pool.submitTask(tasks.add, [1, 2])
    expect(pool.stats()).toMatchObject({ workers: 1, idleWorkers: 0, running: 1, queued: 2, waitingForRoom: 0 })
    pool.cancelTask(cancelled)
    pool.clear()
    await cleared
    gate.open()
    await held
    await until(() => pool.stats().idleWorkers === 1, 'the end of the last one')
    const drained = pool.drain()
    await rejectionOf(pool.run(tasks.add, [1, 2]))
    await drained
    const { waitTimes, runTimes, ...counts } = pool.stats()
    expect(counts).toEqual({
      workers: 0,
      idleWorkers: 0,
      crashes: 1,
      running: 0,
      queued: 0,
      waitingForRoom: 0,
      succeeded: 6,
      failed: 2,
      cancelled: 1,
      timedOut: 1,
      dropped: 1,
      refused: 1,
      // Of three results, a cancelled one and a dropped one only one may stay.
      droppedResults: 4,
    })
    // Sent by themselves: three squares, the failure, the exit, the loop and the held one. Run to their end: all but the exit
    // and the loop, and the two items of the map.
    expect(waitTimes.count).toBe(7)
    expect(runTimes.count).toBe(7)
    for (const times of [waitTimes, runTimes]) {
      const { p50, p90, p99, max, mean } = times
      expect([p50, p90, p99, max].toSorted((one, other) => one - other)).toEqual([p50, p90, p99, max])
      expect(p50).toBeGreaterThan(0)
      expect(mean).toBeLessThanOrEqual(max)
    }
  })
}

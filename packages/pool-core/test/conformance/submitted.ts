import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

export function submitted({ createPool, sharedPool, tasks }: Kit): void {
  test('submitTask resolves with an id of its own for each task, and getTaskResult with the result', async () => {
    const pool = sharedPool(2)
    const ids = await Promise.all([1, 2, 3].map((n) => pool.submitTask(tasks.square, [n])))
    expect(new Set(ids).size).toBe(3)
    expect(await Promise.all(ids.map((id) => pool.getTaskResult(id)))).toEqual([1, 4, 9])
  })

  test('submitTask resolves before the task is done', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const id = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    gate.open()
    expect(await pool.getTaskResult(id)).toBe('held')
  })

  test('a wait that times out leaves the task alone: ask again and it is there', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const id = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    const begun = performance.now()
    const error = await rejectionOf(pool.getTaskResult(id, { timeout: 20 }))
    expect(performance.now() - begun).toBeGreaterThanOrEqual(20)
    expect([error.name, error.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
    expect((await rejectionOf(pool.getTaskResult(id, { timeout: 0 }))).code).toBe('ERR_TIMEOUT')
    gate.open()
    expect(await pool.getTaskResult(id, { timeout: Number.POSITIVE_INFINITY })).toBe('held')
  })

  test('a result is taken once: afterwards, as for an id that never was, the task is unknown', async () => {
    const pool = sharedPool(1)
    const id = await pool.submitTask(tasks.add, [1, 2])
    expect(await pool.getTaskResult(id)).toBe(3)
    for (const unknown of [id, 'task_99', '']) {
      const error = await rejectionOf(pool.getTaskResult(unknown))
      expect([error.name, error.code]).toEqual(['TaskError', 'ERR_UNKNOWN_TASK'])
    }
  })

  test('what is no id is refused as an argument, a symbol too', async () => {
    const pool = sharedPool(1)
    for (const odd of [undefined, null, 7, Symbol('task_0'), {}]) {
      const error = await rejectionOf(pool.getTaskResult(odd as string))
      expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
    }
  })

  test('timeout 0 takes a result that is there', async () => {
    const pool = sharedPool(1)
    const id = await pool.submitTask(tasks.add, [1, 2])
    await pool.run(tasks.add, [0, 0])
    expect(await pool.getTaskResult(id, { timeout: 0 })).toBe(3)
  })

  test('two that wait for one task both get its result, and a failure rejects both', async () => {
    const pool = sharedPool(1)
    const success = await pool.submitTask(tasks.add, [1, 2])
    expect(await Promise.all([pool.getTaskResult(success), pool.getTaskResult(success)])).toEqual([3, 3])
    const failure = await pool.submitTask(tasks.failLater, ['builtIn'])
    const [one, other] = [pool.getTaskResult(failure), pool.getTaskResult(failure)].map(rejectionOf)
    expect(await one).toBeInstanceOf(RangeError)
    expect(await other).toBe(await one)
  })

  test('getTaskResult rejects with the error of the task as itself, or with what became of its worker', async () => {
    const pool = sharedPool(1)
    const custom = await pool.submitTask(tasks.fail, ['custom'])
    const crash = await pool.submitTask(tasks.exit, [4])
    expect((await rejectionOf(pool.getTaskResult(custom))).code).toBe('ERR_ORDER')
    expect((await rejectionOf(pool.getTaskResult(crash))).exitCode).toBe(4)
  })

  test('maxResults finished results stay; of more, the one that finished first is dropped', async () => {
    const pool = createPool({ maxWorkers: 1, maxResults: 2 })
    const gate = new Gate()
    const ids = await Promise.all([1, 2, 3].map((n) => pool.submitTask(tasks.square, [n])))
    const pending = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const [first = '', second = '', third = ''] = ids
    expect((await rejectionOf(pool.getTaskResult(first))).code).toBe('ERR_UNKNOWN_TASK')
    expect(await pool.getTaskResult(second)).toBe(4)
    gate.open()
    expect(await pool.getTaskResult(pending)).toBe('held')
    expect(await pool.getTaskResult(third)).toBe(9)
    // Who waits already gets the result, even of a task that is dropped as soon as it is done.
    const awaited = await Promise.all([4, 5, 6, 7].map((n) => pool.submitTask(tasks.square, [n])))
    expect(await Promise.all(awaited.map((id) => pool.getTaskResult(id)))).toEqual([16, 25, 36, 49])
  })

  test('waitForAllTasks gives a row for each task in the order of submission, failures as rows, and takes them', async () => {
    const pool = sharedPool(2)
    const success = await pool.submitTask(tasks.addLater, [1, 2])
    const failure = await pool.submitTask(tasks.fail, ['builtIn'])
    const crash = await pool.submitTask(tasks.exit, [5])
    const last = await pool.submitTask(tasks.echo, [undefined])
    const rows = await pool.waitForAllTasks()
    expect([...rows.keys()]).toEqual([success, failure, crash, last])
    expect(rows.get(success)).toEqual({ status: 'success', result: 3 })
    expect(rows.get(failure)).toMatchObject({ status: 'error', error: { name: 'RangeError' } })
    expect(rows.get(crash)).toMatchObject({ status: 'error', error: { exitCode: 5 } })
    expect(rows.get(last)).toEqual({ status: 'success', result: undefined })
    expect(await pool.waitForAllTasks()).toEqual(new Map())
    expect((await rejectionOf(pool.getTaskResult(success))).code).toBe('ERR_UNKNOWN_TASK')
  })

  test('waitForAllTasks has one deadline for all: what is not done is pending, and stays to be asked for', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const done = await pool.submitTask(tasks.add, [1, 2])
    const held = await Promise.all(['a', 'b'].map((label) => pool.submitTask(tasks.hold, [gate.dir, label])))
    await gate.begun('a')
    const begun = performance.now()
    const rows = await pool.waitForAllTasks({ timeout: 30 })
    const waited = performance.now() - begun
    expect(waited).toBeGreaterThanOrEqual(30)
    expect(waited).toBeLessThan(5_000)
    expect([...rows]).toEqual([
      [done, { status: 'success', result: 3 }],
      ...held.map((id) => [id, { status: 'pending' }]),
    ])
    gate.open()
    expect([...(await pool.waitForAllTasks())]).toEqual([
      [held[0], { status: 'success', result: 'a' }],
      [held[1], { status: 'success', result: 'b' }],
    ])
  })

  test('waitForAllTasks with timeout 0 looks once, and does not wait for tasks submitted later', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const held = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    expect([...(await pool.waitForAllTasks({ timeout: 0 }))]).toEqual([[held, { status: 'pending' }]])
    const waiting = pool.waitForAllTasks()
    const later = await pool.submitTask(tasks.add, [1, 2])
    gate.open()
    expect([...(await waiting).keys()]).toEqual([held])
    expect(await pool.getTaskResult(later)).toBe(3)
  })
}

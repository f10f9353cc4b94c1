import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

export function crashes({ sharedPool, defineTask, fixture, tasks, what }: Kit): void {
  test('a task that calls process.exit, at once or later, rejects with the exit code, 0 included', async () => {
    const pool = sharedPool(1)
    for (const [task, code] of [[tasks.exit, 7] as const, [tasks.exitLater, 0] as const]) {
      const error = await rejectionOf(pool.run(task, [code]))
      expect([error.name, error.code]).toEqual(['BrokenError', 'ERR_WORKER_CRASHED'])
      expect([error.exitCode, error.signal]).toEqual([code, undefined])
      expect(error.message).toBe(`the ${what} that ran task ${task.name} ended with exit code ${code}`)
    }
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('the pool has its full size again after a crash', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    await rejectionOf(pool.run(tasks.exit, [1]))
    const held = [pool.run(tasks.hold, [gate.dir, 'a']), pool.run(tasks.hold, [gate.dir, 'b'])]
    await gate.begun('a', 'b')
    gate.open()
    expect(await Promise.all(held)).toEqual(['a', 'b'])
  })

  test('a crash hurts neither the task beside it nor those behind it, and they keep their order', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const beside = pool.run(tasks.hold, [gate.dir, 'beside'])
    await gate.begun('beside')
    const crash = rejectionOf(pool.run(tasks.exit, [3]))
    const labels = ['behind 1', 'behind 2', 'behind 3']
    const behind = labels.map((label) => pool.run(tasks.log, [gate.dir, label]))
    expect((await crash).exitCode).toBe(3)
    await Promise.all(behind)
    expect(gate.log()).toEqual(['beside', ...labels])
    gate.open()
    expect(await beside).toBe('beside')
  })

  test('a task module that cannot be found rejects as the import does, and the worker stays', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    const lost = defineTask(fixture('no-such-module.mjs'), 'lost', () => 1)
    expect((await rejectionOf(pool.run(lost, []))).code).toBe('ERR_MODULE_NOT_FOUND')
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('a task module that fails rejects each of its tasks with its error, also those defined before it failed', async () => {
    const pool = sharedPool(1)
    const early = defineTask(fixture('failing-module.mjs'), 'early', () => 'early')
    for (let round = 0; round < 3; round++) {
      const error = await rejectionOf(pool.run(early, []))
      expect([error.name, error.message]).toEqual(['EvalError', 'this module fails'])
    }
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('a task that its module does not define is refused with the names of both', async () => {
    const pool = sharedPool(1)
    const absent = defineTask(fixture('tasks.mjs'), 'absent', () => 1)
    const error = await rejectionOf(pool.run(absent, []))
    expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
    expect(error.message).toContain('absent')
    expect(error.message).toContain(fixture('tasks.mjs'))
  })

  test('a pool that is made at the import of a task module is refused there, with the name of the file, each time', async () => {
    const pool = sharedPool(1)
    const address = fixture('makes-a-pool.mjs')
    const innocent = defineTask(address, 'innocent', () => 1)
    for (let round = 0; round < 2; round++) {
      const error = await rejectionOf(pool.run(innocent, []))
      expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
      expect(error.message).toContain(address)
    }
  })

  test('a task may make a pool of its own while it runs', async () => {
    const pool = sharedPool(1)
    const nested = defineTask(fixture('nested.mjs'), 'sumInNestedPool', async (a: number, b: number) => a + b)
    expect(await pool.run(nested, [40, 2])).toBe(42)
  })
}

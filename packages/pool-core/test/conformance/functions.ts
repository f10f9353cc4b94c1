import { threadId } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, thrownBy } from '../support/observe.js'
import type { Kit } from './kit.js'

export function functions({ createPool, sharedPool, tasks }: Kit): void {
  test('an arrow function that needs nothing but its own text runs in a worker', async () => {
    const pool = sharedPool(1)
    const product: number = await pool.run((a: number, b: number) => a * b, [6, 7])
    expect(product).toBe(42)
    const pid: number = await pool.run(() => process.pid, [])
    const [workerPid, workerThread] = (await pool.run(tasks.worker, [])).split('/')
    expect(String(pid)).toBe(workerPid)
    expect(`${workerPid}/${workerThread}`).not.toBe(`${process.pid}/${threadId}`)
  })

  test('an async function and one that calls itself by its name run there, too', async () => {
    const pool = sharedPool(1)
    const later = async (n: number) => {
      await new Promise((resolve) => setImmediate(resolve))
      return n + 1
    }
    expect(await pool.run(later, [1])).toBe(2)
    function fibonacci(n: number): number {
      return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2)
    }
    expect(await pool.run(fibonacci, [10])).toBe(55)
  })

  test('a function can be submitted, mapped, broadcast and streamed as a task can', async () => {
    const pool = sharedPool(1)
    const double = (n: number) => 2 * n
    const id = await pool.submitTask(double, [4])
    expect(await pool.getTaskResult(id)).toBe(8)
    expect(await pool.map(double, [1, 2, 3]).toArray()).toEqual([2, 4, 6])
    expect(await pool.broadcast(double, [5])).toEqual([10])
    const values: number[] = []
    for await (const value of pool.stream(
      function* twice(n: number) {
        yield n
        yield n
      },
      [3],
    ))
      values.push(value)
    expect(values).toEqual([3, 3])
  })

  test('its errors arrive as themselves, and it has the context of a run', async () => {
    const pool = sharedPool(1)
    const failing = () => {
      throw Object.assign(new RangeError('mine'), { code: 'E_MINE' })
    }
    expect(await rejectionOf(pool.run(failing, []))).toMatchObject({
      name: 'RangeError',
      message: 'mine',
      code: 'E_MINE',
    })
  })

  test('one that captures variables is refused with their names, however it is given, and nothing has run', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const [factor, offset] = [3, 4]
    const captures = (dir: string) => {
      process.getBuiltinModule('fs').appendFileSync(`${dir}/log`, 'never\n')
      return factor * offset
    }
    for (const refused of [
      pool.run(captures, [gate.dir]),
      pool.submitTask(captures, [gate.dir]),
      pool.broadcast(captures, [gate.dir]),
    ]) {
      const error = await rejectionOf(refused)
      expect([error.name, error.code]).toEqual(['TaskError', 'ERR_TASK_CAPTURES'])
      expect(error.message).toContain('factor')
      expect(error.message).toContain('offset')
    }
    expect(thrownBy(() => pool.map(captures, [gate.dir])).code).toBe('ERR_TASK_CAPTURES')
    expect(thrownBy(() => pool.stream(captures, [gate.dir])).code).toBe('ERR_TASK_CAPTURES')
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    expect(gate.log()).toEqual([])
    expect(await pool.waitForAllTasks()).toEqual(new Map())
  })

  test('one that is not idempotent, as every function, is never run twice', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const fatal = async (dir: string) => {
      const { appendFileSync } = await import('node:fs')
      appendFileSync(`${dir}/log`, 'ran\n')
      process.exit(2)
    }
    expect(await rejectionOf(pool.run(fatal, [gate.dir]))).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 2 })
    expect(thrownBy(() => pool.stream(fatal, [gate.dir], { retries: { crashes: 1 } })).message).toContain('idempotent')
    expect(gate.log()).toEqual(['ran'])
  })
}

import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

/** An `--import` that runs `code` before anything else. */
const importing = (code: string) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`]

export function starting({ createPool, tasks, what }: Kit): void {
  test('the initializer has run in each worker before its first task, in one that replaces another as well', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 2, initializer: tasks.setUp, initializerArgs: [gate.dir, 'ready'] })
    const held = ['a', 'b'].map((label) => pool.run(tasks.hold, [gate.dir, label]))
    await gate.begun('a', 'b')
    // At every moment no more tasks had begun than workers were set up.
    gate.log().forEach((_, index, log) => {
      const setUps = log.slice(0, index + 1).filter((label) => label === 'set up ready').length
      expect(index + 1 - setUps).toBeLessThanOrEqual(setUps)
    })
    gate.open()
    await Promise.all(held)
    expect(await pool.broadcast(tasks.word, [])).toEqual(['ready', 'ready'])
    await rejectionOf(pool.run(tasks.exit, [1]))
    expect(await pool.broadcast(tasks.word, [])).toEqual(['ready', 'ready'])
    expect(gate.log().filter((label) => label === 'set up ready')).toHaveLength(3)
  })

  test('an initializer that fails fails the pool: what waits and what comes rejects with its error, and nothing starts again', async () => {
    const gate = new Gate()
    const pool = createPool({
      name: 'unlucky',
      maxWorkers: 1,
      initializer: tasks.setUpBadly,
      initializerArgs: [gate.dir],
    })
    const waiting = Array.from({ length: 3 }, () => rejectionOf(pool.run(tasks.add, [1, 2])))
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ name: 'BrokenError', code: 'ERR_WORKER_CRASHED', began: false })
      expect(error.cause).toMatchObject({ message: 'no set-up', code: 'E_SETUP' })
      expect(error.message).toBe('unlucky has no worker: its initializer failed: no set-up')
    }
    const later = await rejectionOf(pool.run(tasks.add, [1, 2]))
    expect(later.cause.code).toBe('E_SETUP')
    expect((await rejectionOf(pool.map(tasks.square, [1]).toArray())).code).toBe('ERR_WORKER_CRASHED')
    await pool.drain()
    expect(pool.stats()).toMatchObject({ workers: 0, running: 0, queued: 0 })
    expect(gate.log()).toEqual(['set up badly'])
  })

  test('a worker that is not ready within startTimeout is given up, three times, and then the pool', async () => {
    const pool = createPool({ maxWorkers: 1, initializer: tasks.setUpForEver, startTimeout: 60 })
    const begun = performance.now()
    const error = await rejectionOf(pool.run(tasks.add, [1, 2]))
    expect(performance.now() - begun).toBeGreaterThanOrEqual(3 * 60)
    expect(error.code).toBe('ERR_WORKER_CRASHED')
    expect(error.message).toContain('3 times in a row')
    expect(error.cause.message).toContain('60 ms')
    expect((await rejectionOf(pool.submitTask(tasks.add, [1, 2]))).code).toBe('ERR_WORKER_CRASHED')
  })

  test('a worker that ends at its start fails the pool after three tries, with the exit code', async () => {
    const pool = createPool({ maxWorkers: 1, execArgv: importing('process.exit(7)') })
    const errors = await Promise.all([1, 2].map((n) => rejectionOf(pool.run(tasks.square, [n]))))
    for (const error of errors) {
      expect(error.code).toBe('ERR_WORKER_CRASHED')
      expect(error.message).toContain(`a ${what} ended with exit code 7 before it was ready, 3 times in a row`)
    }
    await pool.terminate()
    expect(pool.stats().workers).toBe(0)
  })

  test('a pool whose minimum of workers cannot start is broken, without any task', async () => {
    const pool = createPool({ maxWorkers: 2, minWorkers: 2, execArgv: importing('process.exit(7)') })
    const error = await rejectionOf(pool.run(tasks.add, [1, 2]))
    expect(error.message).toContain('exit code 7')
    await pool.drain()
  })

  test('a program that a worker imports first is there before every task', async () => {
    const pool = createPool({ maxWorkers: 1, execArgv: importing('globalThis.heddleTestWord = "imported"') })
    expect(await pool.run(tasks.word, [])).toBe('imported')
  })
}

import type { PoolManager, TaskFunction } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, until } from '../support/observe.js'
import type { Kit } from './kit.js'

const moduleUrl = (name: string) => new URL(`modules/${name}`, import.meta.url).href

/** Stands for a shared object whose kind is known by its name alone. */
const ofKind = (kind: string) => ({ toHandle: () => ({ kind }) })

/** Enters a kind for this side, as a package does at its import. */
function registerHere(kind: string, fromHandle: () => object): void {
  const key = Symbol.for('heddle.kinds')
  const globals = globalThis as unknown as Record<symbol, Map<string, { fromHandle: () => object }> | undefined>
  globals[key] ??= new Map()
  globals[key].set(kind, { fromHandle })
}

export function faults({ createPool, sharedPool, defineTask, tasks, boundary, what }: Kit): void {
  const define = <Fn extends TaskFunction>(file: string, name: string, fn: Fn) => defineTask(moduleUrl(file), name, fn)

  async function inOneWorker(pool: PoolManager, body: () => Promise<void>): Promise<void> {
    const worker = await pool.run(tasks.worker, [])
    await body()
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  }

  test('an argument whose own code throws rejects with just that, and nothing was sent', async () => {
    const pool = sharedPool(1)
    const trap = new Error('sprung')
    const hostile = {
      get trap() {
        throw trap
      },
    }
    await inOneWorker(pool, async () => {
      for (const refused of [pool.run(tasks.echo, [hostile]), pool.submitTask(tasks.echo, [hostile])])
        expect(await rejectionOf(refused)).toBe(trap)
      expect(await pool.waitForAllTasks()).toEqual(new Map())
    })
  })

  test('an argument that the worker cannot open rejects with what the opening threw, and the worker stays', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const take = define('decoding.mjs', 'take', (value: unknown) => typeof value)
    await inOneWorker(pool, async () => {
      const error = await rejectionOf(pool.run(take, [[ofKind('test/fails-there')]]))
      expect([error.message, error.code]).toEqual(['cannot be opened', 'E_OPEN'])
    })
    await pool.drain()
  })

  test('items of a map that the worker cannot open fail the map with what the opening threw, and the worker stays', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const take = define('decoding.mjs', 'take', (value: unknown) => typeof value)
    const items = () => Array.from({ length: 4 }, () => [ofKind('test/fails-there')])
    await inOneWorker(pool, async () => {
      for (let round = 0; round < 2; round += 1)
        for (const chunkSize of [1, 4])
          expect((await rejectionOf(pool.map(take, items(), { chunkSize }).toArray())).code).toBe('E_OPEN')
      // The one before it in its chunk has a result all the same.
      const results = pool.map(take, [1, ofKind('test/fails-there'), 3], { chunkSize: 3 })
      expect(await results.next()).toEqual({ done: false, value: 'number' })
      expect((await rejectionOf(results.next())).code).toBe('E_OPEN')
    })
    await pool.drain()
  })

  test('an argument whose opening ends the worker rejects as crashed, with the exit code, and the pool drains', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const take = define('decoding.mjs', 'take', (value: unknown) => typeof value)
    const error = await rejectionOf(pool.run(take, [ofKind('test/exits-there')]))
    expect(error).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 4 })
    expect(await pool.run(take, [1])).toBe('number')
    await pool.drain()
  })

  test('a result whose own code throws rejects with just that; where it ends the worker, as crashed; the pool drains', async () => {
    const pool = createPool({ maxWorkers: 1 })
    await inOneWorker(pool, async () => {
      expect(await rejectionOf(pool.run(tasks.hostileResult, ['throws']))).toMatchObject({
        message: 'sprung',
        code: 'E_TRAP',
      })
    })
    const error = await rejectionOf(pool.run(tasks.hostileResult, ['exits']))
    expect(error).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 9, began: true })
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    await pool.drain()
  })

  test('a result that cannot be opened here rejects with what the opening threw, and the worker stays', async () => {
    registerHere('test/fails-here', () => {
      throw new URIError('not here')
    })
    const pool = createPool({ maxWorkers: 1 })
    const give = define('decoding.mjs', 'give', ofKind)
    await inOneWorker(pool, async () => {
      expect(await rejectionOf(pool.run(give, ['test/fails-here']))).toMatchObject({
        name: 'URIError',
        message: 'not here',
      })
      expect((await rejectionOf(pool.run(give, ['test/known-to-nobody']))).code).toBe('ERR_BAD_HANDLE')
      const mapped = pool.map(give, ['test/fails-here', 'test/fails-here'], { chunkSize: 2 })
      expect((await rejectionOf(mapped.toArray())).name).toBe('URIError')
    })
    await pool.drain()
  })

  test('a task module that ends each worker at its import is tried so often and no more, and says whether the task began', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 1, env: { HEDDLE_TEST_DIR: gate.dir } })
    const once = defineTask(moduleUrl('exits-at-import.mjs'), 'once', () => 1)
    const again = defineTask(moduleUrl('exits-at-import.mjs'), 'again', () => 1, { idempotent: true })
    const error = await rejectionOf(pool.run(once, []))
    expect(error).toMatchObject({ name: 'BrokenError', code: 'ERR_WORKER_CRASHED', exitCode: 5 })
    // What was sent to a thread is known not to have begun; of what was sent to a process, nothing is known.
    expect(error).toMatchObject(boundary === 'thread' ? { began: false } : { began: true })
    expect(error.message).toBe(
      boundary === 'thread'
        ? 'the worker thread that was to run task once ended with exit code 5'
        : 'the worker process that ran task once ended with exit code 5',
    )
    expect(gate.log()).toHaveLength(boundary === 'thread' ? 3 : 1)
    const before = gate.log().length
    const poison = await rejectionOf(pool.run(again, []))
    expect(poison).toMatchObject(
      boundary === 'thread'
        ? { code: 'ERR_WORKER_CRASHED', began: false }
        : { code: 'ERR_POISON_TASK', cause: { code: 'ERR_WORKER_CRASHED', exitCode: 5 } },
    )
    expect(gate.log()).toHaveLength(before + 3)
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('many tasks whose module ends the worker all settle, and those of other modules are done', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 2, env: { HEDDLE_TEST_DIR: gate.dir } })
    const bad = defineTask(moduleUrl('exits-at-import.mjs'), 'bad', (n: number) => n)
    const runs = Array.from({ length: 4 }, (_, n) => [rejectionOf(pool.run(bad, [n])), pool.run(tasks.square, [n])])
    for (const [n, [failing, good]] of runs.entries()) {
      expect(await failing).toMatchObject({ code: 'ERR_WORKER_CRASHED' })
      expect(await good).toBe(n ** 2)
    }
    await pool.onIdle()
    expect(gate.log().length).toBeLessThanOrEqual(boundary === 'thread' ? 12 : 4)
  })

  test('the import of a slow task module does not count as the time of its task', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 1, env: { HEDDLE_TEST_DIR: gate.dir } })
    const atLast = define('slow-import.mjs', 'atLast', () => 'at last')
    const limit = 500
    const running = pool.run(atLast, [], { timeout: limit })
    await gate.begun('import')
    const begun = performance.now()
    await until(() => performance.now() - begun > limit + 50, 'more time than the task may run')
    gate.open()
    expect(await running).toBe('at last')
  })

  test('a task module that never loads is given up after startTimeout, if the task has a timeout', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 1, env: { HEDDLE_TEST_DIR: gate.dir }, startTimeout: 3_000 })
    await pool.run(tasks.add, [1, 2])
    const begun = performance.now()
    const error = await rejectionOf(
      pool.run(
        define('slow-import.mjs', 'atLast', () => 'at last'),
        [],
        { timeout: 1 },
      ),
    )
    expect(performance.now() - begun).toBeGreaterThanOrEqual(3_000)
    expect(error.code).toBe('ERR_TIMEOUT')
    expect(error.message).toContain('its module took more than 3000 ms to load')
  })

  test('terminate ends a loop of microtasks that never comes back to the event loop', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const looping = rejectionOf(pool.run(tasks.spinInMicrotasks, [gate.dir, 'loop']))
    await gate.begun('loop')
    await pool.terminate('enough')
    expect(await looping).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
  })

  test('terminate ends workers that run, workers that are dead and workers that never started, and refuses what comes', async () => {
    const gate = new Gate()
    const pool = createPool({ maxWorkers: 3 })
    const crashed = rejectionOf(pool.run(tasks.exit, [1]))
    const running = rejectionOf(pool.run(tasks.spin, [gate.dir, 'runs']))
    await gate.begun('runs')
    await crashed
    await pool.terminate()
    expect((await running).code).toBe('ERR_CLOSED')
    expect(pool.stats()).toMatchObject({ workers: 0, running: 0, queued: 0 })
    const unused = createPool({ maxWorkers: 3 })
    const starting = rejectionOf(unused.run(tasks.add, [1, 2]))
    await unused.terminate()
    expect((await starting).code).toBe('ERR_CLOSED')
    for (const closed of [pool, unused])
      expect((await rejectionOf(closed.run(tasks.add, [1, 2]))).code).toBe('ERR_CLOSED')
  })

  test('what a task posts where the host listens hurts nobody', async () => {
    const pool = sharedPool(1)
    await inOneWorker(pool, async () => {
      for (const message of ['text', 0, null, { heddle: null }, { ready: true, taskId: 1, result: 2 }]) {
        const [posting] = await Promise.allSettled([pool.run(tasks.postToParent, [message])])
        const refusal = { reason: { message: expect.stringContaining('taskContext().progress') } }
        expect(posting).toMatchObject(boundary === 'thread' ? refusal : { value: 'posted' })
      }
    })
  })

  test(`a crash says all that is known of the ${what} and of the run`, async () => {
    const pool = createPool({ maxWorkers: 1 })
    const worker = await pool.run(tasks.worker, [])
    const [pid, threadId] = worker.split('/').map(Number)
    const error = await rejectionOf(pool.run(tasks.exit, [3]))
    expect(error).toMatchObject({ attempt: 1, began: true, exitCode: 3 })
    expect(error).toMatchObject(boundary === 'thread' ? { pid: undefined, threadId } : { pid, threadId: undefined })
    const { waitMs, runMs } = error as unknown as { waitMs: number; runMs: number }
    expect(waitMs).toBeGreaterThanOrEqual(0)
    expect(runMs).toBeGreaterThan(0)
  })
}

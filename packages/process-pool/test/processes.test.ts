import diagnostics from 'node:diagnostics_channel'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProcessPoolManager } from '@heddle/process-pool'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { Gate } from '../../pool-core/test/support/gate.js'
import { isAlive, rejectionOf, until } from '../../pool-core/test/support/observe.js'
import { processTasks, tasks } from './fixtures/tasks.mjs'

const pool = new ProcessPoolManager({ maxWorkers: 1 })

afterAll(() => pool.terminate())

/** Whether this process has noticed the end of its child: until then a call may still be sent to it. */
function isNoticed(pid: number): boolean {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

/** Whether a process has a handler for SIGTERM by now; where that cannot be seen, it is believed. */
function ignoresSigterm(pid: number): boolean {
  if (process.platform !== 'linux') return true
  const [, caught = '0'] = /SigCgt:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n
}

describe('what crosses to a process', () => {
  test.each([
    ['a SharedArrayBuffer', [1, { memory: new SharedArrayBuffer(4) }], '[0][1].memory'],
    ['a view of one', new Map([['words', new Int32Array(new SharedArrayBuffer(4))]]), '[0].values()[0]'],
    ['a mutex of threads', { lock: new Mutex() }, '[0].lock.toHandle().buffer'],
    ['a counter of threads', [new ThreadSafeCounter()], '[0][0].toHandle().buffer'],
  ])('%s in the arguments is refused with its path, and nothing has run', async (_, value, path) => {
    const error = await rejectionOf(pool.run(tasks.echo, [value]))
    expect([error.name, error.code, error.path]).toEqual(['NotCloneableError', 'ERR_NOT_CLONEABLE', path])
    expect(error.message).toContain('another process')
    expect(await pool.run(tasks.echo, ['next'])).toBe('next')
  })

  test('what threads could clone and processes cannot is refused, as an argument and as a result', async () => {
    const module = processTasks.makeModule()
    const pid = await pool.run(processTasks.pid, [])
    expect((await rejectionOf(pool.run(tasks.echo, [{ module }]))).code).toBe('ERR_NOT_CLONEABLE')
    expect((await rejectionOf(pool.run(processTasks.makeModule, []))).code).toBe('ERR_NOT_CLONEABLE')
    expect(await pool.run(processTasks.pid, [])).toBe(pid)
  })

  test('a worker process has the environment of this one, as it is when the worker starts', async () => {
    expect(await pool.run(processTasks.environment, ['PATH'])).toBe(process.env.PATH)
    process.env.HEDDLE_TEST_VARIABLE = 'inherited'
    const later = new ProcessPoolManager({ maxWorkers: 1 })
    expect(await later.run(processTasks.environment, ['HEDDLE_TEST_VARIABLE'])).toBe('inherited')
    delete process.env.HEDDLE_TEST_VARIABLE
    await later.drain()
  })
})

describe('death from outside', () => {
  test.each(['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const)(
    'a worker that %s ends at work rejects its task with the signal, and the next one serves what is queued',
    async (signal) => {
      const gate = new Gate()
      const pid = await pool.run(processTasks.pid, [])
      const killed = pool.run(tasks.spin, [gate.dir, 'loop'])
      const next = pool.run(processTasks.pid, [])
      await gate.begun('loop')
      process.kill(pid, signal)
      const error = await rejectionOf(killed)
      expect(error).toMatchObject({ name: 'BrokenError', code: 'ERR_WORKER_CRASHED', signal, pid, began: true })
      expect(error.exitCode).toBeUndefined()
      expect(error.message).toBe(`the worker process that ran task spin was ended by ${signal}`)
      expect(await next).not.toBe(pid)
    },
  )

  test.each(['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const)(
    'a worker that %s ends while idle is replaced by the next task, which does not notice',
    async (signal) => {
      const pid = await pool.run(processTasks.pid, [])
      process.kill(pid, signal)
      await until(() => isNoticed(pid), 'the end of the worker')
      expect(await pool.run(processTasks.pid, [])).not.toBe(pid)
    },
  )

  test('a timeout ends a worker that is stopped, or that does not listen to SIGTERM', async () => {
    for (const task of [processTasks.stopItself, processTasks.ignoreSigterm]) {
      const pid = await pool.run(processTasks.pid, [])
      expect((await rejectionOf(pool.run(task, [], { timeout: 50 }))).code).toBe('ERR_TIMEOUT')
      const rejected = performance.now()
      await until(() => !isAlive(pid), 'the end of the worker')
      // tinypool itself waits a second before it becomes serious.
      expect(performance.now() - rejected).toBeLessThan(1_000)
      expect(await pool.run(processTasks.pid, [])).not.toBe(pid)
    }
  })

  test('an abort, a cancellation and terminate end a worker that does not listen to SIGTERM', async () => {
    const ways = {
      abort: async (deaf: ProcessPoolManager) => {
        const controller = new AbortController()
        const running = rejectionOf(deaf.run(processTasks.ignoreSigterm, [], { signal: controller.signal }))
        return { running, end: () => controller.abort('enough'), expected: 'enough' }
      },
      cancel: async (deaf: ProcessPoolManager) => {
        const id = await deaf.submitTask(processTasks.ignoreSigterm, [])
        const running = rejectionOf(deaf.getTaskResult(id))
        return { running, end: () => deaf.cancelTask(id, 'enough'), expected: 'enough' }
      },
      terminate: async (deaf: ProcessPoolManager) => {
        const running = rejectionOf(deaf.run(processTasks.ignoreSigterm, []))
        return { running, end: () => deaf.terminate(), expected: expect.objectContaining({ code: 'ERR_CLOSED' }) }
      },
    }
    for (const way of Object.values(ways)) {
      const deaf = new ProcessPoolManager({ maxWorkers: 1 })
      const pid = await deaf.run(processTasks.pid, [])
      const { running, end, expected } = await way(deaf)
      await until(() => ignoresSigterm(pid), 'the worker to ignore SIGTERM')
      await end()
      expect(await running).toEqual(expected)
      await until(() => !isAlive(pid), 'the end of the worker')
      expect(isAlive(pid)).toBe(false)
      await deaf.terminate()
    }
  })

  test('after drain and after terminate the processes of a pool have ended', async () => {
    for (const way of ['drain', 'terminate'] as const) {
      const ending = new ProcessPoolManager({ maxWorkers: 1 })
      const pid = await ending.run(processTasks.pid, [])
      expect(isAlive(pid)).toBe(true)
      await ending[way]()
      expect(isAlive(pid)).toBe(false)
    }
  })
})

/** Pools whose workers tell their process ids before they are up, for deaths at moments that no task can name. */
describe('death at any moment', () => {
  const pools: ProcessPoolManager[] = []

  function openPool(maxWorkers: number, gate: Gate): ProcessPoolManager {
    const tellsPid = new URL('./fixtures/tells-pid.mjs', import.meta.url).href
    const env = { HEDDLE_TEST_DIR: gate.dir }
    const opened = new ProcessPoolManager({ maxWorkers, env, execArgv: ['--import', tellsPid] })
    pools.push(opened)
    return opened
  }

  /** From now on, workers stay where they are: on their way up. */
  const holdStarts = (gate: Gate) => writeFileSync(join(gate.dir, 'hold'), '')
  const letStart = (gate: Gate) => rmSync(join(gate.dir, 'hold'))
  // Never 0, which is the whole group of this process.
  const pidsOf = (gate: Gate) =>
    gate
      .log()
      .map(Number)
      .filter((pid) => pid > 0)

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((opened) => opened.terminate()))
  })

  test('a worker that dies while it starts takes no task along: the one that waits for it runs in the next', async () => {
    const gate = new Gate()
    const opened = openPool(1, gate)
    holdStarts(gate)
    const waiting = opened.run(processTasks.pid, [])
    for (const count of [1, 2]) {
      await until(() => gate.log().length === count, 'a worker on its way up')
      if (count === 2) letStart(gate)
      process.kill(pidsOf(gate)[count - 1] as number, 'SIGKILL')
    }
    await until(() => gate.log().length === 3, 'the third worker')
    expect(await waiting).toBe(pidsOf(gate)[2])
    expect(opened.stats()).toMatchObject({ succeeded: 1, failed: 0, crashes: 2 })
  })

  test('after three workers in a row that died while they started the pool is broken, and starts no more', async () => {
    const gate = new Gate()
    const opened = openPool(1, gate)
    holdStarts(gate)
    const waiting = [1, 2].map(() => rejectionOf(opened.run(processTasks.pid, [])))
    for (const count of [1, 2, 3]) {
      await until(() => gate.log().length === count, 'a worker on its way up')
      process.kill(pidsOf(gate)[count - 1] as number, 'SIGKILL')
    }
    for (const error of await Promise.all(waiting)) {
      expect(error.code).toBe('ERR_WORKER_CRASHED')
      expect(error.message).toContain('was ended by SIGKILL before it was ready, 3 times in a row')
    }
    expect((await rejectionOf(opened.run(processTasks.pid, []))).code).toBe('ERR_WORKER_CRASHED')
    await opened.drain()
    expect(gate.log()).toHaveLength(3)
  })

  test('in a storm of SIGKILL every task settles, with its result or as crashed, and the pool survives', async () => {
    const gate = new Gate()
    const opened = openPool(2, gate)
    let started = 0
    const hear = (message: unknown) => {
      const { event, pool: name } = message as { event: string; pool: string }
      if (event === 'started' && name === opened.name) started += 1
    }
    diagnostics.subscribe('heddle:pool-core:worker', hear)
    const inside = new Gate()
    const outcomes: string[] = []
    const total = 80
    const victims: number[] = []
    for (let n = 0; n < total; n++)
      opened.run(tasks.inside, [inside.dir, String(n)]).then(
        () => outcomes.push('done'),
        (error: { code: string }) => outcomes.push(error.code),
      )
    for (let kills = 0; kills < 8 && outcomes.length < total; kills++) {
      // Two of three may die on their way up; three in a row would break the pool.
      if (kills % 2 === 0) {
        const before = started
        await until(() => started > before || outcomes.length === total, 'a worker that is up')
      }
      const settledSoFar = outcomes.length
      const pids = pidsOf(gate).filter(isAlive)
      const victim = pids[kills % Math.max(pids.length, 1)]
      if (victim !== undefined) {
        victims.push(victim)
        process.kill(victim, 'SIGKILL')
      }
      await until(() => outcomes.length > settledSoFar || outcomes.length === total, 'an outcome after a kill')
    }
    await until(() => outcomes.length === total, 'the outcome of every task')
    diagnostics.unsubscribe('heddle:pool-core:worker', hear)
    // A task that is given to a worker before its death is noticed shares its fate.
    await until(() => victims.every(isNoticed), 'the end of all victims')
    expect(new Set(outcomes)).toEqual(new Set(['done', 'ERR_WORKER_CRASHED']))
    expect(await opened.run(tasks.add, [1, 2])).toBe(3)
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { HostedSlot, PoolManager } from '@heddle/pool-core'
import { ProcessPoolManager } from '@heddle/process-pool'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { Tinypool } from 'tinypool'
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
  test('a worker that is killed at work rejects its task with the signal, and the next one serves what is queued', async () => {
    const gate = new Gate()
    const pid = await pool.run(processTasks.pid, [])
    const killed = pool.run(tasks.spin, [gate.dir, 'loop'])
    const next = pool.run(processTasks.pid, [])
    await gate.begun('loop')
    process.kill(pid, 'SIGKILL')
    const error = await rejectionOf(killed)
    expect(error).toMatchObject({ name: 'BrokenError', code: 'ERR_WORKER_CRASHED', signal: 'SIGKILL' })
    expect(error.exitCode).toBeUndefined()
    expect(error.message).toBe('the worker process that ran task spin was ended by SIGKILL')
    expect(await next).not.toBe(pid)
  })

  test('a worker that is killed while idle is replaced by the next task', async () => {
    const pid = await pool.run(processTasks.pid, [])
    process.kill(pid, 'SIGTERM')
    await until(() => isNoticed(pid), 'the end of the worker')
    expect(await pool.run(processTasks.pid, [])).not.toBe(pid)
  })

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

  test('after drain and after terminate the processes of a pool have ended', async () => {
    for (const way of ['drain', 'terminate'] as const) {
      const ending = new ProcessPoolManager({ maxWorkers: 1 })
      const pid = await ending.run(processTasks.pid, [])
      expect(isAlive(pid)).toBe(true)
      await ending[way]()
      expect(isAlive(pid)).toBe(false)
    }
  })

  test('an idle worker ends when the process of its pool is killed, whatever timers a task has left there', async () => {
    const script = fileURLToPath(new URL('./fixtures/idle-parent.mjs', import.meta.url))
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(String(line))
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await until(() => !isAlive(pid), 'the end of the orphan')
    expect(isAlive(pid)).toBe(false)
  })
})

/** A pool whose newest hosts can be looked into, for deaths at moments that no task can name. */
describe('death at any moment', () => {
  const hosts: Tinypool[] = []
  const pools: PoolManager[] = []

  function openPool(maxWorkers: number): PoolManager {
    const kind = {
      what: 'worker process',
      createHost() {
        const host = new Tinypool({
          runtime: 'child_process',
          serialization: 'advanced',
          filename: fileURLToPath(new URL('./fixtures/entry.mjs', import.meta.url)),
          minThreads: 1,
          maxThreads: 1,
        })
        hosts.push(host)
        return host
      },
    }
    const opened = new PoolManager(() => new HostedSlot(kind), 'process', { maxWorkers })
    pools.push(opened)
    return opened
  }

  const livePids = () => hosts.flatMap((host) => host.threads.map(({ threadId }) => threadId)).filter(isAlive)

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((opened) => opened.terminate()))
    hosts.splice(0)
  })

  test('a worker that dies while it starts rejects the task that waits for it, and the next one is served', async () => {
    const opened = openPool(1)
    const pid = await opened.run(processTasks.pid, [])
    process.kill(pid, 'SIGKILL')
    await until(() => isNoticed(pid), 'the end of the worker')
    const waiting = rejectionOf(opened.run(processTasks.pid, []))
    for (const starting of livePids()) process.kill(starting, 'SIGKILL')
    expect((await waiting).code).toBe('ERR_WORKER_CRASHED')
    expect(await opened.run(tasks.add, [1, 2])).toBe(3)
  })

  test('in a storm of SIGKILL every task settles, with its result or as crashed, and the pool survives', async () => {
    const opened = openPool(2)
    const gate = new Gate()
    let pending = 0
    const outcomes: string[] = []
    const submit = (n: number) => {
      pending += 1
      opened.run(tasks.inside, [gate.dir, String(n)]).then(
        () => outcomes.push('done'),
        (error: { code: string }) => outcomes.push(error.code),
      )
    }
    const total = 80
    for (let n = 0; n < total; n++) submit(n)
    for (let kills = 0; kills < 8 && outcomes.length < pending; kills++) {
      const settledSoFar = outcomes.length
      const pids = livePids()
      const victim = pids[kills % Math.max(pids.length, 1)]
      if (victim !== undefined) process.kill(victim, 'SIGKILL')
      await until(() => outcomes.length > settledSoFar, 'an outcome after a kill')
    }
    await until(() => outcomes.length === total, 'the outcome of every task')
    expect(new Set(outcomes)).toEqual(new Set(['done', 'ERR_WORKER_CRASHED']))
    expect(await opened.run(tasks.add, [1, 2])).toBe(3)
  })
})

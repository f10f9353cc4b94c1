import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Cluster, ClusterNode, ClusterPoolManager, type LocalServer } from '@heddle/cluster-pool'
import { BrokenError, ClosedError, TaskError, TimeoutError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import * as tasks from './fixtures/tasks.mjs'
import { unheardOf } from './fixtures/unregistered.mjs'
import { breakConnections } from './support/break-connections.js'
import { type NodeProcess, startNode } from './support/nodes.js'
import { connect, engines, startServer } from './support/servers.js'

const lockMs = 2_000
const stalledMs = 1_000
/** What the machine may take for what takes no time. */
const slackMs = 5_000

async function until(isThere: () => boolean, what: string): Promise<void> {
  const due = performance.now() + 20_000
  while (!isThere()) {
    if (performance.now() > due) throw new Error(`it never came to ${what}`)
    await delay(5)
  }
}

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`it resolved with ${String(value)}`)
    },
    (error: unknown) => error,
  )

describe.each(engines)('%s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let dir = ''
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    server = await startServer(engine, { durable: true })
  }, 60_000)

  afterAll(() => server.stop())

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
    rmSync(dir, { recursive: true, force: true })
  })

  /** A cluster of its own, so that no test sees what another has left. */
  async function open(): Promise<ClusterPoolManager> {
    dir = mkdtempSync(join(tmpdir(), 'heddle-cluster-'))
    cluster = await connect(server)
    ends.push(() => cluster.close())
    return newPool()
  }

  function newPool(options = {}): ClusterPoolManager {
    const pool = new ClusterPoolManager(cluster, options)
    ends.push(() => pool.terminate())
    return pool
  }

  async function newNode(options = {}): Promise<ClusterNode> {
    const node = await ClusterNode.start(cluster, { tasks, concurrency: 1, ...options })
    ends.push(() => node.terminate())
    return node
  }

  async function newProcess(args: readonly string[] = ['--concurrency', '1']): Promise<NodeProcess> {
    const node = await startNode(cluster, args)
    ends.push(() => node.kill('SIGKILL'))
    return node
  }

  const file = (name: string) => join(dir, name)
  const begun = (name = 'log') => {
    try {
      return readFileSync(file(name), 'utf8').split('\n').slice(0, -1)
    } catch {
      return []
    }
  }

  test('an idempotent task whose node is killed is run again by another, within lock, look and slack', async () => {
    const pool = await open()
    const nodes = [await newProcess(), await newProcess()]
    const result = pool.run(tasks.holdAgain, [file('log'), file('gate')])
    await until(() => begun().length === 1, 'the begin')
    const victim = nodes.find(({ pid }) => String(pid) === begun()[0])
    const killed = performance.now()
    await victim?.kill('SIGKILL')
    await until(() => begun().length === 2, 'the second begin')
    const took = performance.now() - killed
    writeFileSync(file('gate'), '')
    expect(String(await result)).toBe(begun()[1])
    expect(begun()[1]).not.toBe(begun()[0])
    expect(took).toBeLessThan(lockMs + stalledMs + slackMs)
  }, 60_000)

  test('one that is not idempotent is told to have crashed after it may have begun, and runs once', async () => {
    const pool = await open()
    const nodes = [await newProcess(), await newProcess()]
    const rejection = rejectionOf(pool.run(tasks.holdOnce, [file('log'), file('gate')]))
    await until(() => begun().length === 1, 'the begin')
    await nodes.find(({ pid }) => String(pid) === begun()[0])?.kill('SIGKILL')
    const error = await rejection
    expect(error).toBeInstanceOf(BrokenError)
    expect(error).toMatchObject({ code: 'ERR_WORKER_CRASHED', began: true, attempt: 1 })
    expect(begun()).toHaveLength(1)
  }, 60_000)

  test('a task that is lost with its node more often than its retries allow is poison', async () => {
    const pool = await open()
    const rejection = rejectionOf(pool.run(tasks.holdPoison, [file('log'), file('gate')]))
    for (const count of [1, 2]) {
      const node = await newProcess()
      await until(() => begun().length === count, `begin ${count}`)
      await node.kill('SIGKILL')
    }
    await newProcess()
    const error = await rejection
    expect(error).toBeInstanceOf(TaskError)
    expect(error).toMatchObject({ code: 'ERR_POISON_TASK', cause: { code: 'ERR_WORKER_CRASHED' } })
    expect(begun()).toHaveLength(2)
  }, 60_000)

  test('a node that gets SIGTERM takes no more, ends what it runs, and exits with 0; the rest waits for others', async () => {
    const pool = await open()
    const node = await newProcess()
    const held = pool.run(tasks.holdOnce, [file('log'), file('gate')])
    await until(() => begun().length === 1, 'the begin')
    const behind = pool.run(tasks.pid, [])
    const exited = node.kill('SIGTERM')
    await until(() => node.output().includes('no more'), 'the drain')
    writeFileSync(file('gate'), '')
    expect(await held).toBe(node.pid)
    expect(await exited).toEqual({ code: 0, signal: null })
    const other = await newProcess()
    expect(await behind).toBe(other.pid)
  }, 60_000)

  test('a second signal ends what runs as well', async () => {
    const pool = await open()
    const node = await newProcess()
    const rejection = rejectionOf(pool.run(tasks.holdOnce, [file('log'), file('gate')]))
    await until(() => begun().length === 1, 'the begin')
    const exited = node.kill('SIGTERM')
    await until(() => node.output().includes('no more'), 'the drain')
    await node.kill('SIGTERM')
    expect(await exited).toEqual({ code: 0, signal: null })
    await newProcess()
    expect(await rejection).toMatchObject({ code: 'ERR_WORKER_CRASHED' })
    expect(begun()).toHaveLength(1)
  }, 60_000)

  test('a body that computes for longer than its lock lasts runs once, with another node at hand', async () => {
    const pool = await open()
    await newProcess()
    await newProcess()
    expect(await pool.run(tasks.spin, [file('log'), 1.6 * lockMs])).toBe('done')
    expect(begun()).toHaveLength(1)
  }, 60_000)

  test('a cancelled task sees its signal abort on its node, and its caller is told at once', async () => {
    const pool = await open()
    await newNode()
    const id = await pool.submitTask(tasks.obedient, [file('log')])
    await until(() => begun().length === 1, 'the begin')
    expect(pool.cancelTask(id)).toBe(true)
    await expect(pool.getTaskResult(id, { timeout: 0 })).rejects.toMatchObject({ name: 'AbortError' })
    await until(() => begun().length === 2, 'the abort')
    expect(begun()).toEqual(['began', 'aborted'])
  })

  test('what a task tells on its way comes in order, as it was told, before the task settles', async () => {
    const pool = await open()
    await newNode()
    const seen: unknown[] = []
    const onProgress = (value: unknown) => seen.push(value)
    expect(await pool.run(tasks.steps, [5], { onProgress })).toBe(5)
    expect(seen).toEqual([1, 2, 3, 4, 5].map((step) => ({ step, at: new Date(0) })))
  })

  test('errors of the pool are of its classes, with their codes', async () => {
    const pool = await open()
    await newNode()
    const late = await rejectionOf(pool.run(tasks.holdOnce, [file('log'), file('gate')], { timeout: 20 }))
    expect(late).toBeInstanceOf(TimeoutError)
    expect(late).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(await rejectionOf(pool.run(tasks.fail, []))).toMatchObject({ name: 'RangeError', code: 'E_NO' })
    const unknown = await rejectionOf(pool.run(unheardOf, []))
    expect(unknown).toMatchObject({ name: 'ClusterError', code: 'ERR_TASK_NOT_REGISTERED' })
    expect(String(unknown)).toContain('unheardOf')
  })

  test('a function is refused, and so is what is none: nothing of it is sent', async () => {
    const pool = await open()
    const plain = (() => 1) as unknown as typeof tasks.pid
    for (const bad of [plain, 'pid', undefined] as (typeof tasks.pid)[]) {
      await expect(pool.run(bad, [])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
      await expect(pool.submitTask(bad, [])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
    }
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  test('retries that the caller asks for are made on the node, and only of idempotent tasks', async () => {
    const pool = await open()
    await newNode()
    expect(await pool.run(tasks.failsAtFirst, [2], { retries: { errors: 2 } })).toBe(3)
    await expect(pool.run(tasks.add, [1, 2], { retries: { errors: 2 } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG',
    })
  })

  test('large arguments and results arrive whole', async () => {
    const pool = await open()
    await newNode()
    const large = Uint8Array.from({ length: 2_000_000 }, (_, index) => index % 251)
    const result = (await pool.run(tasks.echo, [{ large, more: new Map([['a', 'Ω'.repeat(10_000)]]) }])) as {
      large: Uint8Array
      more: Map<string, string>
    }
    expect(Buffer.compare(result.large, large)).toBe(0)
    expect(result.more.get('a')).toHaveLength(10_000)
  })

  test('every task settles although all connections break again and again', async () => {
    const pool = await open()
    await newNode({ concurrency: 4 })
    const sums = Array.from({ length: 300 }, (_, n) => pool.run(tasks.add, [n, 1]))
    for (let round = 0; round < 3; round += 1) {
      await delay(60)
      await breakConnections(server)
    }
    const outcomes = await Promise.allSettled(sums)
    const lost = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    // What a node had in its hands when its connections broke may have begun.
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'ERR_WORKER_CRASHED' })
    expect(lost.length).toBeLessThan(60)
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  }, 60_000)

  test('of a caller no more than `maxQueued` tasks are stored; the others wait for room, and all run', async () => {
    await open()
    const pool = newPool({ maxQueued: 2 })
    const sums = [1, 2, 3, 4, 5].map((n) => pool.run(tasks.add, [n, n]))
    await until(() => pool.stats().queued === 2, 'two stored ones')
    expect(pool.stats()).toMatchObject({ queued: 2, waitingForRoom: 3 })
    await newNode()
    expect(await Promise.all(sums)).toEqual([2, 4, 6, 8, 10])
  })

  test('a pause holds for all callers of the pool, and any of them can resume', async () => {
    const pool = await open()
    const other = newPool()
    await newNode()
    await other.run(tasks.add, [0, 0])
    pool.pause()
    await pool.submitTask(tasks.add, [0, 0])
    const held = other.run(tasks.add, [1, 2])
    await delay(100)
    expect(other.stats()).toMatchObject({ running: 0, queued: 1 })
    other.resume()
    expect(await held).toBe(3)
    await pool.onIdle()
    expect(pool.stats().succeeded).toBe(1)
  })

  test('what a terminated caller had stored never begins', async () => {
    const pool = await open()
    await pool.submitTask(tasks.holdOnce, [file('log'), file('gate')])
    const waiting = rejectionOf(pool.run(tasks.holdOnce, [file('log'), file('gate')]))
    await pool.terminate('enough')
    expect(await waiting).toBeInstanceOf(ClosedError)
    expect(await waiting).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
    await newNode()
    expect(await newPool().run(tasks.add, [1, 2])).toBe(3)
    expect(begun()).toEqual([])
  })

  test('pools of different names, and of different prefixes, do not see each other', async () => {
    const pool = await open()
    await newNode({ pool: 'other' })
    const waiting = pool.run(tasks.add, [1, 2])
    expect(await newPool({ name: 'other' }).run(tasks.add, [3, 4])).toBe(7)
    const far = await connect(server)
    ends.push(() => far.close())
    const stranger = await ClusterNode.start(far, { tasks, concurrency: 1 })
    ends.push(() => stranger.terminate())
    expect(pool.stats()).toMatchObject({ queued: 1, running: 0, succeeded: 0 })
    await newNode()
    expect(await waiting).toBe(3)
  })

  function runProgram(what: string): Promise<{ stdout: string }> {
    const program = fileURLToPath(new URL('./fixtures/pool-program.mjs', import.meta.url))
    return promisify(execFile)(process.execPath, [program, what, cluster.prefix], {
      env: { ...process.env, HEDDLE_URL: cluster.url },
      timeout: 20_000,
    })
  }

  test('a program with an idle pool ends by itself', async () => {
    await open()
    expect((await runProgram('idle')).stdout).toBe('')
  })

  test('a program that terminates its pool ends when nothing of it is stored any more', async () => {
    const pool = await open()
    expect((await runProgram('terminate')).stdout).toBe('terminated\n')
    const node = await newNode()
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    expect(node.stats().done).toBe(1)
  }, 60_000)

  test('what is pending when its cluster is closed rejects, and a node of that cluster ends', async () => {
    await open()
    const own = await connect(server)
    const rejection = rejectionOf(new ClusterPoolManager(own).run(tasks.add, [1, 2]))
    const submitted = new ClusterPoolManager(own, { name: 'other' })
    await submitted.submitTask(tasks.add, [1, 2])
    const node = await ClusterNode.start(own, { tasks, pool: 'third', concurrency: 1 })
    await own.close()
    expect(await rejection).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect([...(await submitted.waitForAllTasks()).values()]).toMatchObject([{ status: 'error' }])
    await node.drain()
  })

  test('a node is drained, and a pool terminated, although the server is away', async () => {
    await open()
    const other = await startServer(engine)
    ends.push(() => other.stop())
    const away = await connect(other, { serverTimeout: 1_000 })
    ends.push(() => away.close())
    const pool = new ClusterPoolManager(away)
    const node = await ClusterNode.start(away, { tasks, concurrency: 1 })
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    await other.stop()
    const rejection = rejectionOf(pool.run(tasks.add, [1, 2]))
    await node.drain()
    await pool.terminate()
    expect(await rejection).toMatchObject({ code: expect.stringMatching(/^ERR_(CLOSED|SERVER_UNAVAILABLE)$/) })
  }, 60_000)

  test('a node is refused bad options, and runs nothing', async () => {
    await open()
    const start = (options: object) => ClusterNode.start(cluster, options as Parameters<typeof ClusterNode.start>[1])
    const bad = [
      {},
      { tasks: [] },
      { tasks: [() => 1] },
      { tasks, pool: 'a:b' },
      { tasks, concurrency: 0 },
      { tasks, lockDuration: 1 },
      { tasks, executor: {} },
      { tasks, onError: 'yes' },
    ]
    for (const options of bad)
      await expect(start(options)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) })
    await expect(ClusterNode.start({} as Cluster, { tasks: [tasks.add] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG',
    })
  })
})

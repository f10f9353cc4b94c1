import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cluster, ClusterDict, ClusterLock, ClusterSemaphore, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type LeaseProcess, startLeaseProcess } from './support/lease-process.js'
import { connect, engines, startServer } from './support/servers.js'
import { until } from './support/until.js'

/** What a machine that does other things may take beside. */
const slackMs = 1_200

describe.each(engines)('locks of several processes on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  const processes: LeaseProcess[] = []

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
  })
  afterEach(async () => {
    for (const each of processes.splice(0)) await each[Symbol.asyncDispose]()
    await cluster.close()
  })

  async function start(): Promise<LeaseProcess> {
    const started = await startLeaseProcess(cluster)
    processes.push(started)
    return started
  }

  test('240 contended acquisitions of four processes: never two holders, and the tokens increase', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-lease-'))
    try {
      const all = await Promise.all([start(), start(), start(), start()])
      const met = await Promise.all(all.map((each) => each.ask('contend', 'x', 60, folder)))
      expect(met).toEqual([0, 0, 0, 0])
      const tokens = readFileSync(join(folder, 'tokens'), 'utf8').trim().split('\n').map(Number)
      expect(tokens).toEqual(Array.from({ length: 240 }, (_, index) => index + 1))
      expect(await new ClusterLock(cluster, 'x').getState()).toEqual({ held: false, waiters: 0 })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)

  test('a holder that is killed gives way when its lease is over, and not before', async () => {
    const lease = 1_000
    const lock = new ClusterLock(cluster, 'killed')
    const holder = await start()
    const token = await holder.ask('acquire', 'killed', lease)
    const waiting = lock.acquire()
    await until(async () => (await lock.getState()).waiters === 1)
    await holder.signal('SIGKILL')
    const killed = performance.now()
    await using guard = await waiting
    const passed = performance.now() - killed
    expect(guard.token).toBe(token + 1n)
    expect(passed).toBeLessThan(lease + slackMs)
    // It was renewed at the latest a third before.
    expect(passed).toBeGreaterThan(lease / 2 - 100)
  })

  test('a waiter that is killed does not hold up those behind it for longer than its patience', async () => {
    const lock = new ClusterLock(cluster, 'dead waiter')
    const guard = await lock.acquire()
    const dead = await start()
    dead.ask('acquire', 'dead waiter').catch(() => undefined)
    await until(async () => (await lock.getState()).waiters === 1)
    const waiting = lock.acquire()
    await until(async () => (await lock.getState()).waiters === 2)
    await dead.signal('SIGKILL')
    const killed = performance.now()
    await guard.release()
    await (await waiting).release()
    expect(performance.now() - killed).toBeLessThan(3_000 + slackMs)
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
  })

  test('the permits of a process that dies come back, one by one for those who wait', async () => {
    const lease = 1_000
    const semaphore = new ClusterSemaphore(cluster, 'dead', 4)
    const holder = await start()
    await holder.ask('acquirePermits', 'dead', 4, 3, lease)
    const waiting = [semaphore.acquire(2), semaphore.acquire(2)]
    await until(async () => (await semaphore.getState()).waiters === 2)
    await holder.signal('SIGKILL')
    const killed = performance.now()
    const guards = await Promise.all(waiting)
    expect(performance.now() - killed).toBeLessThan(lease + slackMs)
    expect(await semaphore.getState()).toEqual({ free: 0, maxPermits: 4, waiters: 0 })
    for (const guard of guards) await guard.release()
  })

  test('a holder that was stopped past its lease knows that it lost it, and its late write is refused', async () => {
    const lease = 600
    const lock = new ClusterLock(cluster, 'stopped')
    const dict = new ClusterDict<string>(cluster, 'protected')
    const holder = await start()
    const token = await holder.ask('acquire', 'stopped', lease)
    expect(await holder.ask('fencedSet', 'protected', 'key', 'in time')).toBe(1n)
    await holder.signal('SIGSTOP')
    await using guard = await lock.acquire()
    expect(guard.token).toBe(token + 1n)
    await dict.set('key', 'of the next', { fence: guard.token })
    const state = holder.ask('state')
    await holder.signal('SIGCONT')
    expect((await state).held).toBe(false)
    await until(async () => (await holder.ask('state')).lost !== undefined, 'that it is told')
    expect(await holder.ask('state')).toEqual({ held: false, lost: 'ERR_LEASE_LOST', onLost: 1 })
    expect(await holder.ask('fencedSet', 'protected', 'key', 'too late')).toBeUndefined()
    expect(await dict.get('key')).toBe('of the next')
    await holder.ask('release')
    expect(guard.held).toBe(true)
    await guard.renew()
  })

  test('a guard does not keep a process alive, and whoever waits for one does', async () => {
    const lock = new ClusterLock(cluster, 'lonely')
    const program = fileURLToPath(new URL('fixtures/lease-lonely.mjs', import.meta.url))
    const guard = await lock.acquire()
    const child = spawn(process.execPath, [program, cluster.url, cluster.prefix, 'lonely'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const exited = once(child, 'exit')
    await until(async () => (await lock.getState()).waiters === 1)
    await guard.release()
    const [code] = await exited
    expect([code, output]).toEqual([0, '2\n'])
    // It has ended without releasing it.
    expect((await lock.getState()).held).toBe(true)
  })
})

import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, ClusterLock, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { breakConnections } from './support/break-connections.js'
import { startCable } from './support/cable.js'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('locks when %s fails', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster

  beforeAll(async () => {
    server = await startServer(engine, { durable: true })
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
    other = await connect(server, { prefix: cluster.prefix })
  })
  afterEach(async () => {
    await cluster.close()
    await other.close()
  })

  const waiters = async (lock: ClusterLock, count: number) =>
    await until(async () => (await lock.getState()).waiters === count, `${count} waiters`)

  async function killServer(): Promise<void> {
    process.kill(server.pid, 'SIGKILL')
    await server.restart()
  }

  test('those who wait live through broken connections, and keep their places', async () => {
    const lock = new ClusterLock(cluster, 'broken')
    const guard = await lock.acquire()
    const order: number[] = []
    const all: Promise<void>[] = []
    for (let place = 0; place < 4; place += 1) {
      const enter = async () => {
        await using _ = await new ClusterLock(place % 2 ? cluster : other, 'broken').acquire()
        order.push(place)
      }
      all.push(enter())
      await waiters(lock, place + 1)
    }
    for (let round = 0; round < 3; round += 1) await breakConnections(server)
    expect(guard.held).toBe(true)
    await guard.release()
    await Promise.all(all)
    expect(order).toEqual([0, 1, 2, 3])
  })

  test('connections that break all the time: never two holders, and the tokens increase', async () => {
    let inside = 0
    let isOver = false
    const tokens: bigint[] = []
    const breaking = (async () => {
      for (let round = 0; !isOver; round += 1) {
        await breakConnections(server)
        await delay(50 + 37 * (round % 5))
      }
    })()
    const take = async (connection: Cluster) => {
      const lock = new ClusterLock(connection, 'storm', { lease: 1_000 })
      for (let count = 0; count < 8; count += 1) {
        const guard = await lock.acquire()
        inside += 1
        expect(inside).toBe(1)
        tokens.push(guard.token)
        await new Promise(setImmediate)
        inside -= 1
        await guard.release()
      }
    }
    await Promise.all([take(cluster), take(other), take(cluster)])
    isOver = true
    await breaking
    expect(tokens).toHaveLength(24)
    expect(tokens).toEqual([...tokens].sort((one, two) => Number(one - two)))
    expect(new Set(tokens).size).toBe(24)
  }, 60_000)

  test('a held lock stays held when the server is killed and started again, and tokens go on', async () => {
    const lock = new ClusterLock(cluster, 'restart')
    // PostgreSQL may forget a release in a crash, and then the lease runs out.
    const there = new ClusterLock(other, 'restart', { lease: 1_000 })
    const guard = await lock.acquire()
    const waiting = there.acquire()
    await waiters(lock, 1)
    await killServer()
    await guard.renew()
    expect(guard.held).toBe(true)
    expect(await lock.tryAcquire()).toBeUndefined()
    await guard.release()
    const next = await waiting
    expect(next.token).toBe(guard.token + 1n)
    await next.release()
    await killServer()
    const last = await lock.acquire()
    expect(last.token).toBe(guard.token + 2n)
    await last.release()
  }, 60_000)

  test('a guard is lost by its own clock while the server is away, and a timeout still comes in time', async () => {
    await using cable = await startCable(server)
    await using far = await connect(server, { prefix: cluster.prefix, url: cable.url })
    const lock = new ClusterLock(far, 'away')
    const told: Error[] = []
    const guard = await new ClusterLock(far, 'held', { lease: 300, onLost: (error) => told.push(error) }).acquire()
    cable.cut()
    const began = performance.now()
    expect(await rejectionOf(lock.acquire({ timeout: 100 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const passed = performance.now() - began
    expect(passed).toBeGreaterThanOrEqual(100)
    expect(passed).toBeLessThan(1_500)
    await until(() => guard.lost.aborted, 'that it is told')
    expect(guard.held).toBe(false)
    expect(guard.lost.reason).toMatchObject({ code: 'ERR_LEASE_LOST' })
    expect(told).toEqual([guard.lost.reason])
    await guard.release()
    await using next = await new ClusterLock(cluster, 'held').acquire()
    cable.mend()
    // What was asked for before the timeout comes late, and goes back.
    const near = new ClusterLock(cluster, 'away')
    await until(async () => {
      const after = await near.tryAcquire()
      await after?.release()
      return after !== undefined && after.token > 1n
    }, 'that it is free again')
    await next.renew()
    expect(next.held).toBe(true)
  })

  test('a holder that was cut off for less than its lease keeps the lock', async () => {
    await using cable = await startCable(server)
    await using far = await connect(server, { prefix: cluster.prefix, url: cable.url })
    const guard = await new ClusterLock(far, 'short', { lease: 1_500 }).acquire()
    const near = new ClusterLock(cluster, 'short')
    for (let round = 0; round < 3; round += 1) {
      cable.cut()
      await delay(700)
      cable.mend()
      await guard.renew()
    }
    expect(guard.held).toBe(true)
    expect(guard.lost.aborted).toBe(false)
    expect(await near.tryAcquire()).toBeUndefined()
    await guard.release()
    expect((await near.acquire()).token).toBe(2n)
  })

  test('a server that is away for too long is told to who waits, and a closed cluster at once', async () => {
    await using cable = await startCable(server)
    const far = await connect(server, { prefix: cluster.prefix, url: cable.url, serverTimeout: 300 })
    const near = new ClusterLock(cluster, 'gone')
    const lock = new ClusterLock(far, 'gone')
    await using _ = await near.acquire()
    const waiting = rejectionOf(lock.acquire())
    await waiters(near, 1)
    cable.cut()
    expect(await waiting).toMatchObject({ name: 'ClusterError', code: 'ERR_SERVER_UNAVAILABLE' })
    cable.mend()
    await waiters(near, 0)
    const late = rejectionOf(lock.acquire())
    await waiters(near, 1)
    const closed = performance.now()
    await far.close()
    expect(await late).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect(performance.now() - closed).toBeLessThan(900)
  })
})

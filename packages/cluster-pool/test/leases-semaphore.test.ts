import { type Cluster, ClusterSemaphore, type LocalServer } from '@heddle/cluster-pool'
import { TimeoutError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('a semaphore on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster

  beforeAll(async () => {
    server = await startServer(engine)
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

  const waiters = async (semaphore: ClusterSemaphore, count: number) =>
    await until(async () => (await semaphore.getState()).waiters === count, `${count} waiters`, 2_000)

  test('permits are taken all at once, and come back with their guard', async () => {
    const semaphore = new ClusterSemaphore(cluster, 's', 5)
    const there = new ClusterSemaphore(other, 's', 5)
    expect(await semaphore.getState()).toEqual({ free: 5, maxPermits: 5, waiters: 0 })
    const one = await semaphore.acquire()
    const three = await there.acquire(3)
    expect([one.permits, three.permits]).toEqual([1, 3])
    expect([one.token, three.token]).toEqual([1n, 2n])
    expect(await there.getState()).toEqual({ free: 1, maxPermits: 5, waiters: 0 })
    expect(await semaphore.tryAcquire(2)).toBeUndefined()
    const last = await semaphore.tryAcquire()
    expect(last?.permits).toBe(1)
    await three.release()
    await three.release()
    expect((await there.getState()).free).toBe(3)
    await one.release()
    await last?.release()
    expect(await semaphore.getState()).toEqual({ free: 5, maxPermits: 5, waiters: 0 })
    const all = await there.acquire({ permits: 5 })
    expect(all.permits).toBe(5)
    await all.release()
  })

  test('one release lets several small requests through at once', async () => {
    const semaphore = new ClusterSemaphore(cluster, 'many', 3)
    const times: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const all = await semaphore.acquire(3)
      const waiting = [cluster, other, other].map((connection) => new ClusterSemaphore(connection, 'many', 3).acquire())
      await waiters(semaphore, 3)
      const began = performance.now()
      await all.release()
      const guards = await Promise.all(waiting)
      times.push(performance.now() - began)
      expect((await semaphore.getState()).free).toBe(0)
      for (const guard of guards) await guard.release()
    }
    // No one had to look by itself.
    times.sort((one, two) => one - two)
    expect(times[2]).toBeLessThan(300)
  })

  test('of those who come at the same moment as many get permits as there are', async () => {
    for (let round = 0; round < 20; round += 1) {
      const tries = Array.from({ length: 12 }, (_, index) =>
        new ClusterSemaphore(index % 2 ? cluster : other, 'moment', 3).tryAcquire(),
      )
      const guards = (await Promise.all(tries)).filter((guard) => guard !== undefined)
      expect(guards).toHaveLength(3)
      await Promise.all(guards.map((guard) => guard.release()))
    }
  })

  test('a big request is not passed by small ones', async () => {
    const semaphore = new ClusterSemaphore(cluster, 'big', 4)
    const there = new ClusterSemaphore(other, 'big', 4)
    const small = [await semaphore.acquire(), await there.acquire()]
    const order: string[] = []
    const enter = async (name: string, permits: number) => {
      await using _ = await there.acquire(permits)
      order.push(name)
    }
    const big = enter('big', 4)
    await waiters(semaphore, 1)
    const late = enter('late', 1)
    await waiters(semaphore, 2)
    expect(await semaphore.tryAcquire()).toBeUndefined()
    expect((await semaphore.getState()).free).toBe(2)
    for (const guard of small) await guard.release()
    await Promise.all([big, late])
    expect(order).toEqual(['big', 'late'])
  })

  test('when the big one gives up, those behind it go on at once', async () => {
    const semaphore = new ClusterSemaphore(cluster, 'gone', 2)
    const there = new ClusterSemaphore(other, 'gone', 2)
    await using _ = await semaphore.acquire()
    const big = rejectionOf(there.acquire(2, { timeout: 200 }))
    await waiters(semaphore, 1)
    const small = semaphore.acquire()
    await waiters(semaphore, 2)
    expect(await big).toBeInstanceOf(TimeoutError)
    const given = performance.now()
    await (await small).release()
    expect(performance.now() - given).toBeLessThan(900)
  })

  test('never more than there are, whatever is asked for and given up', async () => {
    const most = 5
    let inside = 0
    let peak = 0
    const tokens: bigint[] = []
    const enter = async (round: number) => {
      const semaphore = new ClusterSemaphore(round % 2 ? cluster : other, 'sum', most)
      const permits = 1 + (round % most)
      await using guard = await semaphore.acquire({ permits, timeout: round % 7 === 0 ? 20 : 20_000 })
      inside += permits
      tokens.push(guard.token)
      peak = Math.max(peak, inside)
      await new Promise(setImmediate)
      inside -= permits
    }
    const all = await Promise.allSettled(Array.from({ length: 100 }, (_, round) => enter(round)))
    const reasons = all.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(reasons.filter((reason) => !(reason instanceof TimeoutError))).toEqual([])
    expect(peak).toBeLessThanOrEqual(most)
    expect(peak).toBeGreaterThan(1)
    expect(new Set(tokens).size).toBe(tokens.length)
    const semaphore = new ClusterSemaphore(cluster, 'sum', most)
    await until(async () => (await semaphore.getState()).free === most, 'that all are free', 2_000)
    expect(await semaphore.getState()).toEqual({ free: most, maxPermits: most, waiters: 0 })
  })

  test('another number of permits is refused while some are held, and counts when none are', async () => {
    const three = new ClusterSemaphore(cluster, 'bound', 3)
    const four = new ClusterSemaphore(other, 'bound', 4)
    const guard = await three.acquire()
    const error = await rejectionOf(four.acquire())
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', message: expect.stringMatching(/3 .*4/) })
    expect(await rejectionOf(four.tryAcquire())).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await four.getState()).toEqual({ free: 2, maxPermits: 3, waiters: 0 })
    await guard.release()
    const all = await four.acquire(4)
    expect(all.token).toBe(2n)
    await all.release()
  })

  test('bad numbers are refused, and nothing is acquired', async () => {
    const bad = (code: string, permits: unknown) =>
      expect(() => new ClusterSemaphore(cluster, 'x', permits as number)).toThrow(expect.objectContaining({ code }))
    for (const permits of [0, -1, 1.5, Number.NaN, 2 ** 30]) bad('ERR_OUT_OF_RANGE', permits)
    for (const permits of ['1', undefined, null, 1n]) bad('ERR_INVALID_ARG', permits)
    const semaphore = new ClusterSemaphore(cluster, 'x', 2)
    for (const permits of [0, -1, 1.5, 3]) {
      expect(await rejectionOf(semaphore.acquire(permits))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
      expect(await rejectionOf(semaphore.acquire({ permits }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
      expect(await rejectionOf(semaphore.tryAcquire(permits))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
      expect(await rejectionOf(semaphore.runExclusive(() => 1, { permits }))).toMatchObject({
        code: 'ERR_OUT_OF_RANGE',
      })
    }
    expect(await rejectionOf(semaphore.acquire('1' as unknown as number))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await semaphore.getState()).toEqual({ free: 2, maxPermits: 2, waiters: 0 })
    expect(await semaphore.runExclusive(({ permits }) => permits, { permits: 2 })).toBe(2)
  })
})

import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, ClusterLock, type LocalServer, LockStateError } from '@heddle/cluster-pool'
import { TimeoutError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'
import { endLeases } from './support/stored.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('a lock on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  const others: Cluster[] = []

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
  })
  afterEach(async () => {
    for (const other of [cluster, ...others.splice(0)]) await other.close()
  })

  /** As another program has it. */
  async function another(): Promise<Cluster> {
    const other = await connect(server, { prefix: cluster.prefix })
    others.push(other)
    return other
  }

  /** Sooner than a dead one would be taken out of the line. */
  const waiters = async (lock: ClusterLock, count: number) =>
    await until(async () => (await lock.getState()).waiters === count, `${count} waiters`, 2_000)

  test('one holder at a time over all connections, and the next one gets it when it is released', async () => {
    const lock = new ClusterLock(cluster, 'x')
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
    const first = await lock.acquire()
    expect(first).toMatchObject({ token: 1n, held: true })
    expect(first.lost.aborted).toBe(false)
    const there = new ClusterLock(await another(), 'x')
    expect(await there.tryAcquire()).toBeUndefined()
    const waiting = there.acquire()
    await waiters(lock, 1)
    expect(await lock.getState()).toEqual({ held: true, waiters: 1 })
    await first.release()
    expect(first.held).toBe(false)
    const second = await waiting
    expect(second).toMatchObject({ token: 2n, held: true })
    expect(await lock.tryAcquire()).toBeUndefined()
    await second.release()
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
    const third = await lock.tryAcquire()
    expect(third?.token).toBe(3n)
    await third?.release()
  })

  test('a release wakes the next one without waiting for the time at which that looks by itself', async () => {
    const lock = new ClusterLock(cluster, 'wake')
    const there = new ClusterLock(await another(), 'wake')
    const times: number[] = []
    for (let round = 0; round < 10; round += 1) {
      const guard = await lock.acquire()
      const waiting = there.acquire()
      await waiters(lock, 1)
      const released = performance.now()
      await guard.release()
      const next = await waiting
      times.push(performance.now() - released)
      await next.release()
    }
    times.sort((one, other) => one - other)
    expect(times[5]).toBeLessThan(300)
  })

  test('names, and clusters of other prefixes, are locks of their own', async () => {
    const stranger = await connect(server)
    others.push(stranger)
    const locks = [
      new ClusterLock(cluster, 'a'),
      new ClusterLock(cluster, 'a:b'),
      new ClusterLock(cluster, 'a}{"\'\u{1F512} %'),
      new ClusterLock(stranger, 'a'),
    ]
    const guards = []
    for (const lock of locks) guards.push(await lock.tryAcquire())
    expect(guards.map((guard) => guard?.token)).toEqual([1n, 1n, 1n, 1n])
    for (const guard of guards) await guard?.release()
  })

  test('first come, first served, over several connections', async () => {
    const lock = new ClusterLock(cluster, 'fifo')
    const connections = [cluster, await another(), await another()]
    const guard = await lock.acquire()
    const order: number[] = []
    const all: Promise<void>[] = []
    for (let place = 0; place < 9; place += 1) {
      const there = new ClusterLock(connections[place % 3] as Cluster, 'fifo')
      const enter = async () => {
        await using _ = await there.acquire()
        order.push(place)
      }
      all.push(enter())
      await waiters(lock, place + 1)
    }
    await guard.release()
    await Promise.all(all)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('calls of one program get it in the order in which they were made', async () => {
    const lock = new ClusterLock(cluster, 'calls')
    const order: number[] = []
    const calls = Array.from({ length: 12 }, (_, place) => lock.runExclusive(() => order.push(place)))
    await Promise.all(calls)
    expect(order).toEqual(Array.from({ length: 12 }, (_, place) => place))
  })

  test('tryAcquire does not pass those who wait', async () => {
    const lock = new ClusterLock(cluster, 'polite')
    const there = new ClusterLock(await another(), 'polite')
    const guard = await lock.acquire()
    const got: bigint[] = []
    const waiting = Array.from({ length: 3 }, async () => {
      await using next = await there.acquire()
      got.push(next.token)
      await delay(20)
    })
    await waiters(lock, 3)
    await guard.release()
    let tries = 0
    while (got.length < 3) {
      expect(await lock.tryAcquire()).toBeUndefined()
      tries += 1
      if ((await lock.getState()).waiters === 0) break
    }
    expect(tries).toBeGreaterThan(0)
    await Promise.all(waiting)
    expect(got).toEqual([2n, 3n, 4n])
  })

  test('a timeout is no shorter than it says, and leaves nobody in the line', async () => {
    const lock = new ClusterLock(cluster, 'late')
    const there = new ClusterLock(await another(), 'late')
    await using _ = await lock.acquire()
    const began = performance.now()
    const error = await rejectionOf(there.acquire({ timeout: 120 }))
    expect(performance.now() - began).toBeGreaterThanOrEqual(120)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' })
    await waiters(lock, 0)
    expect(await rejectionOf(there.acquire({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await lock.getState()).toEqual({ held: true, waiters: 0 })
  })

  test('a timeout of 0 takes what is free, and Infinity waits', async () => {
    const lock = new ClusterLock(cluster, 'none')
    const guard = await lock.acquire({ timeout: 0 })
    const waiting = lock.acquire({ timeout: Number.POSITIVE_INFINITY })
    await waiters(lock, 1)
    await guard.release()
    const next = await waiting
    expect(next.token).toBe(2n)
    await next.release()
  })

  test.each([
    ['null', null],
    ['a string', 'stop'],
    ['an error', new Error('enough')],
  ])('an abort rejects with its reason, %s, and leaves the line', async (_, reason) => {
    const lock = new ClusterLock(cluster, 'abort')
    await using _guard = await lock.acquire()
    const controller = new AbortController()
    const waiting = rejectionOf(lock.acquire({ signal: controller.signal }))
    await waiters(lock, 1)
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    await waiters(lock, 0)
    expect(await rejectionOf(lock.acquire({ signal: controller.signal }))).toBe(reason)
    expect(await lock.getState()).toEqual({ held: true, waiters: 0 })
  })

  test('what was given up at any moment is neither held nor waited for', async () => {
    const lock = new ClusterLock(cluster, 'given up')
    for (let round = 0; round < 40; round += 1) {
      const guard = await lock.acquire()
      const controller = new AbortController()
      const waiting = Array.from({ length: 3 }, () => lock.acquire({ signal: controller.signal }))
      await delay(round / 5)
      const released = guard.release()
      await delay(round % 4)
      controller.abort()
      const settled = await Promise.allSettled(waiting)
      await released
      for (const each of settled) if (each.status === 'fulfilled') await each.value.release()
    }
    await waiters(lock, 0)
    await until(async () => !(await lock.getState()).held, 'that it is free', 2_000)
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
  })

  test('a second release does nothing, and one that comes late does not free the next holder', async () => {
    const lock = new ClusterLock(cluster, 'twice')
    const first = await lock.acquire()
    const waiting = lock.acquire()
    await Promise.all([first.release(), first.release()])
    const second = await waiting
    await first.release()
    expect(second.held).toBe(true)
    expect(await lock.tryAcquire()).toBeUndefined()
    await second.renew()
    expect(await rejectionOf(first.renew())).toMatchObject({ name: 'LockStateError', code: 'ERR_NOT_OWNER' })
    await second.release()
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
  })

  test('a holder keeps the lock for many times its lease', async () => {
    const lock = new ClusterLock(cluster, 'long', { lease: 250 })
    const there = new ClusterLock(await another(), 'long')
    const guard = await lock.acquire()
    const began = performance.now()
    expect(await rejectionOf(there.acquire({ timeout: 2_000 }))).toBeInstanceOf(TimeoutError)
    expect(performance.now() - began).toBeGreaterThan(2_000)
    expect(guard.held).toBe(true)
    expect(guard.lost.aborted).toBe(false)
    await guard.release()
    await (await there.acquire()).release()
  })

  test('whoever asks again while it holds the lock waits as everybody does', async () => {
    const lock = new ClusterLock(cluster, 'again')
    await lock.runExclusive(async (guard) => {
      expect(guard.held).toBe(true)
      expect(await rejectionOf(lock.acquire({ timeout: 50 }))).toBeInstanceOf(TimeoutError)
    })
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
  })

  test('runExclusive gives what the function gives, and releases also when that throws', async () => {
    const lock = new ClusterLock(cluster, 'run')
    expect(await lock.runExclusive(async ({ token }) => token)).toBe(1n)
    const error = new Error('as it is')
    expect(await rejectionOf(lock.runExclusive(() => Promise.reject(error)))).toBe(error)
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
    let calls = 0
    await using _ = await lock.acquire()
    await rejectionOf(lock.runExclusive(() => (calls += 1), { timeout: 0 }))
    expect(calls).toBe(0)
  })

  test('bad arguments are refused, and nothing is acquired', async () => {
    const lock = new ClusterLock(cluster, 'bad')
    const bad = (code: string, make: () => unknown) => expect(make).toThrow(expect.objectContaining({ code }))
    bad('ERR_INVALID_ARG', () => new ClusterLock({} as Cluster, 'x'))
    for (const name of ['', 7, 'x'.repeat(201)]) bad('ERR_INVALID_ARG', () => new ClusterLock(cluster, name as string))
    for (const lease of [99, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])
      bad('ERR_OUT_OF_RANGE', () => new ClusterLock(cluster, 'x', { lease }))
    bad('ERR_INVALID_ARG', () => new ClusterLock(cluster, 'x', { lease: '9' as unknown as number }))
    bad('ERR_INVALID_ARG', () => new ClusterLock(cluster, 'x', { onLost: {} as () => void }))
    for (const timeout of [-1, Number.NaN])
      expect(await rejectionOf(lock.acquire({ timeout }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    for (const options of [{ timeout: '5' }, { signal: {} }, null, 5])
      expect(await rejectionOf(lock.acquire(options as object))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(lock.runExclusive(7 as unknown as () => void))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await lock.getState()).toEqual({ held: false, waiters: 0 })
  })

  test('a guard whose lease the server has forgotten says so at its next renewal', async () => {
    const told: Error[] = []
    const lock = new ClusterLock(cluster, 'forgotten', { lease: 10_000, onLost: (error) => told.push(error) })
    const guard = await lock.acquire()
    expect(await endLeases(server, cluster.prefix, 'forgotten')).toBe(1)
    const error = await rejectionOf(guard.renew())
    expect(error).toBeInstanceOf(LockStateError)
    expect(error).toMatchObject({ code: 'ERR_LEASE_LOST' })
    expect(guard.lost.reason).toBe(error)
    expect(told).toEqual([error])
    expect(guard.held).toBe(false)
    await using next = await lock.acquire()
    expect(next.token).toBe(2n)
    await guard.release()
    expect(next.held).toBe(true)
    await next.renew()
  })
})

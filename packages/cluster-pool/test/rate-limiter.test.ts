import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cluster,
  ClusterRateLimiter,
  type ClusterRateLimiterOptions,
  type LocalServer,
} from '@heddle/cluster-pool'
import { TimeoutError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type QueueProcess, startQueueProcess } from './fixtures/queue-processes.mjs'
import { breakConnections } from './support/break-connections.js'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf } from './support/until.js'

describe.each(engines)('a rate limiter on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster
  let limiters = 0
  let name = ''
  const programs: QueueProcess[] = []

  beforeAll(async () => {
    server = await startServer(engine)
    cluster = await connect(server)
    other = await connect(server, { prefix: cluster.prefix })
  }, 60_000)
  afterAll(async () => {
    await cluster.close()
    await other.close()
    await server.stop()
  })
  beforeEach(() => {
    limiters += 1
    name = `limiter-${limiters}`
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program[Symbol.asyncDispose]()))
  })

  const open = (rate: number, per: number, options?: ClusterRateLimiterOptions) =>
    new ClusterRateLimiter(cluster, name, rate, per, options)
  const openElsewhere = (rate: number, per: number, options?: ClusterRateLimiterOptions) =>
    new ClusterRateLimiter(other, name, rate, per, options)
  const sum = (flags: readonly boolean[]) => flags.filter(Boolean).length

  test('the burst can be had at once, by all together, and no more', async () => {
    const both = [open(10, 60_000), openElsewhere(10, 60_000)]
    const taken = await Promise.all(Array.from({ length: 30 }, (_, i) => both[i % 2]?.tryAcquire() as Promise<boolean>))
    expect(sum(taken)).toBe(10)
    const spare = open(1_000, 3_600_000, { burst: 3 })
    expect([spare.rate, spare.per, spare.burst]).toEqual([1_000, 3_600_000, 3])
    const one = new ClusterRateLimiter(cluster, `${name}-one`, 1_000, 3_600_000_000, { burst: 3 })
    expect(sum(await Promise.all(Array.from({ length: 5 }, () => one.tryAcquire())))).toBe(3)
  })

  test('what is refused takes nothing', async () => {
    const limiter = open(5, 60_000)
    expect(await limiter.tryAcquire(3)).toBe(true)
    for (let i = 0; i < 10; i += 1) expect(await openElsewhere(5, 60_000).tryAcquire(3)).toBe(false)
    expect(await limiter.tryAcquire(2)).toBe(true)
    expect(await limiter.tryAcquire()).toBe(false)
  })

  test('permits come back at an even rate, by the millisecond', async () => {
    const limiter = open(10, 500)
    expect(await limiter.tryAcquire(10)).toBe(true)
    const since = performance.now()
    await limiter.acquire({ permits: 2 })
    const took = performance.now() - since
    expect(took).toBeGreaterThanOrEqual(90)
    expect(took).toBeLessThan(450)
  })

  test('keys are independent, and so are names', async () => {
    const limiter = open(2, 60_000)
    expect(await limiter.tryAcquire(2, { key: 'a' })).toBe(true)
    expect(await openElsewhere(2, 60_000).tryAcquire(1, { key: 'a' })).toBe(false)
    expect(await limiter.tryAcquire(2, { key: 'b' })).toBe(true)
    expect(await limiter.tryAcquire(2)).toBe(true)
    expect(await limiter.tryAcquire()).toBe(false)
    expect(await new ClusterRateLimiter(cluster, `${name}-2`, 2, 60_000).tryAcquire(2)).toBe(true)
    expect(await new ClusterRateLimiter(cluster, `${name}:a`, 2, 60_000).tryAcquire(2)).toBe(true)
    expect(await new ClusterRateLimiter(cluster, `${name}:a`, 2, 60_000).tryAcquire(2, { key: 'b' })).toBe(true)
    expect(await limiter.tryAcquire(2, { key: 'a:b' })).toBe(true)
    expect(await new ClusterRateLimiter(cluster, `${name}}:a`, 2, 60_000).tryAcquire(2, { key: 'b' })).toBe(true)
    expect(await limiter.tryAcquire(2, { key: 'a}:b' })).toBe(true)
    // Wherever the name ends and the key begins.
    const [one, same] = [
      new ClusterRateLimiter(cluster, `${name}:b`, 1, 60_000),
      new ClusterRateLimiter(cluster, name, 1, 60_000),
    ]
    expect(await one.tryAcquire(1, { key: 'c' })).toBe(true)
    expect(await same.tryAcquire(1, { key: 'b:c' })).toBe(true)
  })

  test('those who wait are served in their order, whatever they ask for', async () => {
    const limiter = open(10, 200)
    await limiter.acquire({ permits: 10 })
    const order: number[] = []
    const wants = [5, 1, 3, 1].map((permits, n) => limiter.acquire({ permits }).then(() => order.push(n)))
    // Two of them could be had before the five, but not by somebody who came later.
    await delay(60)
    expect(await limiter.tryAcquire()).toBe(false)
    await Promise.all(wants)
    expect(order).toEqual([0, 1, 2, 3])
  })

  test('who cannot have it in time is told at once, and has taken nothing', async () => {
    const limiter = open(1, 60_000)
    await limiter.acquire()
    const since = performance.now()
    expect(await rejectionOf(limiter.acquire({ timeout: 10_000 }))).toBeInstanceOf(TimeoutError)
    expect(performance.now() - since).toBeLessThan(5_000)
    expect(await rejectionOf(limiter.acquire({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  test('who gives up leaves its place to the next one', async () => {
    const limiter = open(10, 1_000)
    await limiter.acquire({ permits: 10 })
    const controller = new AbortController()
    const many = rejectionOf(limiter.acquire({ permits: 10, signal: controller.signal }))
    const since = performance.now()
    const few = limiter.acquire()
    await delay(20)
    controller.abort('enough')
    expect(await many).toBe('enough')
    await few
    expect(performance.now() - since).toBeLessThan(700)
  })

  test('bad arguments change nothing', async () => {
    const limiter = open(2, 60_000)
    for (const permits of [3, 0, 0.5, Number.NaN])
      expect(await rejectionOf(limiter.acquire({ permits }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(limiter.tryAcquire('1' as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(limiter.tryAcquire(1, { key: '' }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(limiter.acquire({ timeout: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(limiter.acquire({ signal: AbortSignal.abort('no') }))).toBe('no')
    for (const [rate, per] of [
      [0, 1],
      [-1, 1],
      [1, 0],
      [1, Number.POSITIVE_INFINITY],
      [Number.NaN, 1],
      [1, 1e13],
    ] as const)
      expect(() => open(rate, per)).toThrow(RangeError)
    expect(() => open(1, 1, { burst: 0 })).toThrow(RangeError)
    expect(() => open('1' as never, 1)).toThrow(TypeError)
    expect(await limiter.tryAcquire(2)).toBe(true)
  })

  test('a fraction of a permit in each period', async () => {
    const limiter = open(0.5, 100)
    expect(limiter.burst).toBe(1)
    await limiter.acquire()
    const since = performance.now()
    await limiter.acquire()
    expect(performance.now() - since).toBeGreaterThanOrEqual(190)
  })

  test('several programs that ask as often as they can are never given more than the bound', async () => {
    for (let i = 0; i < 3; i += 1) programs.push(await startQueueProcess(cluster))
    const limiter = open(50, 500)
    const since = performance.now()
    const taken = await Promise.all(programs.map((program) => program.ask('grab', name, 50, 500, 1_500)))
    const total = taken.reduce((all, own) => all + own, 0)
    expect(total).toBeLessThanOrEqual(limiter.bound(performance.now() - since))
    // And not far less: a burst, and what comes in the time that they had.
    expect(total).toBeGreaterThanOrEqual(limiter.bound(1_500) * 0.8)
  }, 60_000)

  test('connections that break all the time: never more than the bound, and all are served', async () => {
    const limiter = open(40, 400)
    const elsewhere = openElsewhere(40, 400)
    let isOver = false
    const breaking = (async () => {
      while (!isOver) {
        await breakConnections(server)
        await delay(250)
      }
    })()
    const since = performance.now()
    await Promise.all(Array.from({ length: 120 }, (_, i) => (i % 2 ? limiter : elsewhere).acquire()))
    const took = performance.now() - since
    isOver = true
    await breaking
    expect(limiter.bound(took)).toBeGreaterThanOrEqual(120)
  }, 60_000)
})

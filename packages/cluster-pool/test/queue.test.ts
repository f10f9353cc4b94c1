import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cluster,
  ClusterQueue,
  type ClusterQueueOptions,
  type LocalServer,
  QueueEmptyError,
} from '@heddle/cluster-pool'
import { QueueFullError } from '@heddle/pool-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('a queue on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster
  let queues = 0
  let name = ''

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
    queues += 1
    name = `queue-${queues}`
  })

  const open = (options?: ClusterQueueOptions) => new ClusterQueue<unknown>(cluster, name, options)
  /** As another program would. */
  const openElsewhere = (options?: ClusterQueueOptions) => new ClusterQueue<unknown>(other, name, options)
  const waits = async (promise: Promise<unknown>) => {
    const isOver = await Promise.race([promise.then(() => true), delay(150, false)])
    return !isOver
  }

  test('first in, first out, for all who use the name', async () => {
    const queue = open()
    for (let i = 0; i < 5; i += 1) await (i % 2 ? queue : openElsewhere()).put(i)
    await queue.putMany([5, 6, 7])
    expect(await queue.size()).toBe(8)
    expect(await openElsewhere().get()).toBe(0)
    expect(await openElsewhere().getMany(3)).toEqual([1, 2, 3])
    expect([await queue.get(), await queue.tryGet(), await queue.get()]).toEqual([4, { item: 5 }, 6])
    expect(await queue.getMany(10)).toEqual([7])
    expect(await queue.tryGet()).toBeUndefined()
    expect(await new ClusterQueue(cluster, `${name}-other`).tryGet()).toBeUndefined()
  })

  test('calls that are not awaited keep their order', async () => {
    const queue = open()
    const numbers = Array.from({ length: 600 }, (_, i) => i)
    const gets = numbers.map(() => queue.get())
    await Promise.all(numbers.map((i) => queue.put(i)))
    expect(await Promise.all(gets)).toEqual(numbers)
  })

  test('every value arrives whole', async () => {
    const queue = open()
    const cycle: unknown[] = []
    cycle.push(cycle)
    const values = [
      undefined,
      null,
      0n,
      -0,
      Number.NaN,
      '',
      'ü\0"\'$1\n',
      new Map([[{ a: 1 }, new Set([2])]]),
      new Date(5),
      /x/gi,
      new Uint8Array([0, 255, 10, 13]),
      Float64Array.of(Math.PI),
      new RangeError('no'),
      cycle,
      'x'.repeat(1_000_000),
    ]
    for (const value of values) await queue.put(value)
    for (const value of values) expect(await queue.get()).toEqual(value)
  })

  test('what waits for an item gets the next one, and others are not disturbed', async () => {
    const first = open().get()
    const second = openElsewhere().receive()
    expect(await waits(first)).toBe(true)
    await open().put('a')
    const one = await Promise.race([first, second.then(({ item }) => item)])
    expect(one).toBe('a')
    await open().put('b')
    expect(new Set([await first, (await second).item])).toEqual(new Set(['a', 'b']))
    await (await second).ack()
  })

  test('an item that is put wakes those who wait within a fraction of their look', async () => {
    const elsewhere = openElsewhere()
    await elsewhere.put('warm')
    await elsewhere.get()
    const times: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const got = elsewhere.get()
      await delay(120)
      const since = performance.now()
      await open().put(i)
      await got
      times.push(performance.now() - since)
    }
    expect(Math.min(...times)).toBeLessThan(100)
  })

  test('a full queue holds those back who put, in their order, until there is room', async () => {
    const queue = open({ capacity: 2 })
    await queue.put(0)
    await queue.put(1)
    expect(await queue.tryPut('x')).toBe(false)
    const error = await rejectionOf(queue.put('y', { timeout: 0 }))
    expect(error).toBeInstanceOf(QueueFullError)
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', item: 'y' })
    const puts = [queue.put(2), queue.put(3), queue.putMany([4, 5])]
    expect(await waits(Promise.race(puts))).toBe(true)
    expect(await queue.size()).toBe(2)
    expect(await openElsewhere().get()).toBe(0)
    await puts[0]
    expect(await queue.size()).toBe(2)
    expect(await openElsewhere({ capacity: 2 }).getMany(2)).toEqual([1, 2])
    for (const item of [3, 4, 5]) expect(await openElsewhere().get()).toBe(item)
    await Promise.all(puts)
    expect(await queue.getStats()).toMatchObject({ waiting: 0, capacity: 2 })
  })

  test('many items are put in parts as there is room, and what had none in time is handed back', async () => {
    const queue = open({ capacity: 3 })
    const error = await rejectionOf(queue.putMany([1, 2, 3, 4, 5], { timeout: 100 }))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', item: [4, 5] })
    expect(await queue.getMany(9)).toEqual([1, 2, 3])
    await queue.putMany([])
    expect(await queue.size()).toBe(0)
  })

  test('more than one request can carry arrives in order', async () => {
    const queue = open()
    const items = Array.from({ length: 700 }, (_, i) => ({ i, text: 'x'.repeat(i === 300 ? 2_000_000 : 100) }))
    await queue.putMany(items)
    const taken: unknown[] = []
    while (taken.length < 700) taken.push(...(await queue.getMany(400)))
    expect(taken).toEqual(items)
  })

  test('timeouts and aborts of gets leave nothing behind: the item is there for the next one at once', async () => {
    const queue = open()
    const began = performance.now()
    expect(await rejectionOf(queue.get({ timeout: 60 }))).toBeInstanceOf(QueueEmptyError)
    expect(performance.now() - began).toBeGreaterThanOrEqual(60)
    expect(await rejectionOf(queue.receive({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const gets = [1, 2, 3].map(() => queue.get({ signal: controller.signal }))
    const ends = Promise.all(gets.map(rejectionOf))
    await delay(50)
    controller.abort('enough')
    expect(await ends).toEqual(['enough', 'enough', 'enough'])
    await queue.put('a')
    const since = performance.now()
    expect(await openElsewhere().get({ timeout: 500 })).toBe('a')
    expect(performance.now() - since).toBeLessThan(500)
  })

  test('an item that was on its way to somebody who gave up goes back at once, as if nobody had seen it', async () => {
    const queue = open()
    await queue.put('first')
    await queue.put('second')
    for (let i = 0; i < 20; i += 1) {
      const controller = new AbortController()
      const received = queue.receive({ signal: controller.signal })
      controller.abort(i)
      expect(await rejectionOf(received)).toBe(i)
    }
    await until(async () => (await queue.getStats()).claimed === 0, 'the claims are given back')
    const delivery = await queue.receive()
    expect([delivery.item, delivery.attempt]).toEqual(['first', 1])
    await delivery.ack()
    expect(await queue.get()).toBe('second')
  })

  test('a put that gave up while it waited for room is not in the queue later', async () => {
    const queue = open({ capacity: 1 })
    await queue.put('a')
    const controller = new AbortController()
    const aborted = rejectionOf(queue.put('b', { signal: controller.signal }))
    const late = rejectionOf(queue.put('c', { timeout: 80 }))
    await delay(40)
    controller.abort()
    expect(await aborted).toBe(controller.signal.reason)
    expect(await late).toMatchObject({ item: 'c' })
    expect(await queue.get()).toBe('a')
    expect(await queue.tryGet()).toBeUndefined()
    await queue.put('d')
    expect(await openElsewhere().get()).toBe('d')
  })

  test('a put that is given up while it is on its way is in the queue if it resolves, and otherwise not', async () => {
    const queue = open()
    const put: number[] = []
    for (let i = 0; i < 30; i += 1) {
      const controller = new AbortController()
      const signals = [controller.signal, AbortSignal.timeout(1)]
      const call = queue.put(i, { signal: AbortSignal.any(signals), timeout: 1 })
      if (i % 3 === 0) controller.abort('now')
      const isPut = await call.then(
        () => true,
        () => false,
      )
      if (isPut) put.push(i)
    }
    const inside = put.length > 0 ? await queue.getMany(99) : []
    expect(inside).toEqual(put)
    expect(await queue.tryGet()).toBeUndefined()
  })

  test('a signal that has aborted, and bad arguments, change nothing', async () => {
    const queue = open()
    const signal = AbortSignal.abort(null)
    expect(await rejectionOf(queue.put(1, { signal }))).toBeNull()
    expect(await rejectionOf(queue.get({ signal }))).toBeNull()
    for (const timeout of [-1, Number.NaN])
      expect(await rejectionOf(queue.put(1, { timeout }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(queue.get({ timeout: '1' as never }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(queue.putMany(5 as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(queue.getMany(0))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(queue.put(() => 1))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect(await rejectionOf(queue.putMany([1, () => 1]))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    for (const options of [{ capacity: 0 }, { lease: 99 }, { maxDeliveries: 0 }, { lease: 2 ** 31 }])
      expect(() => open(options)).toThrow(RangeError)
    expect(() => new ClusterQueue(cluster, '')).toThrow(TypeError)
    expect(await queue.size()).toBe(0)
  })
})

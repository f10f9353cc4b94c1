import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cluster,
  ClusterQueue,
  type ClusterQueueOptions,
  type LocalServer,
  LockStateError,
  QueueEmptyError,
} from '@heddle/cluster-pool'
import { ClosedError, QueueFullError } from '@heddle/pool-core'
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

  test('a claimed item takes its place until it is acknowledged', async () => {
    const queue = open({ capacity: 1 })
    await queue.put(1)
    const delivery = await queue.receive()
    expect(await queue.tryPut(2)).toBe(false)
    const put = openElsewhere({ capacity: 1 }).put(3)
    expect(await waits(put)).toBe(true)
    await delivery.ack()
    await put
    expect(await queue.getStats()).toEqual({ waiting: 1, claimed: 0, deadLetters: 0, capacity: 1, closed: false })
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

  test('what is received comes back in its old place when it is put back, and is gone when it is acknowledged', async () => {
    const queue = open()
    await queue.putMany(['a', 'b', 'c'])
    const [a, b] = [await queue.receive(), await queue.receive()]
    expect([a.item, b.item, a.attempt, a.held]).toEqual(['a', 'b', 1, true])
    expect(await queue.getStats()).toMatchObject({ waiting: 1, claimed: 2 })
    await b.putBack()
    await a.putBack()
    expect(a.held).toBe(false)
    expect(await rejectionOf(a.ack())).toMatchObject({ code: 'ERR_NOT_OWNER' })
    const again = await openElsewhere().receive()
    expect([again.item, again.attempt]).toEqual(['a', 2])
    await again.ack()
    await again.ack()
    await again.putBack()
    expect(await queue.getMany(9)).toEqual(['b', 'c'])
  })

  test('a block that ends without an acknowledgement puts its delivery back', async () => {
    const queue = open()
    await queue.put('a')
    {
      await using delivery = await queue.receive()
      expect(delivery.attempt).toBe(1)
    }
    {
      await using delivery = await queue.receive()
      expect(delivery.attempt).toBe(2)
      await delivery.ack()
    }
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  })

  test('a delivery is held for as long as its holder lives, far beyond its lease', async () => {
    const queue = open({ lease: 500 })
    await queue.putMany(['a', 'b'])
    const deliveries = [await queue.receive(), await queue.receive()]
    expect(await rejectionOf(openElsewhere({ lease: 500 }).get({ timeout: 1_300 }))).toBeInstanceOf(QueueEmptyError)
    for (const delivery of deliveries) {
      expect(delivery.held).toBe(true)
      expect(delivery.lost.aborted).toBe(false)
      await delivery.ack()
    }
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  })

  test('a holder that was too busy to renew its lease sees that at once, before any timer could run', async () => {
    const queue = open({ lease: 100 })
    await queue.put('a')
    const delivery = await queue.receive()
    const until = performance.now() + 120
    while (performance.now() < until);
    expect(delivery.held).toBe(false)
    expect(await rejectionOf(delivery.ack())).toMatchObject({ code: 'ERR_LEASE_LOST' })
    expect(delivery.lost.aborted).toBe(true)
    const again = await openElsewhere().receive()
    expect([again.item, again.attempt]).toEqual(['a', 2])
    await again.ack()
  })

  test('what is delivered too often becomes a dead letter, which can be read, tried again and dropped', async () => {
    const queue = open({ maxDeliveries: 2, capacity: 2 })
    await queue.putMany(['bad', 'good'])
    for (const attempt of [1, 2]) {
      const delivery = await queue.receive()
      expect([delivery.item, delivery.attempt]).toEqual(['bad', attempt])
      await delivery.putBack()
    }
    expect(await queue.get()).toBe('good')
    expect(await queue.getDeadLetters()).toEqual([{ item: 'bad', attempts: 2 }])
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0, deadLetters: 1 })
    await queue.putMany(['x', 'y'])
    expect(await queue.retryDeadLetters()).toBe(1)
    const again = await queue.receive()
    expect([again.item, again.attempt]).toEqual(['bad', 1])
    await again.putBack()
    await (await queue.receive()).putBack()
    expect(await queue.getMany(5)).toEqual(['x', 'y'])
    expect(await queue.clearDeadLetters()).toBe(1)
    expect(await queue.getDeadLetters()).toEqual([])
    expect(await queue.tryGet()).toBeUndefined()
  })

  test('a closed queue takes nothing more, gives what is left, and then ends everybody', async () => {
    const queue = open({ capacity: 2 })
    await queue.putMany([1, 2])
    const put = openElsewhere({ capacity: 2 }).put(3)
    const ended = rejectionOf(put)
    await delay(50)
    await queue.close()
    expect(await ended).toBeInstanceOf(ClosedError)
    expect(await rejectionOf(queue.tryPut(4))).toMatchObject({ code: 'ERR_CLOSED' })
    const taken: unknown[] = []
    for await (const item of openElsewhere()) taken.push(item)
    expect(taken).toEqual([1, 2])
    for (const call of [queue.get(), queue.tryGet(), queue.receive(), queue.getMany(2)])
      expect(await rejectionOf(call)).toBeInstanceOf(ClosedError)
    await queue.close()
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0, closed: true })
  })

  test('a closed queue is not over while something is claimed: that may come back', async () => {
    const queue = open()
    await queue.putMany([1, 2])
    const deliveries = [await queue.receive(), await queue.receive()]
    const [first, second] = deliveries
    const gets = [openElsewhere().get(), openElsewhere().get()]
    await queue.close()
    expect(await waits(Promise.race(gets.map((get) => get.catch(() => 'ended'))))).toBe(true)
    await first?.putBack()
    expect(await Promise.race(gets)).toBe(1)
    const ends = Promise.allSettled(gets)
    const since = performance.now()
    await second?.ack()
    await ends
    // By being told, and not by looking again.
    expect(performance.now() - since).toBeLessThan(600)
    const reasons = (await ends).flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []))
    expect(reasons).toEqual(['ERR_CLOSED'])
  })

  test('those who wait are told of the end when the queue is closed', async () => {
    const ends = [open().get(), openElsewhere().receive()].map(rejectionOf)
    await delay(50)
    const since = performance.now()
    await open().close()
    for (const end of ends) expect(await end).toBeInstanceOf(ClosedError)
    expect(performance.now() - since).toBeLessThan(900)
  })

  test('clear drops what waits, and makes room; what is claimed stays', async () => {
    const queue = open({ capacity: 3 })
    await queue.putMany([1, 2, 3])
    const delivery = await queue.receive()
    const put = openElsewhere({ capacity: 3 }).put(4)
    expect(await waits(put)).toBe(true)
    expect(await queue.clear()).toBe(2)
    await put
    expect(await queue.getStats()).toMatchObject({ waiting: 1, claimed: 1 })
    await delivery.putBack()
    expect(await queue.getMany(5)).toEqual([1, 4])
  })

  test('a destroyed queue is as one that was never used, and who holds an item of it has lost that', async () => {
    const queue = open()
    await queue.putMany([1, 2])
    const delivery = await queue.receive()
    await queue.close()
    await queue.destroy()
    const error = await rejectionOf(delivery.ack())
    expect(error).toBeInstanceOf(LockStateError)
    expect(error).toMatchObject({ code: 'ERR_LEASE_LOST' })
    expect(delivery.lost.reason).toBe(error)
    const got = openElsewhere().get()
    await queue.put('new')
    expect(await got).toBe('new')
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0, closed: false })
  })

  test('a cluster that is closed ends those who wait', async () => {
    const own = await connect(server, { prefix: cluster.prefix })
    const queue = new ClusterQueue(own, name, { capacity: 1 })
    const get = rejectionOf(queue.get())
    await delay(50)
    await own.close()
    expect(await get).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect(await rejectionOf(queue.put(1))).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
  })
})

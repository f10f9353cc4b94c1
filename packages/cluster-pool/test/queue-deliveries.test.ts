import { setTimeout as delay } from 'node:timers/promises'
import {
  type Cluster,
  ClusterQueue,
  type ClusterQueueOptions,
  type LocalServer,
  LockStateError,
  QueueEmptyError,
} from '@heddle/cluster-pool'
import { ClosedError } from '@heddle/pool-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf } from './support/until.js'

describe.each(engines)('deliveries and ends of a queue on %s', (engine) => {
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

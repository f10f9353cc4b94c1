import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, ClusterQueue, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { breakConnections } from './support/break-connections.js'
import { startCable } from './support/cable.js'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('queues when %s fails', (engine) => {
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

  async function killServer(): Promise<void> {
    process.kill(server.pid, 'SIGKILL')
    await server.restart()
  }

  test('connections that break all the time: nothing is lost, nothing comes twice, and the order stays', async () => {
    const producer = new ClusterQueue<number>(cluster, 'broken', { capacity: 50 })
    const consumer = new ClusterQueue<number>(other, 'broken', { lease: 5_000 })
    let isOver = false
    let breaks = 0
    let count = 0
    const breaking = (async () => {
      while (!isOver) {
        await delay(150)
        await breakConnections(server)
        breaks += 1
      }
    })()
    const producing = (async () => {
      for (; count < 200 || breaks < 5; count += 4) await producer.putMany([count, count + 1, count + 2, count + 3])
      await producer.put(-1)
    })()
    const taken: number[] = []
    // Its number is even: it is gotten.
    for (;;) {
      taken.push(await consumer.get())
      if (taken.at(-1) === -1) break
      const delivery = await consumer.receive()
      taken.push(delivery.item)
      await delivery.ack()
    }
    await producing
    isOver = true
    await breaking
    expect(taken).toEqual([...Array.from({ length: count }, (_, i) => i), -1])
    expect(await producer.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  }, 60_000)

  test('those who wait live through a broken connection, and are woken as before', async () => {
    const queue = new ClusterQueue(cluster, 'waiting')
    const got = [queue.get(), queue.receive()]
    await delay(100)
    await breakConnections(server)
    await delay(400)
    const since = performance.now()
    await new ClusterQueue(other, 'waiting').putMany([1, 2])
    expect(await got[0]).toBe(1)
    await got[1]
    expect(performance.now() - since).toBeLessThan(1_500)
  })

  test('a holder that cannot reach the server has lost its item when the lease is over, and knows it by itself', async () => {
    await using cable = await startCable(server)
    const far = await connect(server, { url: cable.url, prefix: cluster.prefix })
    const lease = 600
    const near = new ClusterQueue(cluster, 'cut', { lease })
    await near.put('it')
    const delivery = await new ClusterQueue(far, 'cut', { lease }).receive()
    cable.cut()
    const again = near.receive().then((next) => {
      // Before anybody else can have it.
      expect(delivery.held).toBe(false)
      return next
    })
    await until(() => delivery.lost.aborted, 'the loss is told')
    expect(delivery.lost.reason).toMatchObject({ code: 'ERR_LEASE_LOST' })
    expect(await rejectionOf(delivery.ack())).toBe(delivery.lost.reason)
    expect((await again).attempt).toBe(2)
    cable.mend()
    await (await again).ack()
    await far.close()
  })

  test('what was put is there after the server was killed and started again', async () => {
    const queue = new ClusterQueue(cluster, 'restart', { lease: 30_000 })
    await queue.putMany(['held', 'a', 'b'])
    const delivery = await queue.receive()
    const waiting = new ClusterQueue(other, 'restart-2').get()
    // Redis writes to its file once a second.
    if (engine === 'redis') await delay(2_200)
    await killServer()
    expect(await queue.getMany(2)).toEqual(['a', 'b'])
    await delivery.ack()
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
    await new ClusterQueue(cluster, 'restart-2').put('woken')
    expect(await waiting).toBe('woken')
  }, 60_000)

  test('puts and acknowledgements that are under way when the server is killed are done once', async () => {
    const queue = new ClusterQueue<number>(cluster, 'middle', { lease: 20_000 })
    const puts = (async () => {
      for (let i = 0; i < 300; i += 1) await queue.put(i)
    })()
    const taken: number[] = []
    const refusals: string[] = []
    const takes = (async () => {
      const consumer = new ClusterQueue<number>(other, 'middle', { lease: 2_000 })
      while (taken.at(-1) !== 300) {
        const delivery = await consumer.receive()
        await delivery.ack().catch((error: { readonly code: string }) => refusals.push(error.code))
        taken.push(delivery.item)
      }
    })()
    await until(() => taken.length > 20, 'it has begun')
    await killServer()
    await puts
    await queue.put(300)
    await takes
    const all = Array.from({ length: 301 }, (_, i) => i)
    expect(taken.at(-1)).toBe(300)
    // What Redis has lost of its last second may come twice, or not at all.
    const mayLose = engine === 'redis'
    expect(mayLose ? all : taken).toEqual(all)
    expect(mayLose ? [] : refusals).toEqual([])
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  }, 60_000)
})

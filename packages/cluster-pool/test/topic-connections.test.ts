import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, type ClusterSubscription, ClusterTopic, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { breakConnections } from './support/break-connections.js'
import { connect, engines, startServer } from './support/servers.js'
import { until } from './support/until.js'

describe.each(engines)('topics when %s fails', (engine) => {
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

  function receiveAll(subscription: ClusterSubscription<number>, into: number[]): void {
    for (let next = subscription.tryReceive(); next; next = subscription.tryReceive()) into.push(next.message)
  }

  test('what was published while the connection was away is counted, although nothing is published any more', async () => {
    const subscription = await new ClusterTopic<number>(cluster, 'gap').subscribe()
    const topic = new ClusterTopic<number>(other, 'gap')
    await topic.publish(0)
    await breakConnections(server)
    // The listener comes back after a while; the publisher at once.
    for (let i = 1; i <= 5; i += 1) await topic.publish(i)
    const heard: number[] = []
    await until(() => {
      receiveAll(subscription, heard)
      return heard.length + subscription.lost === 6
    }, 'all are heard or counted')
    expect(heard).toEqual(heard.toSorted((a, b) => a - b))
    await topic.publish(6)
    expect(await subscription.receive()).toBe(6)
    expect(heard.length + subscription.lost).toBe(6)
  })

  test('connections that break all the time: each message is published once, and is heard or counted, to the last', async () => {
    const count = 600
    const published = [new ClusterTopic<number>(cluster, 'broken'), new ClusterTopic<number>(other, 'broken')]
    const subscriptions = [
      await new ClusterTopic<number>(cluster, 'broken').subscribe(),
      await new ClusterTopic<number>(other, 'broken').subscribe({ capacity: 20 }),
    ]
    const heard: number[][] = [[], []]
    let isOver = false
    let breaks = 0
    const breaking = (async () => {
      while (!isOver) {
        await breakConnections(server)
        breaks += 1
        await delay(150)
      }
    })()
    await Promise.all(
      published.map(async (topic, n) => {
        for (let i = n; i < count; i += 2) {
          await topic.publish(i)
          if (i % 20 < 2) await delay(30)
          receiveAll(subscriptions[n] as ClusterSubscription<number>, heard[n] as number[])
        }
      }),
    )
    isOver = true
    await breaking
    for (const [n, subscription] of subscriptions.entries()) {
      const own = heard[n] as number[]
      await until(() => {
        receiveAll(subscription, own)
        return own.length + subscription.lost >= count
      }, `all are heard or counted: ${own.length} and ${subscription.lost} of ${count}`)
      await delay(100)
      receiveAll(subscription, own)
      expect(own.length + subscription.lost).toBe(count)
      expect(new Set(own).size).toBe(own.length)
      for (const parity of [0, 1]) {
        const ofOne = own.filter((i) => i % 2 === parity)
        expect(ofOne).toEqual(ofOne.toSorted((a, b) => a - b))
      }
      expect(subscription.lost).toBeGreaterThan(0)
      expect(own.length).toBeGreaterThan(0)
    }
    expect(breaks).toBeGreaterThan(3)
  }, 60_000)

  test('a subscription lives through a restart of the server', async () => {
    const subscription = await new ClusterTopic<string>(cluster, 'restart').subscribe()
    const topic = new ClusterTopic<string>(other, 'restart')
    await topic.publish('before')
    expect(await subscription.receive()).toBe('before')
    process.kill(server.pid, 'SIGKILL')
    await server.restart()
    let isHeard = false
    const received = subscription.receive().finally(() => {
      isHeard = true
    })
    await until(async () => {
      await topic.publish('after')
      await delay(20)
      return isHeard
    }, 'it is heard again')
    expect(await received).toBe('after')
  }, 60_000)
})

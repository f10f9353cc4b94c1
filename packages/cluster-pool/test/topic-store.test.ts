import { randomUUID } from 'node:crypto'
import { toBytes } from '@heddle/codec'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Cluster } from '../build/connection/cluster.js'
import { serverOf } from '../build/connection/cluster-server.js'
import type { NoticeListener, Notices } from '../build/connection/server.js'
import { LocalServer } from '../build/local-server/local-server.js'
import { ClusterSubscription } from '../build/topic/cluster-subscription.js'
import { PostgresTopic } from '../build/topic/postgres-topic-store.js'
import { RedisTopic } from '../build/topic/redis-topic.js'
import { type TopicStore, topicNoticeOf } from '../build/topic/topic-store.js'
import { engines, newPrefix } from './support/servers.js'
import { until } from './support/until.js'

describe.each(engines)('what the server does for a topic: %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let name = ''

  beforeAll(async () => {
    server = await LocalServer.start({ engine, durable: false })
    cluster = await Cluster.connect({ url: server.url, prefix: newPrefix() })
  }, 60_000)
  afterAll(async () => {
    await cluster.close()
    await server.stop()
  })
  beforeEach(() => {
    name = randomUUID()
  })

  function open(): TopicStore {
    const at = serverOf(cluster)
    const client = randomUUID()
    return at.engine === 'redis' ? new RedisTopic(at, name, client) : new PostgresTopic(at, name, client)
  }

  async function listen(store: TopicStore): Promise<string[]> {
    const heard: string[] = []
    await serverOf(cluster).notices.subscribe(store.channel, { onMessage: (notice) => heard.push(notice) })
    return heard
  }

  const placesOf = (heard: readonly string[]) =>
    heard.map(topicNoticeOf).map(({ place, body }) => [place, body?.slice(0, 3)])

  test('a request that comes again publishes nothing more, also after others', async () => {
    const [store, other] = [open(), open()]
    const heard = await listen(store)
    const request = { number: 1, bodies: ['aaa', 'bbb'] }
    await store.publish(request)
    await store.publish(request)
    await other.publish({ number: 1, bodies: ['ccc'] })
    await store.publish(request)
    await store.publish({ number: 2, bodies: ['ddd'] })
    await store.mark()
    await until(() => heard.length >= 5, 'the mark comes')
    expect(placesOf(heard)).toEqual([
      [1, 'aaa'],
      [2, 'bbb'],
      [3, 'ccc'],
      [4, 'ddd'],
      [4, undefined],
    ])
    expect(new Set(heard.map((notice) => topicNoticeOf(notice).epoch)).size).toBe(1)
  })

  test('long and short messages keep their order', async () => {
    const store = open()
    const heard = await listen(store)
    const bodies = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(3, '0').padEnd(i % 3 ? 3 : 30_000, 'x'))
    await store.publish({ number: 1, bodies })
    await until(() => heard.length === 20, 'all come')
    expect(placesOf(heard)).toEqual(bodies.map((body, i) => [i + 1, body.slice(0, 3)]))
    expect(heard.map((notice) => topicNoticeOf(notice).body)).toEqual(bodies)
  })

  test('a topic without messages has a mark, and one that nobody knows begins another epoch', async () => {
    const store = open()
    const heard = await listen(store)
    await store.mark()
    await store.mark()
    await until(() => heard.length === 2, 'both come')
    expect(placesOf(heard)).toEqual([
      [0, undefined],
      [0, undefined],
    ])
    expect(heard[0]).toBe(heard[1])
  })
})

describe('what a subscription makes of notices', () => {
  let listener: NoticeListener
  let marks = 0
  const notices = {
    subscribe: async (_: string, given: NoticeListener) => {
      listener = given
      return () => undefined
    },
  } as unknown as Notices
  const store: TopicStore = {
    channel: 'any',
    publish: async () => undefined,
    mark: async () => {
      marks += 1
    },
  }
  const body = (value: unknown) => Buffer.from(toBytes(value)).toString('base64')
  const say = (epoch: string, place: number, value?: unknown) =>
    listener.onMessage(value === undefined ? `${epoch} ${place}` : `${epoch} ${place} ${body(value)}`)

  /** What is for the package alone is not in its types. */
  interface Opened extends ClusterSubscription<string> {
    open(notices: Notices): Promise<void>
  }
  const Subscription = ClusterSubscription as unknown as new (store: TopicStore, capacity: number) => Opened

  async function subscribed(epoch: string, place: number): Promise<ClusterSubscription<string>> {
    marks = 0
    const subscription = new Subscription(store, 3)
    const open = subscription.open(notices)
    await until(() => marks === 1, 'it asks where the topic is')
    say(epoch, place)
    await open
    return subscription
  }

  test('what is missing between two messages was lost, right before the second', async () => {
    const subscription = await subscribed('e', 10)
    say('e', 11, 'a')
    say('e', 14, 'b')
    say('e', 15, 'c')
    expect(subscription.lost).toBe(2)
    expect(subscription.tryReceive()).toEqual({ message: 'a', lost: 0 })
    expect(subscription.tryReceive()).toEqual({ message: 'b', lost: 2 })
    expect(subscription.tryReceive()).toEqual({ message: 'c', lost: 0 })
  })

  test('after a gap it asks for a mark until one comes, which tells what was lost', async () => {
    const subscription = await subscribed('e', 0)
    say('e', 1, 'a')
    listener.onGap?.()
    await until(() => marks === 3, 'it asks, and asks again')
    say('e', 4)
    expect(subscription.lost).toBe(3)
    say('e', 4)
    say('e', 5, 'b')
    expect(subscription.lost).toBe(3)
    expect(subscription.tryReceive()).toEqual({ message: 'a', lost: 0 })
    expect(subscription.tryReceive()).toEqual({ message: 'b', lost: 3 })
  })

  test('of an epoch that it did not know, all before is lost', async () => {
    const subscription = await subscribed('e', 100)
    say('f', 3, 'a')
    expect(subscription.tryReceive()).toEqual({ message: 'a', lost: 2 })
    say('g', 7)
    expect(subscription.lost).toBe(9)
  })

  test('a server that has lost count is believed: its messages are not taken for old ones', async () => {
    const subscription = await subscribed('e', 100)
    say('e', 91, 'a')
    say('e', 92, 'b')
    say('e', 94, 'c')
    expect(subscription.lost).toBe(1)
    expect(subscription.tryReceive()).toEqual({ message: 'a', lost: 0 })
  })

  test('what is dropped counts for the message that comes after it', async () => {
    const subscription = await subscribed('e', 0)
    for (const place of [1, 2, 5, 6, 7]) say('e', place, `${place}`)
    expect(subscription.pending).toBe(3)
    expect(subscription.lost).toBe(4)
    expect(subscription.tryReceive()).toEqual({ message: '5', lost: 4 })
  })

  test('a message that cannot be read is passed over, and says so', async () => {
    const subscription = await subscribed('e', 0)
    listener.onMessage(`e 1 ${Buffer.from('nonsense').toString('base64')}`)
    say('e', 2, 'a')
    await expect(subscription.receive()).rejects.toBeInstanceOf(TypeError)
    expect(await subscription.receive()).toBe('a')
    const received = subscription.receive()
    listener.onMessage(`e 3 ${Buffer.from('nonsense').toString('base64')}`)
    await expect(received).rejects.toBeInstanceOf(TypeError)
  })
})

import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Cluster } from '../build/connection/cluster.js'
import { serverOf } from '../build/connection/cluster-server.js'
import { LocalServer } from '../build/local-server/local-server.js'
import { ClusterQueue } from '../build/queue/cluster-queue.js'
import { PostgresQueue } from '../build/queue/postgres-queue-store.js'
import type { ClaimRequest, PutRequest, QueueStore } from '../build/queue/queue-store.js'
import { RedisQueue } from '../build/queue/redis-queue.js'
import { engines, newPrefix } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('what the server keeps of a queue: %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let name = ''
  let told: string[] = []

  beforeAll(async () => {
    server = await LocalServer.start({ engine, durable: false })
    cluster = await Cluster.connect({ url: server.url, prefix: newPrefix() })
    await serverOf(cluster).notices.subscribe('told', { onMessage: (tag) => told.push(tag) })
  }, 60_000)
  afterAll(async () => {
    await cluster.close()
    await server.stop()
  })
  beforeEach(() => {
    name = randomUUID()
    told = []
  })

  function open(tag: string): QueueStore {
    const at = serverOf(cluster)
    const channel = at.notices.channel('told')
    return at.engine === 'redis' ? new RedisQueue(at, name, tag, channel) : new PostgresQueue(at, name, tag, channel)
  }

  const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text))
  const put = (number: number, ...texts: string[]): PutRequest => ({
    number,
    bodies: bytes(...texts),
    capacity: Number.POSITIVE_INFINITY,
    mayWait: true,
  })
  const claim = (number: number, most: number, changes: Partial<ClaimRequest> = {}): ClaimRequest => ({
    number,
    most,
    lease: 10_000,
    maxDeliveries: Number.POSITIVE_INFINITY,
    mayWait: true,
    ...changes,
  })
  async function texts(store: QueueStore, request: ClaimRequest): Promise<string[]> {
    return (await store.claim(request)).items.map(({ body }) => Buffer.from(body).toString())
  }

  test('a put that comes again puts nothing more, and is answered as the first time', async () => {
    const store = open('a')
    const partly = { ...put(1, 'x', 'y', 'z'), capacity: 2 }
    expect(await store.put(partly)).toEqual({ accepted: 2, isClosed: false })
    expect(await store.put(partly)).toEqual({ accepted: 2, isClosed: false })
    await store.put(put(2, 'w'))
    expect(await store.put(put(1, 'x'))).toMatchObject({ isClosed: false })
    await open('b').put(put(1, 'v'))
    expect(await texts(store, claim(1, 9))).toEqual(['x', 'y', 'w', 'v'])
  })

  test('a put that comes again after its items were taken puts nothing', async () => {
    const store = open('a')
    await store.put(put(1, 'x'))
    const { items } = await store.claim(claim(1, 9))
    await store.acknowledge({ number: 1, claims: items })
    expect(await store.put(put(1, 'x'))).toEqual({ accepted: 1, isClosed: false })
    expect(await store.state()).toMatchObject({ waiting: 0, claimed: 0 })
  })

  test('a claim that comes again gives the same items, as the same delivery', async () => {
    const store = open('a')
    await store.put(put(1, 'x', 'y', 'z'))
    const first = await store.claim(claim(1, 2))
    const again = await store.claim(claim(1, 2))
    expect(again.items).toEqual(first.items)
    expect(again.items.map(({ attempt }) => attempt)).toEqual([1, 1])
    expect(await texts(open('b'), claim(1, 9))).toEqual(['z'])
  })

  test('a claim that comes again does not give what has ended since', async () => {
    const store = open('a')
    await store.put(put(1, 'x', 'y'))
    await store.claim(claim(1, 1, { lease: 300 }))
    await delay(350)
    expect(await texts(store, claim(1, 1))).toEqual([])
    const next = await open('b').claim(claim(1, 9))
    expect(next.items.map(({ body, attempt }) => [Buffer.from(body).toString(), attempt])).toEqual([
      ['x', 2],
      ['y', 1],
    ])
  })

  test('an acknowledgement that comes again is answered as the first time', async () => {
    const store = open('a')
    await store.put(put(1, 'x', 'y'))
    const { items } = await store.claim(claim(1, 2))
    const claims = [{ id: '77', token: 'none' }, ...items]
    expect(await store.acknowledge({ number: 1, claims })).toEqual([0])
    expect(await store.acknowledge({ number: 1, claims })).toEqual([0])
    expect(await store.acknowledge({ number: 2, claims })).toEqual([0, 1, 2])
  })

  test('a lease that has run out is no claim: the item can be taken, and the old holder can do nothing to it', async () => {
    const store = open('a')
    await store.put(put(1, 'x'))
    const { items } = await store.claim(claim(1, 1, { lease: 300 }))
    expect(await store.renew(items, 300)).toEqual([])
    await delay(350)
    expect(await store.state()).toMatchObject({ waiting: 1, claimed: 0 })
    const { items: others } = await open('b').claim(claim(1, 1))
    expect(others[0]?.attempt).toBe(2)
    expect(await store.renew(items, 10_000)).toEqual([0])
    expect(await store.acknowledge({ number: 1, claims: items })).toEqual([0])
    await store.giveBack(items, { isDelivered: true })
    expect(await store.state()).toMatchObject({ waiting: 0, claimed: 1 })
  })

  test('a lease that has run out is lost although nobody else has taken the item', async () => {
    const store = open('a')
    await store.put(put(1, 'x'))
    const { items } = await store.claim(claim(1, 1, { lease: 300 }))
    await delay(350)
    expect(await store.acknowledge({ number: 1, claims: items })).toEqual([0])
    expect(await store.state()).toMatchObject({ waiting: 1 })
  })

  test('an item that cannot be read here is given back, and is a dead letter in the end', async () => {
    await open('p').put(put(1, 'nonsense'))
    const queue = new ClusterQueue<string>(cluster, name, { maxDeliveries: 2 })
    for (const call of [() => queue.get(), () => queue.receive()]) {
      expect(await rejectionOf(call())).toBeInstanceOf(TypeError)
      await until(async () => (await queue.size()) === 1, 'it is given back')
    }
    await queue.put('good')
    expect(await queue.get()).toBe('good')
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0, deadLetters: 1 })
    expect(await rejectionOf(queue.getDeadLetters())).toBeInstanceOf(TypeError)
    expect(await queue.clearDeadLetters()).toBe(1)
  })

  test('a claim says when the next one ends', async () => {
    const store = open('a')
    await store.put(put(1, 'x', 'y'))
    expect((await open('b').claim(claim(1, 1, { lease: 5_000 }))).items).toHaveLength(1)
    expect((await open('c').claim(claim(1, 1, { lease: 2_000 }))).items).toHaveLength(1)
    const { nextEnd, items } = await store.claim(claim(1, 1))
    expect(items).toEqual([])
    expect(nextEnd).toBeGreaterThan(0)
    expect(nextEnd).toBeLessThanOrEqual(2_000)
  })

  test('one item wakes one of those who wait, the one who has waited longest', async () => {
    const waiting = ['a', 'b', 'c']
    for (const tag of waiting) await open(tag).claim(claim(1, 1))
    const producer = open('p')
    for (const [place, tag] of waiting.entries()) {
      await producer.put(put(place + 1, 'x'))
      await until(() => told.length > place, `${tag} is told`)
      await delay(20)
      expect(told).toEqual(waiting.slice(0, place + 1))
    }
    await producer.put(put(4, 'x'))
    await delay(50)
    expect(told).toEqual(waiting)
  })

  test('as many are woken as items come', async () => {
    for (const tag of ['a', 'b', 'c', 'd']) await open(tag).claim(claim(1, 1))
    await open('p').put(put(1, 'x', 'y', 'z'))
    await until(() => told.length === 3, 'three are told')
    await delay(50)
    expect(told).toEqual(['a', 'b', 'c'])
  })

  test('who leaves is not woken; who leaves after it was woken passes that on', async () => {
    for (const tag of ['a', 'b', 'c']) await open(tag).claim(claim(1, 1))
    await open('a').leave('getter')
    await open('p').put(put(1, 'x'))
    await until(() => told.length === 1, 'one is told')
    await open('b').leave('getter')
    await until(() => told.length === 2, 'the next one is told')
    expect(told).toEqual(['b', 'c'])
  })

  test('room wakes one of those who wait to put', async () => {
    const full = { capacity: 1, mayWait: true }
    await open('p').put(put(1, 'x'))
    for (const tag of ['a', 'b'])
      expect(await open(tag).put({ ...put(1, 'y'), ...full })).toMatchObject({ accepted: 0 })
    const consumer = open('c')
    const { items } = await consumer.claim(claim(1, 1, { mayWait: false }))
    await delay(30)
    expect(told).toEqual([])
    await consumer.acknowledge({ number: 1, claims: items })
    await until(() => told.length > 0, 'one is told')
    await delay(30)
    expect(told).toEqual(['a'])
  })

  test('what comes back, by being given back or by its time, wakes one', async () => {
    await open('p').put(put(1, 'x'))
    const holder = open('h')
    const { items } = await holder.claim(claim(1, 1))
    await open('a').claim(claim(1, 1))
    await open('b').claim(claim(1, 1))
    await holder.giveBack(items, { isDelivered: false })
    await until(() => told.length > 0, 'one is told')
    expect((await holder.claim(claim(2, 1, { lease: 300 }))).items[0]?.attempt).toBe(1)
    await delay(350)
    await holder.state()
    await until(() => told.length > 1, 'another one is told')
    expect(told).toEqual(['a', 'b'])
  })
})

import { Topic } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { afterAll, beforeEach, expect, test } from '@jest/globals'
import { TopicPeer } from './support/topic-peer.js'
import { rejectionOf, thrownBy, until } from './support/until.js'

interface Drained {
  readonly seen: readonly (readonly [publisher: number, number: number])[]
  readonly lost: number
}

const segment = Segment.create({ size: 1 << 21 })
afterAll(() => segment.close())

let topic: Topic<{ publisher: number; number: number; filling: string }>
beforeEach(() => {
  topic = new Topic({ capacity: 4, capacityBytes: 1_500, maxSubscribers: 3, memory: segment })
})

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const message = { publisher: 9, number: 0, filling: '' }

test('processes publish and subscribe: each subscription sees all messages, whole, in one order', async () => {
  const peers = await Promise.all(upTo(3).map(() => TopicPeer.process({ topic })))
  const [reader, ...publishers] = peers
  await reader?.run('subscribe', { name: 'topic', id: 0 })
  const own = topic.subscribe()
  const draining = reader?.run('drain', { id: 0, blocking: true })
  const here = (async () => {
    const seen: [number, number][] = []
    for await (const { publisher, number } of own) seen.push([publisher, number])
    return { seen, lost: own.lost }
  })()
  await Promise.all(
    publishers.map((peer, publisher) =>
      peer.run('publishMany', { name: 'topic', publisher, count: 120, blocking: publisher === 0 }),
    ),
  )
  topic.close()
  const first: Drained = await here
  expect(await draining).toEqual(first)
  for (const publisher of [0, 1])
    expect(first.seen.filter(([from]) => from === publisher).map(([, number]) => number)).toEqual(upTo(120))
})

test('a process that is killed while a publisher waits for its subscription is let go within a second', async () => {
  const [peer, publisher] = [await TopicPeer.process({ topic }), await TopicPeer.process({ topic })]
  await peer.run('subscribe', { name: 'topic', id: 0 })
  for (let n = 0; n < 4; n++) topic.publishSync(message)
  const publishing = publisher.run('publishSync', { name: 'topic', message })
  // Whoever is only slow is waited for.
  peer.stop()
  expect(await rejectionOf(topic.publish(message, { timeout: 200 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  const begun = performance.now()
  await peer.kill()
  await publishing
  expect(performance.now() - begun).toBeLessThan(1_000)
  expect(topic.getStats()).toMatchObject({ publishCount: 5, subscribers: 0 })
})

test('processes that are killed while they publish leave no half message, and nobody waits for them', async () => {
  const own = topic.subscribe()
  for (let round = 0; round < 3; round++) {
    const peer = await TopicPeer.process({ topic })
    peer.run('churn', { name: 'topic', publisher: round }).catch(() => {})
    for (let n = 0; n < 60 + round * 31; n++) {
      const { publisher, number, filling } = await own.receive({ timeout: 5_000 })
      expect([publisher, number, filling.length]).toEqual([round, n, (n * 7) % 300])
    }
    await peer.kill()
    while (own.pending > 0) expect(own.receiveSync().publisher).toBe(round)
    await topic.publish(message, { timeout: 5_000 })
    expect(await own.receive()).toEqual(message)
  }
})

test('a process that was overrun says so, and its place is free when it has ended', async () => {
  const peer = await TopicPeer.process({ topic })
  await peer.run('subscribe', { name: 'topic', id: 0, whenSlow: 'skip' })
  await peer.run('subscribe', { name: 'topic', id: 1, whenSlow: 'disconnect' })
  await peer.run('subscribe', { name: 'topic', id: 2, whenSlow: 'skip' })
  expect(thrownBy(() => topic.subscribe())).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  for (let n = 0; n < 6; n++) topic.publishSync({ ...message, number: n })
  expect(await peer.run('tryReceive', { id: 0 })).toEqual({ message: { ...message, number: 2 }, lost: 2 })
  expect(await rejectionOf(peer.run('tryReceive', { id: 1 }))).toMatchObject({
    name: 'BrokenError',
    code: 'ERR_PEER_GONE',
  })
  await peer.kill()
  await until(() => topic.getStats().subscribers === 0, 'the death is noticed')
  for (let n = 0; n < 3; n++) topic.subscribe()
  expect(topic.getStats().subscribers).toBe(3)
})

test('a shared object of a segment arrives in a message as itself, a topic too', async () => {
  const requests = new Topic<{ answers: Topic<string> }>({ memory: segment })
  const answers = new Topic<string>({ memory: segment })
  const [subscription, own] = [requests.subscribe(), answers.subscribe()]
  requests.publishSync({ answers })
  const request = await subscription.receive()
  request.answers.publishSync('yes')
  expect(own.tryReceive()).toEqual({ message: 'yes', lost: 0 })
})

test('when its segment is closed, every call ends with ClosedError, also those that wait', async () => {
  const own = Segment.create({ size: 1 << 20 })
  const closing = new Topic<number>({ capacity: 1, memory: own })
  const [full, empty] = [closing.subscribe(), closing.subscribe()]
  closing.publishSync(1)
  empty.receiveSync()
  const waiting = [rejectionOf(closing.publish(2)), rejectionOf(empty.receive())]
  const looping = rejectionOf(empty[Symbol.asyncIterator]().next())
  own.close()
  const closed = { code: 'ERR_CLOSED' }
  for (const error of await Promise.all([...waiting, looping])) expect(error).toMatchObject(closed)
  for (const call of [
    () => closing.publishSync(1),
    () => closing.tryPublish(1),
    () => closing.subscribe(),
    () => closing.getStats(),
    () => closing.closed,
    () => closing.close(),
    () => full.tryReceive(),
    () => full.receiveSync(),
    () => full.pending,
  ])
    expect(thrownBy(call)).toMatchObject(closed)
  full.close()
  expect(closing.toHandle()).toMatchObject({ kind: 'ipc-channels/Topic' })
})

import { Topic } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import { TopicPeer, wordsOf } from './support/topic-peer.js'
import { rejectionOf, until } from './support/until.js'

interface Drained {
  readonly seen: readonly (readonly [publisher: number, number: number] | readonly ['torn'])[]
  readonly lost: number
}

/** Of each publisher, the numbers that were seen, in the order seen. */
const numbersOf = ({ seen }: Drained, publisher: number): number[] =>
  seen.flatMap(([from, number]) => (from === publisher ? [number as number] : []))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test('several publishers and subscribers, blocking and awaiting: all see the same messages, whole, in one order', async () => {
  const topic = new Topic({ capacity: 7, capacityBytes: 3_000 })
  const peers = await Promise.all(upTo(5).map(() => TopicPeer.thread({ topic })))
  const [readers, publishers] = [peers.slice(0, 3), peers.slice(3)]
  await Promise.all(readers.map((peer, id) => peer.run('subscribe', { name: 'topic', id })))
  const own = topic.subscribe()
  const draining = readers.map((peer, id) => peer.run('drain', { id, blocking: id === 0 }) as Promise<Drained>)
  const here = (async () => {
    const seen: [number, number][] = []
    for await (const message of own) {
      const { publisher, number } = message as { publisher: number; number: number }
      seen.push([publisher, number])
    }
    return { seen, lost: own.lost }
  })()
  const count = 400
  await Promise.all(
    publishers.map((peer, publisher) =>
      peer.run('publishMany', { name: 'topic', publisher, count, blocking: publisher === 0 }),
    ),
  )
  topic.close()
  const first = await here
  expect([numbersOf(first, 0), numbersOf(first, 1)]).toEqual([upTo(count), upTo(count)])
  for (const drained of await Promise.all(draining)) expect(drained).toEqual(first)
  expect(topic.getStats()).toMatchObject({ publishCount: 2 * count, lost: 0, errors: 0 })
})

test('overrun in a storm: what skips sees no torn message, counts each one that it has lost, and none that it has not', async () => {
  const topic = new Topic({ capacity: 3, capacityBytes: 1_000 })
  const peers = await Promise.all(upTo(3).map(() => TopicPeer.thread({ topic })))
  const [reader, ...publishers] = peers
  await reader?.run('subscribe', { name: 'topic', id: 0, whenSlow: 'skip' })
  const draining = reader?.run('drain', { id: 0, blocking: true }) as Promise<Drained>
  const count = 12_000
  await Promise.all(
    publishers.map((peer, publisher) => peer.run('publishMany', { name: 'topic', publisher, count, blocking: true })),
  )
  topic.close()
  const drained = await draining
  expect(drained.seen).not.toContainEqual(['torn'])
  expect(drained.seen.length + drained.lost).toBe(2 * count)
  // If nothing was lost, this has tested nothing.
  expect(drained.lost).toBeGreaterThan(0)
  expect(drained.seen.length).toBeGreaterThan(3)
  for (const publisher of [0, 1]) {
    const numbers = numbersOf(drained, publisher)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    expect(new Set(numbers).size).toBe(numbers.length)
  }
})

test.each(['receive', 'receiveSync'])('%s that waits in another thread is woken by a message', async (receive) => {
  const topic = new Topic<number>()
  const peer = await TopicPeer.thread({ topic })
  await peer.run('subscribe', { name: 'topic', id: 0 })
  const messages = wordsOf(topic).subarray(5, 6)
  for (let round = 0; round < 20; round++) {
    const received = peer.run(receive, { id: 0 })
    await until(() => (Atomics.load(messages, 0) & 1) === 1, 'the receiver sleeps')
    const asleep = Atomics.load(messages, 0)
    await topic.publish(round)
    expect(Atomics.load(messages, 0) >> 1).toBe((asleep >> 1) + 1)
    expect(await received).toBe(round)
  }
})

test.each(['publish', 'publishSync'])(
  '%s that waits in another thread is woken by the slowest subscription alone',
  async (call) => {
    const topic = new Topic<number>({ capacity: 1 })
    const [slow, quick] = [topic.subscribe(), topic.subscribe()]
    const peer = await TopicPeer.thread({ topic })
    const room = wordsOf(topic).subarray(6, 7)
    topic.publishSync(0)
    for (let round = 0; round < 20; round++) {
      const publishing = peer.run(call, { name: 'topic', message: round + 1 })
      await until(() => (Atomics.load(room, 0) & 1) === 1, 'the publisher sleeps')
      const asleep = Atomics.load(room, 0)
      expect(await quick.receive()).toBe(round)
      expect(Atomics.load(room, 0)).toBe(asleep)
      expect(await slow.receive()).toBe(round)
      expect(Atomics.load(room, 0) >> 1).toBe((asleep >> 1) + 1)
      await publishing
    }
  },
)

test('closing a subscription, and closing the topic, wakes those who sleep in other threads', async () => {
  const topic = new Topic<number>({ capacity: 1 })
  const [first, second] = [topic.subscribe(), topic.subscribe()]
  const peer = await TopicPeer.thread({ topic })
  await peer.run('subscribe', { name: 'topic', id: 0, whenSlow: 'skip' })
  topic.publishSync(1)
  expect([await second.receive(), await peer.run('receive', { id: 0 })]).toEqual([1, 1])
  const [messages, room] = [wordsOf(topic).subarray(5, 6), wordsOf(topic).subarray(6, 7)]
  const isArmed = (word: Int32Array) => (Atomics.load(word, 0) & 1) === 1
  const publishing = [
    peer.run('publish', { name: 'topic', message: 2 }),
    peer.run('publish', { name: 'topic', message: 3 }),
  ]
  await until(() => isArmed(room), 'the publisher sleeps')
  const asleep = Atomics.load(room, 0)
  first.close()
  expect(Atomics.load(room, 0) >> 1).toBe((asleep >> 1) + 1)
  await publishing[0]
  const receiving = [peer.run('receive', { id: 0 }), peer.run('receive', { id: 0 })]
  expect(await receiving[0]).toBe(2)
  await until(() => isArmed(messages) && isArmed(room), 'both sides sleep')
  const [messagesAsleep, roomAsleep] = [Atomics.load(messages, 0), Atomics.load(room, 0)]
  const ends = [publishing[1], receiving[1]].map((call) => rejectionOf(call as Promise<unknown>))
  topic.close()
  expect(Atomics.load(messages, 0) >> 1).toBe((messagesAsleep >> 1) + 1)
  expect(Atomics.load(room, 0) >> 1).toBe((roomAsleep >> 1) + 1)
  for (const error of await Promise.all(ends)) expect(error).toMatchObject({ code: 'ERR_CLOSED' })
})

test('a thread that is terminated while publishers wait for its subscription is let go within a second', async () => {
  const topic = new Topic<number>({ capacity: 2, maxSubscribers: 2 })
  const own = topic.subscribe()
  for (const publish of ['publish', 'publishSync'] as const) {
    const [peer, publisher] = [await TopicPeer.thread({ topic }), await TopicPeer.thread({ topic })]
    await peer.run('subscribe', { name: 'topic', id: 0 })
    for (const n of [1, 2]) topic.publishSync(n)
    expect([own.receiveSync(), own.receiveSync()]).toEqual([1, 2])
    const publishing = publisher.run(publish, { name: 'topic', message: 3 })
    expect(topic.tryPublish(4)).toBe(false)
    const begun = performance.now()
    await peer.kill()
    await publishing
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(await own.receive()).toBe(3)
    await publisher.kill()
  }
  expect(topic.getStats()).toMatchObject({ subscribers: 1, publishCount: 6 })
})

test('the place of a dead thread’s subscription is free for the next one', async () => {
  const topic = new Topic<number>({ maxSubscribers: 1 })
  const peer = await TopicPeer.thread({ topic })
  await peer.run('subscribe', { name: 'topic', id: 0, whenSlow: 'skip' })
  expect(() => topic.subscribe()).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
  await peer.kill()
  await until(() => topic.getStats().subscribers === 0, 'the death is noticed')
  const subscription = topic.subscribe()
  topic.publishSync(1)
  expect(subscription.receiveSync()).toBe(1)
})

/** Ended at a random moment within its calls, again and again: that may be inside the topic's own lock. */
test('threads that are terminated while they publish leave no half message, and nobody waits for them', async () => {
  const topic = new Topic<{ publisher: number; number: number; filling: string }>({ capacity: 5, capacityBytes: 1_500 })
  const [waits, skips] = [topic.subscribe(), topic.subscribe({ whenSlow: 'skip' })]
  let skipped = 0
  for (let round = 0; round < 5; round++) {
    const peer = await TopicPeer.thread({ topic })
    peer.run('churn', { name: 'topic', publisher: round }).catch(() => {})
    for (let n = 0; n < 60 + round * 23; n++) {
      const { publisher, number, filling } = await waits.receive({ timeout: 5_000 })
      expect([publisher, number]).toEqual([round, n])
      expect(filling).toBe(String.fromCharCode(97 + (n % 26)).repeat((n * 7) % 300))
    }
    await peer.kill()
    const { publishCount } = topic.getStats()
    for (let pending = waits.pending; pending > 0; pending--) expect(waits.receiveSync().publisher).toBe(round)
    await topic.publish({ publisher: round, number: -1, filling: '' }, { timeout: 5_000 })
    expect(await waits.receive()).toMatchObject({ number: -1 })
    expect(topic.getStats().publishCount).toBe(publishCount + 1)
    for (let next = skips.tryReceive(); next; next = skips.tryReceive()) skipped += 1
    expect(skipped + skips.lost).toBe(publishCount + 1)
  }
})

import { Topic, type WhenSlow } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { takeAll } from './support/topic-peer.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const policies: readonly WhenSlow[] = ['wait', 'skip', 'disconnect']

describe('what a subscription sees', () => {
  test.each(policies)('all that is published after it was made, once, in order: %s', async (whenSlow) => {
    const topic = new Topic<string>()
    topic.publishSync('before')
    using subscription = topic.subscribe({ whenSlow })
    topic.publishSync('a')
    await topic.publish('b')
    expect(topic.tryPublish('c')).toBe(true)
    expect(await subscription.receive()).toBe('a')
    expect(subscription.receiveSync()).toBe('b')
    expect(subscription.tryReceive()).toEqual({ message: 'c', lost: 0 })
    expect(subscription.tryReceive()).toBeUndefined()
    expect(subscription.lost).toBe(0)
  })

  test('each of several sees the same, at its own pace, and a publisher sees its own messages', () => {
    const topic = new Topic<number>()
    const [first, second] = [topic.subscribe(), topic.subscribe()]
    topic.publishSync(1)
    expect(takeAll(first)).toEqual([1])
    topic.publishSync(2)
    const third = topic.subscribe()
    topic.publishSync(3)
    expect([first, second, third].map((each) => each.pending)).toEqual([2, 3, 1])
    expect([first, second, third].map(takeAll)).toEqual([[2, 3], [1, 2, 3], [3]])
  })

  test('a message is a copy, made at the call, also while it waits for room', async () => {
    const topic = new Topic<{ n: number }>({ capacity: 1 })
    const subscription = topic.subscribe()
    const message = { n: 1 }
    topic.publishSync(message)
    const waiting = topic.publish(message)
    message.n = 2
    expect(await subscription.receive()).toEqual({ n: 1 })
    await waiting
    expect(await subscription.receive()).toEqual({ n: 1 })
  })

  test('undefined is a message', () => {
    const topic = new Topic<undefined>()
    const subscription = topic.subscribe()
    topic.publishSync(undefined)
    expect(subscription.tryReceive()).toEqual({ message: undefined, lost: 0 })
  })

  test('two objects of one topic in one thread are one topic', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const again = Topic.fromHandle<number>(structuredClone(topic.toHandle()))
    const subscription = again.subscribe()
    topic.publishSync(1)
    expect(again.tryPublish(2)).toBe(false)
    const received = [subscription.receive(), subscription.receive()]
    again.publishSync(2)
    expect(await Promise.all(received)).toEqual([1, 2])
  })
})

describe('slow subscriptions', () => {
  test('whenSlow is wait unless something else is said: nothing is lost, publishing fails', async () => {
    const topic = new Topic<number>({ capacity: 2 })
    const subscription = topic.subscribe()
    topic.publishSync(1)
    topic.publishSync(2)
    expect(topic.tryPublish(3)).toBe(false)
    await expect(topic.publish(3, { timeout: 0 })).rejects.toMatchObject({
      name: 'QueueFullError',
      code: 'ERR_TIMEOUT',
      item: 3,
    })
    expect(thrownBy(() => topic.publishSync(3, { timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT', item: 3 })
    expect(takeAll(subscription)).toEqual([1, 2])
    expect(topic.getStats()).toMatchObject({ publishCount: 2, lost: 0, errors: 4 })
  })

  test('the slowest that is waited for holds publishers back, and nobody else', async () => {
    const topic = new Topic<number>({ capacity: 2 })
    const [slow, quick] = [topic.subscribe(), topic.subscribe()]
    topic.subscribe({ whenSlow: 'skip' })
    topic.publishSync(1)
    topic.publishSync(2)
    takeAll(quick)
    const waiting = topic.publish(3)
    await turnsOfTheLoop()
    expect(quick.pending).toBe(0)
    expect(await slow.receive()).toBe(1)
    await waiting
    expect([takeAll(slow), takeAll(quick)]).toEqual([[2, 3], [3]])
  })

  test('skip: the oldest messages are overwritten, and it is told how many with the next one', async () => {
    const topic = new Topic<number>({ capacity: 3 })
    const subscription = topic.subscribe({ whenSlow: 'skip' })
    for (let n = 1; n <= 5; n++) topic.publishSync(n)
    expect([subscription.pending, subscription.lost]).toEqual([3, 0])
    expect(subscription.tryReceive()).toEqual({ message: 3, lost: 2 })
    expect(subscription.tryReceive()).toEqual({ message: 4, lost: 0 })
    expect(subscription.lost).toBe(2)
    for (let n = 6; n <= 9; n++) topic.publishSync(n)
    expect(await subscription.receive()).toBe(7)
    expect(subscription.lost).toBe(4)
    expect(takeAll(subscription)).toEqual([8, 9])
    expect(topic.getStats().lost).toBe(4)
  })

  test('disconnect: it is cut off when a message is overwritten that it has not read, and stays so', async () => {
    const topic = new Topic<number>({ capacity: 2, maxSubscribers: 1 })
    const subscription = topic.subscribe({ whenSlow: 'disconnect' })
    topic.publishSync(1)
    topic.publishSync(2)
    expect(await subscription.receive()).toBe(1)
    topic.publishSync(3)
    expect(await subscription.receive()).toBe(2)
    for (const n of [4, 5]) topic.publishSync(n)
    const broken = { name: 'BrokenError', code: 'ERR_PEER_GONE' }
    await expect(subscription.receive()).rejects.toMatchObject(broken)
    expect(thrownBy(() => subscription.tryReceive())).toMatchObject(broken)
    expect(thrownBy(() => subscription.receiveSync())).toMatchObject(broken)
    await expect((async () => (await subscription[Symbol.asyncIterator]().next()).done)()).rejects.toMatchObject(broken)
    expect([subscription.lost, subscription.pending]).toEqual([1, 0])
    // Its place is free, and closing it takes nobody else's.
    const next = topic.subscribe()
    subscription.close()
    topic.publishSync(6)
    expect(takeAll(next)).toEqual([6])
    expect(topic.getStats().subscribers).toBe(1)
  })

  test('messages are kept until room is needed for bytes, too: a large one overwrites several', () => {
    const topic = new Topic<string>({ capacity: 100, capacityBytes: 64 })
    const [skips, waits] = [topic.subscribe({ whenSlow: 'skip' }), topic.subscribe()]
    // Four bytes with each: the tag and three units.
    for (let n = 0; n < 16; n++) topic.publishSync(`m${String(n).padStart(2, '0')}`)
    expect(topic.tryPublish('x'.repeat(31))).toBe(false)
    for (let n = 0; n < 7; n++) waits.receiveSync()
    expect(topic.tryPublish('x'.repeat(31))).toBe(false)
    waits.receiveSync()
    expect(topic.tryPublish('x'.repeat(31))).toBe(true)
    expect(skips.tryReceive()).toEqual({ message: 'm08', lost: 8 })
    expect(takeAll(waits)).toHaveLength(9)
    topic.publishSync('y'.repeat(63))
    expect(takeAll(skips)).toEqual(['y'.repeat(63)])
    expect(skips.lost).toBe(8 + 8)
  })

  test('without subscriptions there is always room, and a message is gone at once', () => {
    const topic = new Topic<number>({ capacity: 1 })
    for (let n = 0; n < 10; n++) expect(topic.tryPublish(n)).toBe(true)
    expect(topic.subscribe().tryReceive()).toBeUndefined()
    expect(topic.getStats()).toMatchObject({ publishCount: 10, subscribers: 1, pending: 0 })
  })
})

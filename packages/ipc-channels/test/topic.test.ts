import { type Subscription, Topic, type WhenSlow } from '@heddle/ipc-channels'
import { ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { rejectionOf, thrownBy, turnsOfTheLoop } from './support/until.js'

const policies: readonly WhenSlow[] = ['wait', 'skip', 'disconnect']

/** What is there for it now. */
function takeAll<T>(subscription: Subscription<T>): T[] {
  const messages: T[] = []
  for (let next = subscription.tryReceive(); next; next = subscription.tryReceive()) messages.push(next.message)
  return messages
}

/** The words of a topic in thread memory, from its tag on: their order stands in src/topic/layout.ts. */
function wordsOf(topic: Topic<unknown>): Int32Array {
  const { buffer, index } = topic.toHandle() as unknown as { buffer: SharedArrayBuffer; index: number }
  return ThreadMemory.of(buffer).words.subarray(index)
}
const CLOSED = 4
const MESSAGES = 5
const TAIL = 17
const TAIL_HALVES = 18
const FLOOR = 19
const OLDEST = 32
const SUBSCRIBERS = 48

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

describe('waiting', () => {
  test('receivers that wait get messages in the order they came, and tryReceive does not pass them', async () => {
    const topic = new Topic<number>()
    const subscription = topic.subscribe()
    const waiting = [subscription.receive(), subscription.receive()]
    expect(subscription.tryReceive()).toBeUndefined()
    for (const n of [1, 2, 3]) topic.publishSync(n)
    expect(subscription.tryReceive()).toEqual({ message: 3, lost: 0 })
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  test('publishers that wait publish in the order they came, and tryPublish does not pass them', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    topic.publishSync(0)
    const waiting = [topic.publish(1), topic.publish(2)]
    expect(topic.tryPublish(9)).toBe(false)
    expect([await subscription.receive(), await subscription.receive(), await subscription.receive()]).toEqual([0, 1, 2])
    await Promise.all(waiting)
  })

  test('a thread that blocks for a message first publishes what waits in it, and the other way round', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    topic.publishSync(1)
    const publishing = topic.publish(2)
    expect([subscription.receiveSync(), subscription.receiveSync()]).toEqual([1, 2])
    await publishing
    const receiving = [subscription.receive(), subscription.receive()]
    for (const n of [3, 4]) topic.publishSync(n, { timeout: 1_000 })
    expect(await Promise.all(receiving)).toEqual([3, 4])
  })

  test('time-outs are exact from below and leave nothing behind', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    const begun = performance.now()
    await expect(subscription.receive({ timeout: 20 })).rejects.toMatchObject({
      name: 'QueueEmptyError',
      code: 'ERR_TIMEOUT',
    })
    expect(thrownBy(() => subscription.receiveSync({ timeout: 20 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    topic.publishSync(1)
    await expect(topic.publish(2, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT', item: 2 })
    expect(thrownBy(() => topic.publishSync(2, { timeout: 20 }))).toMatchObject({ code: 'ERR_TIMEOUT', item: 2 })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(80)
    expect(takeAll(subscription)).toEqual([1])
  })

  test('a signal ends the wait with its reason as given, and nothing is published or received', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    const controller = new AbortController()
    const { signal } = controller
    const receiving = rejectionOf(subscription.receive({ signal }))
    controller.abort('enough')
    expect(await receiving).toBe('enough')
    topic.publishSync(1)
    const other = new AbortController()
    const publishing = rejectionOf(topic.publish(2, { signal: other.signal }))
    other.abort('enough')
    expect(await publishing).toBe('enough')
    expect(await rejectionOf(topic.publish(3, { signal }))).toBe('enough')
    expect(await rejectionOf(subscription.receive({ signal }))).toBe('enough')
    expect(takeAll(subscription)).toEqual([1])
  })
})

describe('the end', () => {
  test('close: what is pending is still received, then ClosedError, and loops end', async () => {
    const topic = new Topic<number>()
    const [subscription, looping] = [topic.subscribe(), topic.subscribe()]
    const seen: number[] = []
    const loop = (async () => {
      for await (const message of looping) seen.push(message)
    })()
    for (const n of [1, 2]) topic.publishSync(n)
    topic.close()
    topic.close()
    expect([topic.closed, topic.getStats().closed]).toEqual([true, true])
    expect([subscription.receiveSync(), await subscription.receive()]).toEqual([1, 2])
    const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }
    await expect(subscription.receive()).rejects.toMatchObject(closed)
    expect(thrownBy(() => subscription.tryReceive())).toMatchObject(closed)
    expect(thrownBy(() => subscription.receiveSync())).toMatchObject(closed)
    await expect(topic.publish(3)).rejects.toMatchObject(closed)
    expect(thrownBy(() => topic.tryPublish(3))).toMatchObject(closed)
    expect(thrownBy(() => topic.publishSync(3))).toMatchObject(closed)
    await loop
    expect(seen).toEqual([1, 2])
    for await (const message of topic.subscribe()) throw new Error(`a late subscription saw ${message}`)
  })

  test('close wakes all who wait', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const [full, empty] = [topic.subscribe(), topic.subscribe()]
    topic.publishSync(1)
    await empty.receive()
    const waiting = [topic.publish(2), topic.publish(3), empty.receive(), empty.receive()].map(rejectionOf)
    topic.close()
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'ERR_CLOSED' })
    expect(takeAll.bind(undefined, full)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('closing a subscription lets publishers go, frees its place and ends its calls', async () => {
    const topic = new Topic<number>({ capacity: 1, maxSubscribers: 2 })
    const [holding, waiting] = [topic.subscribe(), topic.subscribe()]
    const receiving = [waiting.receive(), waiting.receive(), waiting.receive()]
    topic.publishSync(1)
    const publishing = topic.publish(2)
    holding.close()
    holding.close()
    await publishing
    expect(await Promise.all(receiving.slice(0, 2))).toEqual([1, 2])
    waiting.close()
    await expect(receiving[2]).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(thrownBy(() => holding.tryReceive())).toMatchObject({ code: 'ERR_CLOSED' })
    expect([holding.pending, topic.getStats().subscribers]).toEqual([0, 0])
    {
      using a = topic.subscribe()
      using b = topic.subscribe()
      expect([a.pending, b.pending, topic.getStats().subscribers]).toEqual([0, 0, 2])
    }
    expect(topic.getStats().subscribers).toBe(0)
  })

  test('a loop ends when its subscription is closed, and leaving it leaves the subscription open', async () => {
    const topic = new Topic<number>()
    const subscription = topic.subscribe()
    for (const n of [1, 2, 3]) topic.publishSync(n)
    for await (const message of subscription) if (message === 2) break
    expect(subscription.pending).toBe(1)
    for await (const message of subscription) {
      expect(message).toBe(3)
      subscription.close()
    }
  })
})

describe('bad arguments and limits', () => {
  test('bad options are refused', () => {
    for (const options of [
      { capacity: 0 },
      { capacity: 1.5 },
      { capacityBytes: 0 },
      { maxSubscribers: 0 },
      { maxSubscribers: 4_097 },
    ])
      expect(thrownBy(() => new Topic(options))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    const wrong: unknown[] = [null, 1, { capacity: '1' }, { memory: {} }]
    for (const options of wrong)
      expect(thrownBy(() => new Topic(options as object))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    const topic = new Topic<number>()
    for (const options of [null, 'skip', { whenSlow: 'drop' }, { whenSlow: null }])
      expect(thrownBy(() => topic.subscribe(options as object))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(topic.getStats().subscribers).toBe(0)
  })

  test('more than maxSubscribers are refused until one is closed', () => {
    const topic = new Topic<number>({ maxSubscribers: 2 })
    const first = topic.subscribe()
    topic.subscribe({ whenSlow: 'skip' })
    expect(thrownBy(() => topic.subscribe())).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    first.close()
    topic.subscribe()
    expect(topic.getStats().subscribers).toBe(2)
  })

  test('what cannot be copied, or is too large, is not published', async () => {
    const topic = new Topic<unknown>({ capacityBytes: 100 })
    const subscription = topic.subscribe()
    await expect(topic.publish({ run: () => {} })).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE', path: '.run' })
    await expect(topic.publish('x'.repeat(100))).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await expect(topic.publish(1, { timeout: -1 })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await expect(subscription.receive({ timeout: Number.NaN })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(subscription.pending).toBe(0)
    topic.publishSync('x'.repeat(99))
    expect(subscription.receiveSync()).toHaveLength(99)
  })

  test('a handle of something else, or of damaged words, is refused', () => {
    const topic = new Topic<number>({ capacity: 4, maxSubscribers: 3, capacityBytes: 100 })
    const handle = topic.toHandle()
    const again = Topic.fromHandle(handle)
    expect([again.capacity, again.capacityBytes, again.maxSubscribers]).toEqual([4, 100, 3])
    for (const bad of [{}, { ...handle, kind: 'x' }, { ...handle, version: 9 }, { ...handle, index: handle.index + 16 }])
      expect(thrownBy(() => Topic.fromHandle(bad as typeof handle))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
    for (const word of [1, 2, 3]) {
      const words = wordsOf(topic)
      const was = words[word] as number
      for (const value of [0, -1, 2 ** 31 - 1]) {
        words[word] = value
        expect(thrownBy(() => Topic.fromHandle(handle))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
      }
      words[word] = was
    }
  })

  test('counts go on where 32 bits end, also for a subscription that has missed more than they can say', () => {
    const topic = new Topic<number>({ capacity: 4 })
    const words = wordsOf(topic)
    const early = topic.subscribe({ whenSlow: 'skip' })
    topic.publishSync(0)
    // As if 2^32 − 3 had been published.
    for (const word of [TAIL, OLDEST, FLOOR]) words[word] = -3
    words[TAIL_HALVES] = 1
    const [waits, skips] = [topic.subscribe(), topic.subscribe({ whenSlow: 'skip' })]
    for (let n = 1; n <= 4; n++) topic.publishSync(n)
    expect(topic.tryPublish(5)).toBe(false)
    expect(takeAll(waits)).toEqual([1, 2, 3, 4])
    for (let n = 5; n <= 8; n++) topic.publishSync(n)
    expect(topic.getStats().publishCount).toBe(2 ** 32 + 5)
    expect(words[TAIL]).toBe(5)
    expect(takeAll(waits)).toEqual([5, 6, 7, 8])
    expect([takeAll(skips), skips.lost]).toEqual([[5, 6, 7, 8], 4])
    expect([takeAll(early), early.lost]).toEqual([[5, 6, 7, 8], 2 ** 32 + 1])
    expect(topic.getStats().lost).toBe(2 ** 32 + 5)
  })

  test('whatever stands in its words, a call ends with a result or a typed error', () => {
    const values = [-1, 1, 7, 2 ** 31 - 1]
    const places = [CLOSED, MESSAGES, TAIL, TAIL_HALVES, FLOOR, OLDEST, ...[0, 1, 2].map((n) => SUBSCRIBERS + n)]
    for (const whenSlow of policies)
      for (const place of [...places, ...Array.from({ length: 16 }, (_, n) => SUBSCRIBERS + 32 + n)])
        for (const value of values) {
          const topic = new Topic<unknown>({ capacity: 4, capacityBytes: 64, maxSubscribers: 2 })
          const subscription = topic.subscribe({ whenSlow })
          for (let n = 0; n < 3; n++) topic.publishSync({ n })
          Atomics.store(wordsOf(topic), place, value)
          const calls = [
            () => subscription.tryReceive(),
            () => topic.publishSync('x', { timeout: 0 }),
            () => subscription.receiveSync({ timeout: 0 }),
            () => topic.subscribe({ whenSlow }),
            () => topic.getStats(),
            () => subscription.pending,
          ]
          for (const call of calls) {
            let code: unknown = 'none'
            try {
              call()
            } catch (error) {
              code = (error as { code: unknown }).code
            }
            expect(['none', 'ERR_CORRUPT', 'ERR_TIMEOUT', 'ERR_CLOSED', 'ERR_PEER_GONE', 'ERR_OUT_OF_RANGE']).toContain(code)
          }
        }
  })
})

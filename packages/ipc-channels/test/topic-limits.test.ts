import { Topic, type WhenSlow } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import { takeAll, wordsOf } from './support/topic-peer.js'
import { thrownBy } from './support/until.js'

const policies: readonly WhenSlow[] = ['wait', 'skip', 'disconnect']

const CLOSED = 4
const MESSAGES = 5
const TAIL = 17
const TAIL_HALVES = 18
const FLOOR = 19
const OLDEST = 32
const SUBSCRIBERS = 48

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
    for (const value of [0, -1, 2 ** 31 - 1, was + 1, was - 1]) {
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
  // As if that publisher had died who went past the end, before it could count it.
  words[TAIL_HALVES] = 1
  expect(topic.getStats().publishCount).toBe(2 ** 32 + 5)
  expect(takeAll(waits)).toEqual([5, 6, 7, 8])
  topic.publishSync(9)
  expect([words[TAIL], words[TAIL_HALVES], takeAll(waits)]).toEqual([6, 2, [9]])
  expect([takeAll(skips), skips.lost]).toEqual([[6, 7, 8, 9], 5])
  expect([takeAll(early), early.lost]).toEqual([[6, 7, 8, 9], 2 ** 32 + 2])
  expect(topic.getStats().lost).toBe(2 ** 32 + 7)
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
          expect(['none', 'ERR_CORRUPT', 'ERR_TIMEOUT', 'ERR_CLOSED', 'ERR_PEER_GONE', 'ERR_OUT_OF_RANGE']).toContain(
            code,
          )
        }
      }
})

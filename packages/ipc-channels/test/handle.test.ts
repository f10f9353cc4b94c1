import { decodeValue, encodeValue, toBytes } from '@heddle/codec'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Mutex, type SharedObjectHandle } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { wordsOf } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

describe('a handle', () => {
  test('opens the same queue, and survives a structured clone', () => {
    const queue = new ThreadSafeQueue<string>({ capacity: 3 })
    const opened = ThreadSafeQueue.fromHandle<string>(structuredClone(queue.toHandle()))
    queue.putSync('there')
    expect([opened.capacity, opened.size, opened.getSync()]).toEqual([3, 1, 'there'])
    opened.putSync('and back')
    expect(queue.getSync()).toBe('and back')
    expect(queue.getStats()).toEqual(opened.getStats())
  })

  test('goes through the codec as the queue itself, between threads', () => {
    const queue = new ThreadSafeQueue<number>()
    const message = structuredClone(encodeValue({ deep: [queue] }, 'thread'))
    const { deep } = decodeValue(message) as { deep: [ThreadSafeQueue<number>] }
    expect(deep[0]).toBeInstanceOf(ThreadSafeQueue)
    deep[0].putSync(5)
    expect(queue.getSync()).toBe(5)
  })

  test('is refused on its way to another process', () => {
    expect(thrownBy(() => toBytes(new ThreadSafeQueue()))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
  })

  const damages: [string, (handle: SharedObjectHandle) => unknown][] = [
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', () => 'ipc-channels/ThreadSafeQueue'],
    ['an empty object', () => ({})],
    ['another kind', (handle) => ({ ...handle, kind: 'sync-primitives/Mutex' })],
    ['another version', (handle) => ({ ...handle, version: 1 })],
    ['another memory', (handle) => ({ ...handle, memory: 'unknown' })],
    ['no buffer', (handle) => ({ ...handle, buffer: undefined })],
    ['an ArrayBuffer', (handle) => ({ ...handle, buffer: new ArrayBuffer(1_024) })],
    ['what JSON leaves of it', (handle) => JSON.parse(JSON.stringify(handle))],
    ['a buffer of zeros', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(1_024) })],
    ['the index of nothing', (handle) => ({ ...handle, index: 2 ** 30 })],
    ['the index of something else', (handle) => ({ ...handle, index: new Mutex().toHandle().index })],
    ['half an index', (handle) => ({ ...handle, index: 0.5 })],
  ]

  test.each(damages)('that is %s is ERR_BAD_HANDLE', (_, damage) => {
    const damaged = damage(new ThreadSafeQueue({ capacity: 2, capacityBytes: 200 }).toHandle())
    expect(thrownBy(() => ThreadSafeQueue.fromHandle(damaged as SharedObjectHandle))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_BAD_HANDLE',
    })
  })

  test.each([
    ['no capacity', 1, 0],
    ['a negative capacity', 1, -1],
    ['a capacity that has no room', 1, 2 ** 24],
    ['no bytes', 2, 0],
    ['negative bytes', 2, -5],
    ['bytes that have no room', 2, 2 ** 30],
    ['a larger capacity', 1, 3],
    ['a smaller capacity', 1, 1],
    ['more bytes', 2, 204],
  ])('of a queue in which somebody has written %s is ERR_BAD_HANDLE', (_, index, value) => {
    const queue = new ThreadSafeQueue({ capacity: 2, capacityBytes: 200 })
    wordsOf(queue)[index] = value
    expect(thrownBy(() => ThreadSafeQueue.fromHandle(queue.toHandle()))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
  })
})

/** The code of what the call threw, or `none`. */
function codeOf(call: () => unknown): unknown {
  try {
    call()
    return 'none'
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

const [TAIL, HEAD] = [17, 33]

test.each([
  ['more items than it holds', TAIL, 4],
  ['fewer items than none', TAIL, -1],
])(
  'a queue into which somebody has written %s is ERR_CORRUPT for every call, and nothing is changed',
  (_, index, value) => {
    const queue = new ThreadSafeQueue<number>({ capacity: 3, capacityBytes: 180 })
    queue.putSync(1)
    wordsOf(queue)[index] = value
    for (const call of [() => queue.tryGet(), () => queue.getSync(), () => queue.tryPut(1), () => queue.putSync(1)])
      expect(codeOf(call)).toBe('ERR_CORRUPT')
    expect([wordsOf(queue)[TAIL], wordsOf(queue)[HEAD]]).toEqual([value, 0])
  },
)

test.each([
  ['begins before the data', 0, -1],
  ['begins behind the data', 0, 45],
  ['is too long', 1, 181],
  ['has no length', 1, 0],
  ['has a negative length', 1, -1],
])(
  'an item of which somebody has written that it %s is ERR_CORRUPT once and gone, and the next one arrives',
  (_, word, value) => {
    const queue = new ThreadSafeQueue<string>({ capacity: 3, capacityBytes: 180 })
    queue.putSync('first')
    queue.putSync('second')
    const words = wordsOf(queue)
    // The first entry: of the first item that was ever put.
    const entries = words.indexOf(toBytes('first').byteLength, 48) - 1
    words[entries + word] = value
    expect([codeOf(() => queue.getSync()), queue.getSync(), queue.size]).toEqual(['ERR_CORRUPT', 'second', 0])
  },
)

test('whatever somebody writes into the words of a queue, a call gives an answer or a typed error, and never hangs', () => {
  const anyWord = fc.oneof(fc.integer({ min: -3, max: 70 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
  const clean = new ThreadSafeQueue<unknown>({ capacity: 3, capacityBytes: 180 })
  for (const item of [1, 'two']) clean.putSync(item)
  const before = wordsOf(clean)
  const end = before.lastIndexOf(before.findLast((word) => word !== 0) ?? 0)
  // Not the two locks, and not the tag.
  const places = Array.from({ length: end }, (_, index) => index + 1).filter((index) => index !== 16 && index !== 32)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...places), anyWord), { maxLength: 4 }), (damage) => {
      const queue = new ThreadSafeQueue<unknown>({ capacity: 3, capacityBytes: 180 })
      for (const item of [1, 'two']) queue.putSync(item)
      const words = wordsOf(queue)
      for (const [index, value] of damage) words[index] = value
      const codes = [
        () => queue.tryGet(),
        () => queue.tryPut(3),
        () => queue.getSync({ timeout: 0 }),
        () => queue.tryPutMany([1, 2]),
        () => queue.tryGetMany(5),
        () => queue.taskDone(),
        () => queue.getStats(),
        () => queue.shutdown({ immediate: true }),
      ].map(codeOf)
      for (const code of codes)
        expect([
          'none',
          'ERR_CORRUPT',
          'ERR_TIMEOUT',
          'ERR_CLOSED',
          'ERR_OVER_RELEASE',
          'ERR_PEER_GONE',
          'ERR_INTERNAL',
        ]).toContain(code)
    }),
    { numRuns: 300 },
  )
})

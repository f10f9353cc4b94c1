import { decodeValue, encodeValue, toBytes } from '@heddle/codec'
import { ThreadSafePriorityQueue, ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import type { SharedObjectHandle } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { wordsOf } from './support/shared-words.js'
import { rejectionOf, thrownBy } from './support/until.js'

const [TAIL, TAIL_HALVES, HEAD, HEAD_HALVES] = [17, 18, 33, 34]

/** A call that cannot succeed at once fails then, instead of blocking the test. */
const now = { timeout: 0 }

function drain<T>(queue: ThreadSafePriorityQueue<T>): T[] {
  const items: T[] = []
  for (let next = queue.tryGet(); next; next = queue.tryGet()) items.push(next.item)
  return items
}

describe('the order', () => {
  test('is by priority, the highest first, and by age among equals; without a priority it is 0', async () => {
    const queue = new ThreadSafePriorityQueue<string>()
    await queue.put('plain 1')
    queue.putSync('low', { priority: -1 })
    queue.tryPut('high 1', { priority: 1 })
    await queue.put('plain 2', { priority: 0 })
    await queue.putMany(['highest 1', 'highest 2'], { priority: 2 })
    queue.putManySync(['high 2', 'high 3'], { priority: 1 })
    expect(queue.tryPutMany(['lowest', 'lowest too'], { priority: -(2 ** 31) })).toBe(2)
    queue.putSync('first', { priority: 2 ** 31 - 1 })
    expect([await queue.get(), queue.getSync(now), queue.tryGet(), ...(await queue.getMany(2))]).toEqual([
      'first',
      'highest 1',
      { item: 'highest 2' },
      'high 1',
      'high 2',
    ])
    expect([queue.getManySync(2), queue.tryGetMany(2), drain(queue)]).toEqual([
      ['high 3', 'plain 1'],
      ['plain 2', 'low'],
      ['lowest', 'lowest too'],
    ])
  })

  test('lets an item of a low priority wait while items of a higher one keep coming', () => {
    const queue = new ThreadSafePriorityQueue<number>({ capacity: 3 })
    queue.putSync(-1)
    for (let item = 0; item < 100; item++) {
      queue.putSync(item, { priority: 1, timeout: 0 })
      expect(queue.getSync(now)).toBe(item)
    }
    expect(queue.getSync(now)).toBe(-1)
  })

  test('is that of `for await` too, and of what an immediate shutdown gives back', async () => {
    const queue = new ThreadSafePriorityQueue<number>()
    for (const priority of [2, 5, 1, 4, 3]) queue.putSync(priority, { priority })
    const seen: number[] = []
    for await (const item of queue) {
      seen.push(item)
      if (seen.length === 2) break
    }
    expect([seen, queue.shutdown({ immediate: true }), queue.closed]).toEqual([[5, 4], [3, 2, 1], true])
    for await (const item of queue) seen.push(item)
    expect(seen).toEqual([5, 4])
  })

  test('does not let a put of a high priority pass an earlier one of its thread that waits for room', async () => {
    const queue = new ThreadSafePriorityQueue<string>({ capacity: 1 })
    queue.putSync('inside')
    const waiting = [queue.put('low', { priority: -9 }), queue.put('high', { priority: 9 })]
    expect([queue.getSync(now), queue.getSync(now), queue.getSync(now)]).toEqual(['inside', 'low', 'high'])
    await Promise.all(waiting)
  })

  test('holds when more than 2^31 and more than 2^32 items were put, and an item stays inside all the while', () => {
    const queue = new ThreadSafePriorityQueue<string>({ capacity: 8 })
    const words = wordsOf(queue)
    queue.putSync('oldest', { priority: 0 })
    for (const total of [2 ** 31 - 2, 2 ** 32 - 2, 3 * 2 ** 31 - 2, 2 ** 33 - 2]) {
      words[TAIL] = total
      words[TAIL_HALVES] = Math.floor(total / 2 ** 31)
      words[HEAD] = total - 1
      words[HEAD_HALVES] = Math.floor((total - 1) / 2 ** 31)
      expect(queue.tryPutMany(['a', 'b', 'c', 'd'], { priority: 1 })).toBe(4)
      queue.putSync('low', { priority: -1 })
      queue.putSync('equal')
      expect([queue.tryGetMany(4), queue.getStats().putCount, queue.getStats().getCount]).toEqual([
        ['a', 'b', 'c', 'd'],
        total + 6,
        total + 3,
      ])
      // Then what was put later, and is equal.
      expect(queue.tryGetMany(3)).toEqual(['oldest', 'equal', 'low'])
      queue.putSync('oldest')
    }
  })
})

describe('room', () => {
  test('is for any items within capacityBytes together, whatever their sizes and however often they came and went', () => {
    for (const bytes of [1, 5, 63, 64, 65, 66, 100, 124, 125, 184, 185, 300]) {
      const capacityBytes = 1_200
      const capacity = Math.floor(capacityBytes / bytes)
      const queue = new ThreadSafePriorityQueue<string>({ capacity, capacityBytes })
      const item = bytes === 1 ? '' : 'x'.repeat(bytes - 1)
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < capacity; n++) queue.putSync(item, { priority: (n * 7) % 5, timeout: 0 })
        expect([queue.size, queue.tryPut('')]).toEqual([capacity, false])
        expect(queue.tryGetMany(round + 1)).toHaveLength(Math.min(round + 1, capacity))
        while (queue.tryPut(item, { priority: round }));
        expect(new Set(drain(queue))).toEqual(new Set([item]))
      }
    }
  })

  test('lacks for one byte more: the item waits, and comes in when there is room', async () => {
    const queue = new ThreadSafePriorityQueue<string>({ capacity: 10, capacityBytes: 100 })
    queue.putSync('x'.repeat(59))
    expect(queue.tryPut('x'.repeat(40))).toBe(false)
    expect(thrownBy(() => queue.putSync('x'.repeat(40), now))).toMatchObject({
      name: 'QueueFullError',
      code: 'ERR_TIMEOUT',
      item: 'x'.repeat(40),
    })
    const waiting = queue.put('x'.repeat(40), { priority: 9 })
    expect(queue.getSync(now)).toHaveLength(59)
    await waiting
    expect(queue.getSync(now)).toHaveLength(40)
  })

  test('of a larger item than all of it is ERR_OUT_OF_RANGE, and nothing is put', async () => {
    const queue = new ThreadSafePriorityQueue<string>({ capacityBytes: 100 })
    const large = 'x'.repeat(100)
    for (const failure of [
      await rejectionOf(queue.put(large)),
      await rejectionOf(queue.putMany(['', large])),
      thrownBy(() => queue.putSync(large)),
      thrownBy(() => queue.tryPut(large)),
      thrownBy(() => queue.tryPutMany(['', large])),
    ])
      expect(failure).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(queue.size).toBe(0)
  })

  test('keeps items whole of any length, and those that a waiting put copied', async () => {
    const queue = new ThreadSafePriorityQueue<Uint8Array>({ capacity: 2, capacityBytes: 100_000 })
    const small = Uint8Array.of(1)
    for (const length of [0, 1, 50, 55, 59, 60, 61, 62, 63, 64, 119, 120, 121, 5_000, 70_000, 90_000, 10]) {
      const item = Uint8Array.from({ length }, (_, n) => n % 251)
      const expected = item.slice()
      queue.putSync(item, now)
      queue.putSync(small, now)
      const waiting = queue.put(item, { priority: 1 })
      item.fill(0)
      const taken = [queue.getSync(now)]
      await waiting
      taken.push(...queue.tryGetMany(2))
      expect(taken.map((each) => Buffer.compare(each, expected))).toEqual([0, 0, Buffer.compare(small, expected)])
      expect(taken.at(-1)).toEqual(small)
    }
  })
})

describe('several items', () => {
  test('that do not fit at once wait, and those that a timeout leaves outside are handed back', async () => {
    const queue = new ThreadSafePriorityQueue<number>({ capacity: 2 })
    const putting = queue.putMany([1, 2, 3, 4, 5], { priority: 1 })
    queue.tryPut(9, { priority: 2 })
    expect([await queue.get(), await queue.getMany(2), await queue.get(), queue.getSync(now)]).toEqual([
      1,
      [2, 3],
      4,
      5,
    ])
    await putting
    queue.putSync(0)
    expect(await rejectionOf(queue.putMany([6, 7, 8], { timeout: 0, priority: 1 }))).toMatchObject({ items: [7, 8] })
    expect(queue.tryPutMany([9])).toBe(0)
    expect(queue.tryPutMany([])).toBe(0)
    expect(drain(queue)).toEqual([6, 0])
  })

  test('with holes among them are as many as they say', () => {
    const queue = new ThreadSafePriorityQueue<undefined>()
    expect([queue.tryPutMany(Array(3) as undefined[]), drain(queue)]).toEqual([3, [undefined, undefined, undefined]])
  })
})

describe('arguments', () => {
  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31) - 1])(
    'a priority of %p is ERR_OUT_OF_RANGE in every form, and nothing is put',
    async (priority) => {
      const queue = new ThreadSafePriorityQueue<number>()
      for (const failure of [
        await rejectionOf(queue.put(1, { priority })),
        await rejectionOf(queue.putMany([1], { priority })),
        thrownBy(() => queue.putSync(1, { priority })),
        thrownBy(() => queue.putManySync([1], { priority })),
        thrownBy(() => queue.tryPut(1, { priority })),
        thrownBy(() => queue.tryPutMany([1], { priority })),
      ])
        expect(failure).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      expect(queue.getStats()).toMatchObject({ size: 0, putCount: 0, errors: 0 })
    },
  )

  test.each([{ priority: '1' }, { priority: 1n }, { priority: null }, null, 5])(
    'options of the wrong kind are ERR_INVALID_ARG in every form: %p',
    async (bad) => {
      const queue = new ThreadSafePriorityQueue<number>()
      const options = bad as never
      for (const failure of [
        await rejectionOf(queue.put(1, options)),
        await rejectionOf(queue.putMany([1], options)),
        thrownBy(() => queue.putSync(1, options)),
        thrownBy(() => queue.putManySync([1], options)),
        thrownBy(() => queue.tryPut(1, options)),
        thrownBy(() => queue.tryPutMany([1], options)),
      ])
        expect(failure).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
      expect(queue.size).toBe(0)
    },
  )

  test.each([
    ['RangeError', 'ERR_OUT_OF_RANGE', { capacity: 0 }],
    ['RangeError', 'ERR_OUT_OF_RANGE', { capacity: 2 ** 24 + 1 }],
    ['RangeError', 'ERR_OUT_OF_RANGE', { capacityBytes: 0 }],
    ['RangeError', 'ERR_OUT_OF_RANGE', { capacityBytes: 2 ** 30 + 1 }],
    ['TypeError', 'ERR_INVALID_ARG', { capacity: '5' }],
    ['TypeError', 'ERR_INVALID_ARG', { memory: {} }],
    ['TypeError', 'ERR_INVALID_ARG', null],
  ])('a queue is refused with %s %s: %p', (name, code, options) => {
    expect(thrownBy(() => new ThreadSafePriorityQueue(options as never))).toMatchObject({ name, code })
  })

  test('without options a queue holds 1,000 items of 256 KiB together', () => {
    const queue = new ThreadSafePriorityQueue<string>()
    expect([queue.capacity, queue.capacityBytes]).toEqual([1_000, 262_144])
    for (let item = 0; item < 1_000; item++) queue.putSync('x'.repeat(260), { priority: item % 3, timeout: 0 })
    expect([queue.size, queue.tryPut('')]).toEqual([1_000, false])
  })
})

describe('a queue in a segment', () => {
  test('that is closed while one waits ends the wait with ERR_CLOSED, and every call after', async () => {
    const segment = Segment.create({ size: 1 << 20 })
    const queue = new ThreadSafePriorityQueue<string>({ capacity: 2, capacityBytes: 300, memory: segment })
    queue.putSync('x'.repeat(200))
    const waiting = rejectionOf(queue.put('x'.repeat(200)))
    segment.close()
    expect(await waiting).toMatchObject({ code: 'ERR_CLOSED' })
    for (const call of [
      () => queue.tryGet(),
      () => queue.tryPut('x'.repeat(100)),
      () => queue.tryPutMany(['a', 'b']),
      () => queue.tryGetMany(2),
      () => queue.size,
      () => queue.getStats(),
      () => queue.close(),
      () => queue.shutdown({ immediate: true }),
    ])
      expect(thrownBy(call)).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
  })
})

describe('a handle', () => {
  test('opens the same queue, goes through the codec as the queue itself, and is refused to another process', () => {
    const queue = new ThreadSafePriorityQueue<number>({ capacity: 3 })
    const opened = ThreadSafePriorityQueue.fromHandle<number>(structuredClone(queue.toHandle()))
    const decoded = decodeValue(structuredClone(encodeValue([queue], 'thread'))) as ThreadSafePriorityQueue<number>[]
    opened.putSync(1)
    decoded[0]?.putSync(2, { priority: 1 })
    expect([opened.capacity, queue.size, drain(queue)]).toEqual([3, 2, [2, 1]])
    expect(thrownBy(() => toBytes(queue))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
  })

  const damages: [string, (handle: SharedObjectHandle) => unknown][] = [
    ['nothing', () => undefined],
    ['that of a queue without priorities', () => new ThreadSafeQueue().toHandle()],
    ['another version', (handle) => ({ ...handle, version: 0 })],
    ['what JSON leaves of it', (handle) => JSON.parse(JSON.stringify(handle))],
    ['the index of something else', (handle) => ({ ...handle, index: handle.index + 16 })],
  ]

  test.each(damages)('that is %s is ERR_BAD_HANDLE', (_, damage) => {
    const damaged = damage(new ThreadSafePriorityQueue({ capacity: 2, capacityBytes: 200 }).toHandle())
    expect(thrownBy(() => ThreadSafePriorityQueue.fromHandle(damaged as SharedObjectHandle))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_BAD_HANDLE',
    })
  })

  test.each([
    ['no capacity', 1, 0],
    ['a capacity that has no room', 1, 2 ** 24],
    ['no bytes', 2, -5],
    ['bytes that have no room', 2, 2 ** 30],
    ['a larger capacity', 1, 3],
    ['fewer bytes', 2, 199],
  ])('of a queue in which somebody has written %s is ERR_BAD_HANDLE', (_, index, value) => {
    const queue = new ThreadSafePriorityQueue({ capacity: 2, capacityBytes: 200 })
    wordsOf(queue as never)[index] = value
    expect(thrownBy(() => ThreadSafePriorityQueue.fromHandle(queue.toHandle()))).toMatchObject({
      code: 'ERR_BAD_HANDLE',
    })
  })
})

test('an item of which somebody has written a wrong length is ERR_CORRUPT once and gone; the others keep their order and all room', () => {
  for (const wrong of [0, -1, 301, 66, 185]) {
    const queue = new ThreadSafePriorityQueue<string>({ capacity: 3, capacityBytes: 300 })
    queue.putSync('third', { priority: -1 })
    queue.putSync('x'.repeat(129), { priority: 1 })
    queue.putSync('second')
    const words = wordsOf(queue)
    const at = words.indexOf(130, 48)
    words[at] = wrong
    expect(thrownBy(() => queue.getSync(now))).toMatchObject({ code: 'ERR_CORRUPT' })
    expect([queue.size, drain(queue)]).toEqual([2, ['second', 'third']])
    queue.putSync('x'.repeat(299), now)
    expect([drain(queue)[0]?.length, queue.getStats().getCount]).toEqual([299, 4])
  }
})

test('a queue into which somebody has written more items than there are is ERR_CORRUPT for every call', () => {
  const queue = new ThreadSafePriorityQueue<number>({ capacity: 3, capacityBytes: 300 })
  queue.putSync(1)
  for (const value of [4, -1]) {
    wordsOf(queue)[TAIL] = value
    for (const call of [
      () => queue.tryGet(),
      () => queue.tryPut(1),
      () => queue.tryGetMany(2),
      () => queue.tryPutMany([1]),
    ])
      expect(thrownBy(call)).toMatchObject({ name: 'CorruptError', code: 'ERR_CORRUPT' })
  }
})

import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { QueueWorker } from './support/queue-worker.js'
import { hasWaitingGetters, hasWaitingPutters } from './support/shared-words.js'
import { rejectionOf, thrownBy, until } from './support/until.js'

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

describe('putMany', () => {
  test('puts all items in their order, in every form', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 10 })
    await queue.putMany([1, 2, 3])
    queue.putManySync([4, 5])
    expect(queue.tryPutMany([6, 7, 8])).toBe(3)
    await queue.putMany([])
    queue.putManySync([])
    expect(queue.tryPutMany([])).toBe(0)
    expect(queue.tryGetMany(100)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(queue.getStats()).toMatchObject({ putCount: 8, getCount: 8, errors: 0 })
  })

  test('tryPutMany puts the first ones that have room, and says how many', () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 3 })
    expect([queue.tryPutMany([1, 2, 3, 4, 5]), queue.tryPutMany([6]), queue.getStats().errors]).toEqual([3, 0, 1])
    expect(queue.tryGetMany(9)).toEqual([1, 2, 3])
  })

  test('goes on as room comes, and keeps its place before later puts of its thread', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const putting = [queue.putMany(numbers(7)), queue.put(7)]
    const taken: number[] = []
    while (taken.length < 8) taken.push(await queue.get())
    await Promise.all(putting)
    expect(taken).toEqual(numbers(8))
  })

  test('that runs out of time hands back what was not put, and no more', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const failures = [
      await rejectionOf(queue.putMany([1, 2, 3, 4], { timeout: 5 })),
      thrownBy(() => queue.putManySync([5, 6], { timeout: 1 })),
      await rejectionOf(queue.putMany([7], { timeout: 0 })),
    ]
    expect(failures).toMatchObject([
      { name: 'QueueFullError', code: 'ERR_TIMEOUT', item: 3, items: [3, 4] },
      { name: 'QueueFullError', item: 5, items: [5, 6] },
      { item: 7, items: [7] },
    ])
    expect(queue.tryGetMany(5)).toEqual([1, 2])
  })

  test('puts nothing when one of the items cannot be put', async () => {
    const queue = new ThreadSafeQueue<unknown>({ capacity: 5, capacityBytes: 100 })
    expect(await rejectionOf(queue.putMany([1, () => {}]))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect(thrownBy(() => queue.putManySync([1, 'x'.repeat(200)]))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(thrownBy(() => queue.tryPutMany('abc' as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(queue.size).toBe(0)
  })

  test('copies what it could not put at once: what happens to the originals later does not matter', async () => {
    const queue = new ThreadSafeQueue<{ value: number } | Uint8Array>({ capacity: 1 })
    const second = { value: 2 }
    const bytes = Uint8Array.of(1, 2)
    const items = [{ value: 1 }, second, bytes]
    const putting = queue.putMany(items)
    second.value = 9
    bytes.fill(9)
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([
      { value: 1 },
      { value: 2 },
      Uint8Array.of(1, 2),
    ])
    await putting
  })

  test('that is aborted or closed in the middle leaves the first ones inside', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const controller = new AbortController()
    const aborted = rejectionOf(queue.putMany([1, 2, 3], { signal: controller.signal }))
    const closed = rejectionOf(queue.putMany([4, 5]))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    queue.close()
    expect(await closed).toMatchObject({ code: 'ERR_CLOSED', items: [4, 5] })
    expect(queue.tryGetMany(9)).toEqual([1, 2])
  })

  test('hands back what was to be put at the call, whatever has become of the list since', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    const items = [1, 2, 3]
    const failure = rejectionOf(queue.putMany(items, { timeout: 5 }))
    items.length = 0
    expect(await failure).toMatchObject({ items: [2, 3] })
    queue.close()
    expect(thrownBy(() => queue.putManySync([4, 5]))).toMatchObject({ code: 'ERR_CLOSED', items: [4, 5] })
  })

  test('takes a hole of a list for undefined', () => {
    const queue = new ThreadSafeQueue<number | undefined>()
    const sparse: number[] = [1]
    sparse[2] = 3
    expect(queue.tryPutMany(sparse)).toBe(3)
    expect(queue.tryGetMany(Number.POSITIVE_INFINITY)).toEqual([1, undefined, 3])
  })
})

describe('getMany', () => {
  test('takes what is there, up to most, in their order, in every form', async () => {
    const queue = new ThreadSafeQueue<number>()
    queue.putManySync(numbers(10))
    expect(await queue.getMany(3)).toEqual([0, 1, 2])
    expect(queue.getManySync(4)).toEqual([3, 4, 5, 6])
    expect([queue.tryGetMany(2), queue.getManySync(9), queue.tryGetMany(1)]).toEqual([[7, 8], [9], []])
    expect(queue.getStats()).toMatchObject({ putCount: 10, getCount: 10, errors: 1 })
  })

  test('waits for one and no longer', async () => {
    const queue = new ThreadSafeQueue<number>()
    const waiting = queue.getMany(10)
    queue.putSync(1)
    queue.putSync(2)
    expect([await waiting, await queue.getMany(10)]).toEqual([[1], [2]])
    expect(await rejectionOf(queue.getMany(10, { timeout: 3 }))).toMatchObject({ name: 'QueueEmptyError' })
    expect(thrownBy(() => queue.getManySync(10, { timeout: 1 }))).toMatchObject({ name: 'QueueEmptyError' })
  })

  test('frees a putter that waits, and takes min(n, size) items', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 3 })
    queue.putManySync([1, 2, 3])
    const putting = queue.put(4)
    expect(queue.tryGetMany(2)).toEqual([1, 2])
    await putting
    expect(queue.tryGetMany(9)).toEqual([3, 4])
  })

  test.each([0, -1, 1.5, Number.NaN])('of %p items is ERR_OUT_OF_RANGE', async (most) => {
    const queue = new ThreadSafeQueue<number>()
    queue.putSync(1)
    for (const failure of [
      await rejectionOf(queue.getMany(most)),
      thrownBy(() => queue.getManySync(most)),
      thrownBy(() => queue.tryGetMany(most)),
    ])
      expect(failure).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(queue.size).toBe(1)
  })

  test('with an item that cannot be opened here hands back the others', () => {
    const queue = new ThreadSafeQueue<unknown>()
    const foreign = { toHandle: () => ({ kind: 'no-package/Nothing' }) }
    queue.putManySync([1, foreign, 3])
    expect(thrownBy(() => queue.tryGetMany(3))).toMatchObject({ code: 'ERR_BAD_HANDLE', items: [1, 3] })
    expect(queue.size).toBe(0)
  })
})

test('batches of many sizes and threads: each item arrives once, and those of one producer in their order', async () => {
  const queue = new ThreadSafeQueue<[number, number]>({ capacity: 50, capacityBytes: 600 })
  const workers = await Promise.all([0, 1].map(() => QueueWorker.withQueues({ queue })))
  const count = 2_000
  const putting = workers.map((worker, producer) =>
    (async () => {
      for (let number = 0; number < count; number += 40)
        await worker.run(producer === 0 ? 'putMany' : 'putManySync', {
          name: 'queue',
          items: numbers(40, number).map((each) => [producer, each]),
        })
    })(),
  )
  const taken: number[][] = [[], []]
  for (let left = 2 * count; left > 0; ) {
    const items = await queue.getMany(1 + (left % 70))
    for (const [producer, number] of items) taken[producer]?.push(number)
    left -= items.length
  }
  await Promise.all(putting)
  expect(taken).toEqual([numbers(count), numbers(count)])
})

test('a batch wakes all who wait for one of its items, and makes room for all who wait for it', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 2 })
  const workers = await Promise.all([0, 1].map(() => QueueWorker.withQueues({ queue })))
  const got = workers.map((worker) => worker.run('getSync', { name: 'queue' }))
  await until(() => hasWaitingGetters(queue), 'the getters wait')
  queue.putManySync([1, 2])
  expect(new Set(await Promise.all(got))).toEqual(new Set([1, 2]))
  queue.putManySync([3, 4])
  const put = workers.map((worker, i) => worker.run('putSync', { name: 'queue', item: 5 + i }))
  await until(() => hasWaitingPutters(queue), 'the putters wait')
  expect(queue.tryGetMany(2)).toEqual([3, 4])
  await Promise.all(put)
  expect(new Set(queue.tryGetMany(2))).toEqual(new Set([5, 6]))
})

test('room is counted in bytes, too: small items fill what large ones leave, and a large one waits until there is room', async () => {
  const queue = new ThreadSafeQueue<string>({ capacity: 100, capacityBytes: 1_000 })
  const large = 'x'.repeat(700)
  queue.putSync(large)
  expect(queue.tryPut(large)).toBe(false)
  expect(queue.tryPut('y'.repeat(200))).toBe(true)
  const waiting = queue.put(large)
  expect([queue.getSync(), queue.getSync(), await queue.get()]).toEqual([large, 'y'.repeat(200), large])
  await waiting
  expect(queue.getStats()).toMatchObject({ putCount: 3, getCount: 3, errors: 1 })
})

test('who waits for many bytes does not keep another thread from room that is enough for it', async () => {
  const queue = new ThreadSafeQueue<string>({ capacity: 100, capacityBytes: 1_000 })
  queue.putManySync(['a'.repeat(400), 'b'.repeat(400)])
  const worker = await QueueWorker.withQueues({ queue })
  const large = worker.run('putSync', { name: 'queue', item: 'c'.repeat(900) })
  await until(() => hasWaitingPutters(queue), 'the large one waits')
  const small = queue.put('d'.repeat(350))
  expect(await queue.get()).toBe('a'.repeat(400))
  await small
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([
    'b'.repeat(400),
    'd'.repeat(350),
    'c'.repeat(900),
  ])
  await large
})

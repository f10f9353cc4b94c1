import { AsyncBatchProcessor } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe } from './support/observe.js'

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

/** A processor that notes the batches it is given, in time that is moved by hand. */
function noting<T>(options: {
  batchSize?: number
  flushInterval?: number
  maxBytes?: number
  sizeOf?: (item: T) => number
}) {
  jest.useFakeTimers()
  const batches: (readonly T[])[] = []
  const processor = new AsyncBatchProcessor<T>({ ...options, process: (items) => void batches.push(items) })
  const add = (...items: T[]) => {
    for (const item of items) void processor.addItem(item)
  }
  const pass = async (ms: number) => {
    jest.advanceTimersByTime(ms)
    await drain()
  }
  return { processor, batches, add, pass }
}

// A21
describe('batches are cut', () => {
  test('by size, in the order of the items, and what is left waits for its time', async () => {
    const { processor, batches, add, pass } = noting<number>({ batchSize: 3, flushInterval: 50 })
    add(1, 2, 3, 4, 5, 6, 7)
    await drain()
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    await pass(49)
    expect(batches).toHaveLength(2)
    await pass(1)
    expect(batches[2]).toEqual([7])
    expect(processor.stats()).toMatchObject({ items: 7, batches: 3, cutBySize: 2, cutByTimer: 1, pending: 0 })
  })

  test('by the time of the first item, which later ones do not put off', async () => {
    const { batches, add, pass } = noting<number>({ flushInterval: 50 })
    for (let i = 0; i < 5; i++) {
      add(i)
      await pass(10)
    }
    expect(batches).toEqual([[0, 1, 2, 3, 4]])
  })

  test('by bytes, and an item that has more than fits is a batch of its own', async () => {
    const { processor, batches, add } = noting<string>({ maxBytes: 5, sizeOf: (item) => item.length })
    add('aa', 'bb', 'cc', 'ddddddd', 'e', 'ffff', 'g')
    await drain()
    expect(batches).toEqual([['aa', 'bb'], ['cc'], ['ddddddd'], ['e', 'ffff']])
    await processor.flush()
    expect(batches[4]).toEqual(['g'])
    expect(processor.stats()).toMatchObject({ cutByBytes: 4, cutByFlush: 1 })
  })

  test('by nothing but size and flush when there is no interval', async () => {
    const { processor, batches, add, pass } = noting<number>({ flushInterval: Number.POSITIVE_INFINITY })
    add(1, 2)
    await pass(1_000_000)
    expect(batches).toEqual([])
    await processor.flush()
    expect(batches).toEqual([[1, 2]])
  })

  test('at most of maxPending items, which is all there is room for', async () => {
    const sizes: number[] = []
    const process = (items: readonly number[]) => void sizes.push(items.length)
    const processor = new AsyncBatchProcessor<number>({ batchSize: 100, maxPending: 3, process })
    await Promise.all([1, 2, 3, 4, 5, 6].map((item) => processor.addItem(item)))
    expect(sizes).toEqual([3, 3])
  })
})

test('the timer of a batch that was cut by size does not cut the next one early', async () => {
  const { batches, add, pass } = noting<number>({ batchSize: 2, flushInterval: 50 })
  const cancel = jest.spyOn(globalThis, 'clearTimeout')
  add(1)
  await pass(40)
  add(2, 3)
  expect(cancel).toHaveBeenCalledTimes(1)
  await pass(10)
  expect(batches).toEqual([[1, 2]])
  await pass(39)
  expect(batches).toHaveLength(1)
  await pass(1)
  expect(batches[1]).toEqual([3])
})

test('a timer that fires although it was taken back cuts nothing', async () => {
  const batches: (readonly number[])[] = []
  const callbacks: (() => void)[] = []
  const clock = { now: () => 0, setTimeout: (callback: () => void) => callbacks.push(callback), clearTimeout: () => {} }
  let time = 0
  clock.now = () => time
  const processor = new AsyncBatchProcessor<number>({
    batchSize: 2,
    flushInterval: 5,
    clock,
    process: (items) => void batches.push(items),
  })
  const added = [1, 2, 3].map((item) => processor.addItem(item))
  time = 5
  callbacks[0]?.()
  await drain()
  expect(batches).toEqual([[1, 2]])
  callbacks[1]?.()
  await Promise.all(added)
  expect(batches).toEqual([[1, 2], [3]])
})

test('a batch has one timer however many items it has, and an idle processor has none', async () => {
  const { processor, add, pass } = noting<number>({ flushInterval: 50 })
  expect(jest.getTimerCount()).toBe(0)
  const arm = jest.spyOn(globalThis, 'setTimeout')
  add(...Array.from({ length: 99 }, (_, i) => i))
  expect(arm.mock.calls.filter(([, delay]) => delay === 50)).toHaveLength(1)
  await pass(50)
  await drain()
  expect(jest.getTimerCount()).toBe(0)
  add(1)
  await processor.flush()
  await drain()
  await drain()
  expect(jest.getTimerCount()).toBe(0)
})

test('an interval beyond the longest timer is kept', async () => {
  const { batches, add, pass } = noting<number>({ flushInterval: 2 ** 31 + 10 })
  add(1)
  await pass(2 ** 31 - 1)
  await pass(10)
  expect(batches).toEqual([])
  await pass(1)
  expect(batches).toEqual([[1]])
})

test('a batch whose time is over while another is at work goes on collecting until its turn comes', async () => {
  jest.useFakeTimers()
  const batches: (readonly number[])[] = []
  const ends: (() => void)[] = []
  const processor = new AsyncBatchProcessor<number>({
    batchSize: 3,
    flushInterval: 10,
    process: (items) => {
      batches.push(items)
      return new Promise<void>((resolve) => ends.push(resolve))
    },
  })
  for (const item of [1, 2, 3, 4]) observe(processor.addItem(item))
  await drain()
  jest.advanceTimersByTime(10)
  await drain()
  observe(processor.addItem(5))
  expect(batches).toEqual([[1, 2, 3]])
  ends[0]?.()
  await drain()
  expect(batches).toEqual([
    [1, 2, 3],
    [4, 5],
  ])
  expect(processor.stats()).toMatchObject({ cutBySize: 1, cutByTimer: 1 })
  ends[1]?.()
})

describe('the faults of a batch processor with a lock', () => {
  test('23: a batch that never gets full is processed when its time is over', async () => {
    const { batches, add, pass } = noting<number>({ flushInterval: 1_000 })
    add(1, 2, 3, 4, 5)
    await pass(1_000)
    expect(batches).toEqual([[1, 2, 3, 4, 5]])
  })

  test('24: the first item after a long rest does not go alone', async () => {
    const { batches, add, pass } = noting<number>({ flushInterval: 1_000 })
    await pass(60_000)
    add(1)
    await pass(999)
    add(2)
    expect(batches).toEqual([])
    await pass(1)
    expect(batches).toEqual([[1, 2]])
  })

  test('25: nobody who adds waits for a batch that is processed', async () => {
    let end = (): void => undefined
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 1,
      maxConcurrentBatches: 2,
      process: ([item]) => (item === 1 ? new Promise<void>((resolve) => (end = resolve)) : Promise.resolve()),
    })
    const slow = observe(processor.addItem(1))
    await drain()
    await processor.addItem(2)
    expect([slow.state, processor.processing]).toEqual(['pending', 1])
    end()
    await processor.close()
    expect(slow.state).toBe('fulfilled')
  })

  test('26: who fills the batch and gives up loses nothing of it, and all of a batch that fails are told', async () => {
    jest.useFakeTimers()
    const processed: (readonly number[])[] = []
    let end = (_error?: Error): void => undefined
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 3,
      process: (items) => {
        processed.push(items)
        return new Promise<void>((resolve, reject) => {
          end = (error) => (error === undefined ? resolve() : reject(error))
        })
      },
    })
    const add = () => [1, 2, 3].map((item) => observe(processor.add(item, item === 3 ? { timeout: 5 } : undefined)))
    const first = add()
    await drain()
    jest.advanceTimersByTime(5)
    end()
    await drain()
    expect(processed).toEqual([[1, 2, 3]])
    expect(first.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    const second = add()
    await drain()
    const error = new Error('of the batch')
    end(error)
    await drain()
    expect(second.map(({ reason }) => reason)).toEqual([error, error, error])
  })

  test('27: processing may add items', async () => {
    const batches: (readonly number[])[] = []
    const later: Promise<void>[] = []
    const processor: AsyncBatchProcessor<number> = new AsyncBatchProcessor<number>({
      batchSize: 2,
      process: (items) => {
        batches.push(items)
        if (batches.length < 3) for (const item of items) later.push(processor.addItem(item + 10))
      },
    })
    await Promise.all([processor.addItem(1), processor.addItem(2)])
    await Promise.all(later.splice(0))
    await Promise.all(later)
    expect(batches).toEqual([
      [1, 2],
      [11, 12],
      [21, 22],
    ])
  })

  test('28: at its end everything is processed, and each item has its own result', async () => {
    const doubled: Promise<number>[] = []
    {
      await using processor = new AsyncBatchProcessor({
        process: async (items: readonly number[]) => items.map((item) => 2 * item),
      })
      for (const item of [1, 2, 3]) doubled.push(processor.add(item))
    }
    expect(await Promise.all(doubled)).toEqual([2, 4, 6])
  })
})

import { AsyncBatchProcessor, type BatchContext } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

afterEach(() => {
  jest.useRealTimers()
})

describe('a batch that fails', () => {
  // A22
  test.each([
    [
      'throws',
      () => {
        throw new Error('of the batch')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the batch'))],
  ])('since processing %s rejects each of its items with that error, and the next one works', async (_, fail) => {
    let calls = 0
    const processor = new AsyncBatchProcessor<number, number>({
      batchSize: 2,
      process: (items) => {
        calls += 1
        return calls === 1 ? (fail() as Promise<never>) : items
      },
    })
    const errors = await Promise.all([processor.add(1), processor.addItem(2)].map(rejectionOf))
    expect(errors[0]).toEqual(new Error('of the batch'))
    expect(errors[1]).toBe(errors[0])
    expect(await Promise.all([processor.add(3), processor.add(4)])).toEqual([3, 4])
    expect(processor.stats()).toMatchObject({ batches: 2, failedBatches: 1, failedItems: 2 })
  })

  // A24
  test.each<[string, unknown]>([
    ['one result too few', [1]],
    ['one result too many', [1, 2, 3]],
    ['no array', { 0: 1, 1: 2, length: 2 }],
    ['null', null],
    ['a number', 2],
  ])('with %s rejects all items with a clear error, and is not tried again', async (_, outcome) => {
    for (const given of [outcome, Promise.resolve(outcome)]) {
      const process = jest.fn(() => given as Promise<number[]>)
      const processor = new AsyncBatchProcessor<number, number>({ batchSize: 2, maxAttempts: 3, process })
      for (const error of await Promise.all([processor.add(1), processor.addItem(2)].map(rejectionOf)))
        expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
      expect(process).toHaveBeenCalledTimes(1)
    }
  })

  test('is tried again after a pause that doubles, and attempts are counted', async () => {
    jest.useFakeTimers()
    const seen: [attempt: number, at: number, items: readonly string[]][] = []
    const start = performance.now()
    const processor = new AsyncBatchProcessor<string, string>({
      batchSize: 2,
      maxAttempts: 4,
      retryDelay: 10,
      process: async (items, { attempt }) => {
        seen.push([attempt, performance.now() - start, items])
        if (attempt < 4) throw new Error('not yet')
        return items
      },
    })
    const results = [processor.add('a'), processor.add('b')].map(observe)
    await drain()
    expect(processor.processing).toBe(1)
    for (const ms of [10, 20, 40]) {
      jest.advanceTimersByTime(ms)
      await drain()
    }
    expect(seen.map(([attempt, at, items]) => [attempt, at, items.join('')])).toEqual([
      [1, 0, 'ab'],
      [2, 10, 'ab'],
      [3, 30, 'ab'],
      [4, 70, 'ab'],
    ])
    expect(results.map(({ value }) => value)).toEqual(['a', 'b'])
    expect(processor.stats()).toMatchObject({ retries: 3, failedBatches: 0, batches: 1 })
  })

  test('for good is given to onFailed, and promises that nobody looks at are then no unhandled rejections', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const error = new Error('of the batch')
    const failed: [readonly number[], unknown][] = []
    const attempts: number[] = []
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 3,
      maxAttempts: 2,
      retryDelay: 0,
      process: (_, { attempt }) => {
        attempts.push(attempt)
        throw error
      },
      onFailed: (items, reason) => failed.push([items, reason]),
    })
    void processor.addItem(1)
    void processor.add(2)
    void processor.add(3, { signal: new AbortController().signal })
    await processor.flush()
    await drain()
    await drain()
    process.off('unhandledRejection', unhandled)
    expect(attempts).toEqual([1, 2])
    expect(failed).toEqual([[[1, 2, 3], error]])
    expect(unhandled).not.toHaveBeenCalled()
  })
})

// A23
describe('an Error in place of a result', () => {
  test('rejects its item alone', async () => {
    const processor = new AsyncBatchProcessor({
      batchSize: 3,
      process: async (items: readonly number[]) => items.map((item) => (item === 2 ? new RangeError('two') : item)),
    })
    const settled = await Promise.allSettled([1, 2, 3].map((item) => processor.add(item)))
    expect(settled).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: new RangeError('two') },
      { status: 'fulfilled', value: 3 },
    ])
    expect(processor.stats()).toMatchObject({ failedItems: 1, failedBatches: 0 })
  })

  test('rejects those who share a promise with an AggregateError, if it is of one of theirs', async () => {
    const failed: unknown[] = []
    const two = new Error('two')
    const processor = new AsyncBatchProcessor({
      batchSize: 4,
      process: async (items: readonly number[]) => items.map((item) => (item === 2 ? two : item)),
      onFailed: (items) => failed.push(items),
    })
    const own = observe(processor.add(2))
    const shared = [1, 3, 4].map((item) => observe(processor.addItem(item)))
    await processor.flush()
    expect(own.reason).toBe(two)
    expect(shared.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    const other = observe(processor.add(1))
    const told = [2, 3, 2].map((item) => observe(processor.addItem(item)))
    await processor.flush()
    expect(other.value).toBe(1)
    for (const { reason } of told) {
      expect(reason).toBe(told[0]?.reason)
      expect(reason).toBeInstanceOf(AggregateError)
      expect(reason).toMatchObject({ errors: [two, two] })
    }
    expect(failed).toEqual([[2], [2], [2]])
  })
})

test('a batch that answers more than once settles its items with the first answer', async () => {
  const then = (resolve: (results: number[]) => void, reject: (error: Error) => void) => {
    resolve([1, 2])
    resolve([3, 4])
    reject(new Error('late'))
    throw new Error('later')
  }
  const twofold = new Proxy({}, { get: (_target, key) => (key === 'then' ? then : undefined) })
  const processor = new AsyncBatchProcessor<number, number>({
    batchSize: 2,
    process: () => twofold as unknown as Promise<number[]>,
  })
  expect(await Promise.all([processor.add(0), processor.add(0)])).toEqual([1, 2])
  expect(processor.stats()).toMatchObject({ batches: 1, failedBatches: 0, pending: 0, processing: 0 })
})

test('results are those at the time of the answer, whatever processing does with its array afterwards', async () => {
  const results: string[] = []
  const processor = new AsyncBatchProcessor<string, string>({
    batchSize: 2,
    process: (items) => {
      results.splice(0, results.length, ...items.map((item) => item.toUpperCase()))
      return results
    },
  })
  expect(await Promise.all(['a', 'b', 'c', 'd'].map((item) => processor.add(item)))).toEqual(['A', 'B', 'C', 'D'])
})

test('a batch of more items than usual gives each its own result', async () => {
  const count = 3_000
  const processor = new AsyncBatchProcessor<number, number>({
    batchSize: count,
    process: (items) => items.map((item) => 2 * item),
  })
  const results = await Promise.all(Array.from({ length: count }, (_, i) => processor.add(i)))
  expect(results.every((result, i) => result === 2 * i)).toBe(true)
})

test('the items of one batch that only want to be told share one promise', async () => {
  const processor = new AsyncBatchProcessor<number>({ batchSize: 3, process: () => undefined })
  const [one, two, three, four] = [1, 2, 3, 4].map((item) => processor.addItem(item))
  expect([two === one, three === one, four === one]).toEqual([true, true, false])
  await processor.close()
})

describe('processing', () => {
  test('never has more batches at work than it may, and has that many', async () => {
    let running = 0
    let highest = 0
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 2,
      maxConcurrentBatches: 3,
      process: async () => {
        running += 1
        highest = Math.max(highest, running)
        await drain()
        running -= 1
      },
    })
    await Promise.all(Array.from({ length: 40 }, (_, i) => processor.addItem(i)))
    expect([highest, running, processor.processing]).toEqual([3, 0, 0])
  })

  test('never has more items at work than maxPending', async () => {
    let atWork = 0
    let highest = 0
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 2,
      maxConcurrentBatches: 10,
      maxPending: 5,
      process: async ({ length }) => {
        atWork += length
        highest = Math.max(highest, atWork)
        await drain()
        atWork -= length
      },
    })
    const all = Array.from({ length: 20 }, (_, i) => processor.addItem(i))
    expect([processor.pending, processor.waiting]).toEqual([5, 15])
    await Promise.all(all)
    expect(highest).toBe(4)
  })

  test('never begins before add has returned', async () => {
    let began = false
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 1,
      process: () => {
        began = true
      },
    })
    const added = processor.addItem(1)
    expect(began).toBe(false)
    await added
    expect(began).toBe(true)
  })

  test('is given a signal that is made when it is asked for, one for each attempt', async () => {
    const contexts: BatchContext[] = []
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 1,
      process: (_, context) => void contexts.push(context),
    })
    const { AbortController } = globalThis
    let made = 0
    globalThis.AbortController = class extends AbortController {
      constructor() {
        super()
        made += 1
      }
    }
    try {
      await Promise.all([processor.addItem(1), processor.addItem(2)])
      expect(made).toBe(0)
      expect(contexts[0]?.signal.aborted).toBe(false)
      expect(contexts[0]?.signal).toBe(contexts[0]?.signal)
      expect(contexts[1]?.signal).not.toBe(contexts[0]?.signal)
      expect(made).toBe(2)
    } finally {
      globalThis.AbortController = AbortController
    }
  })
})

// A25
test('an onFailed that throws is an uncaught exception, and the processor goes on', async () => {
  const later = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined)
  const error = new Error('of onFailed')
  const processor = new AsyncBatchProcessor<number>({
    batchSize: 1,
    process: ([item]) => {
      if (item === 1) throw new Error('of the batch')
    },
    onFailed: () => {
      throw error
    },
  })
  const settled = await Promise.allSettled([processor.addItem(1), processor.addItem(2)])
  await drain()
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  expect(later).toHaveBeenCalledTimes(1)
  expect(later.mock.calls[0]?.[0]).toThrow(error)
  later.mockRestore()
})

import { AsyncBatchProcessor, type AsyncBatchProcessorOptions } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

afterEach(() => {
  jest.useRealTimers()
})

/** A processor whose batches end when they are told to. */
function held(options: Omit<AsyncBatchProcessorOptions<number, number>, 'process'> = {}) {
  const batches: (readonly number[])[] = []
  const signals: AbortSignal[] = []
  const ends: (() => void)[] = []
  const processor = new AsyncBatchProcessor<number, number>({
    ...options,
    process: (items, { signal }) => {
      batches.push(items)
      signals.push(signal)
      return new Promise((resolve) => ends.push(() => resolve(items)))
    },
  })
  const end = async () => {
    ends.shift()?.()
    await drain()
  }
  return { processor, batches, signals, end }
}

describe('an abort', () => {
  test('before the batch began takes the item out, and rejects with the reason as given', async () => {
    const { processor, batches, end } = held({ batchSize: 10 })
    const controller = new AbortController()
    const { signal } = controller
    const [aborted, alsoAborted] = [processor.add(1, { signal }), processor.addItem(2, { signal })].map(rejectionOf)
    const kept = [processor.add(3), processor.add(4)].map(observe)
    controller.abort('enough')
    expect(processor.pending).toBe(2)
    expect([await aborted, await alsoAborted]).toEqual(['enough', 'enough'])
    void processor.flush()
    await drain()
    await end()
    expect(batches).toEqual([[3, 4]])
    expect(kept.map(({ value }) => value)).toEqual([3, 4])
  })

  test('of an item in the middle leaves the others their own results', async () => {
    const { processor, end } = held({ batchSize: 10 })
    const controllers = Array.from({ length: 9 }, () => new AbortController())
    const all = controllers.map(({ signal }, item) =>
      observe(processor.add(item, item % 2 === 0 ? { signal } : undefined)),
    )
    const mixed = observe(processor.addItem(9, { signal: (controllers[1] as AbortController).signal }))
    for (const item of [0, 4, 6]) controllers[item]?.abort('gone')
    void processor.flush()
    await drain()
    await end()
    expect(all.map(({ value, reason }) => value ?? reason)).toEqual(['gone', 1, 2, 3, 'gone', 5, 'gone', 7, 8])
    expect(mixed).toEqual({ state: 'fulfilled', value: undefined })
  })

  test('after the batch began rejects the caller, and the item is processed on', async () => {
    const { processor, batches, end } = held({ batchSize: 1 })
    const controller = new AbortController()
    const error = rejectionOf(processor.add(1, { signal: controller.signal }))
    await drain()
    controller.abort('enough')
    expect(await error).toBe('enough')
    expect([batches, processor.pending]).toEqual([[[1]], 1])
    await end()
    expect(processor.stats()).toMatchObject({ pending: 0, failedItems: 0, batches: 1 })
  })

  test('before the call adds nothing', async () => {
    const { processor } = held()
    expect(await rejectionOf(processor.add(1, { signal: AbortSignal.abort('before') }))).toBe('before')
    expect(processor.stats()).toMatchObject({ items: 0, pending: 0 })
  })

  test('that an earlier listener hides is seen when the batch begins', async () => {
    const { processor, batches, end } = held({ batchSize: 2 })
    const controller = new AbortController()
    controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
    const hidden = rejectionOf(processor.add(1, { signal: controller.signal }))
    controller.abort('hidden')
    const other = processor.add(2)
    expect(await hidden).toBe('hidden')
    expect(batches).toEqual([[2]])
    await end()
    expect(await other).toBe(2)
  })

  test('of all items of a batch leaves neither a batch nor a timer', async () => {
    jest.useFakeTimers()
    const { processor, batches } = held({ batchSize: 2 })
    const controller = new AbortController()
    const { signal } = controller
    const errors = [1, 2, 3].map((item) => rejectionOf(processor.add(item, { signal, timeout: 60_000 })))
    controller.abort('all')
    expect(await Promise.all(errors)).toEqual(['all', 'all', 'all'])
    await processor.flush()
    await drain()
    await drain()
    expect([batches, processor.pending, jest.getTimerCount()]).toEqual([[], 0, 0])
  })

  test('has one listener per signal, and none is left when the items are done', async () => {
    const { processor, end } = held({ batchSize: 3 })
    const { signal } = new AbortController()
    const listen = jest.spyOn(signal, 'addEventListener')
    const leave = jest.spyOn(signal, 'removeEventListener')
    const added = [1, 2, 3].map((item) => processor.add(item, { signal }))
    expect([listen.mock.calls.length, leave.mock.calls.length]).toEqual([1, 0])
    await drain()
    await end()
    await Promise.all(added)
    expect([listen.mock.calls.length, leave.mock.calls.length]).toEqual([1, 1])
  })

  test('of many that come and go does not let a batch grow', async () => {
    const { processor, batches, end } = held({ batchSize: 50, flushInterval: Number.POSITIVE_INFINITY })
    const stays = processor.add(-1)
    for (let i = 0; i < 1_000; i++) {
      const controller = new AbortController()
      const gone = rejectionOf(processor.add(i, { signal: controller.signal }))
      controller.abort(i)
      expect(await gone).toBe(i)
    }
    const last = processor.add(1_000)
    void processor.flush()
    await drain()
    expect(batches).toEqual([[-1, 1_000]])
    await end()
    expect(await Promise.all([stays, last])).toEqual([-1, 1_000])
  })
})

describe('a timeout', () => {
  test('before the batch began takes the item out and hands it back, never early', async () => {
    const { processor, batches } = held({ flushInterval: 60_000 })
    const start = performance.now()
    const error = await rejectionOf(processor.add(7, { timeout: 5 }))
    expect(performance.now() - start).toBeGreaterThanOrEqual(5)
    expect(error).toMatchObject({ name: 'QueueFullError', code: 'ERR_TIMEOUT', item: 7 })
    expect([batches, processor.pending]).toEqual([[], 0])
  })

  test('after the batch began rejects the caller with another error, and the item is processed on', async () => {
    jest.useFakeTimers()
    const { processor, end } = held({ batchSize: 1 })
    const late = observe(processor.add(1, { timeout: 5 }))
    await drain()
    jest.advanceTimersByTime(5)
    await drain()
    expect(late.reason).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    await end()
    expect(processor.stats()).toMatchObject({ batches: 1, failedItems: 0 })
  })

  test('0 takes the item only if there is room, and has no limit then', async () => {
    jest.useFakeTimers()
    const { processor, end } = held({ batchSize: 1, maxPending: 2 })
    const taken = [1, 2].map((item) => observe(processor.add(item, { timeout: 0 })))
    const refused = await rejectionOf(processor.add(3, { timeout: 0 }))
    expect(refused).toMatchObject({ name: 'QueueFullError', code: 'ERR_TIMEOUT', item: 3 })
    await drain()
    jest.advanceTimersByTime(60_000)
    await end()
    await end()
    expect(taken.map(({ value }) => value)).toEqual([1, 2])
  })

  test('is the way out for processing that waits for an item which it adds itself', async () => {
    const processor: AsyncBatchProcessor<number> = new AsyncBatchProcessor<number>({
      batchSize: 1,
      process: async ([item]) => {
        if (item === 1) await processor.addItem(2, { timeout: 5 })
      },
    })
    expect(await rejectionOf(processor.addItem(1))).toMatchObject({ name: 'QueueFullError', item: 2 })
  })
})

test('what there is no room for waits, and is processed in order', async () => {
  const { processor, batches, end } = held({ batchSize: 2, maxPending: 3 })
  const all = [1, 2, 3, 4, 5, 6, 7].map((item) => processor.add(item))
  expect([processor.pending, processor.waiting]).toEqual([3, 4])
  void processor.close()
  for (let i = 0; i < 4; i++) {
    await drain()
    await end()
  }
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(batches).toEqual([[1, 2], [3, 4], [5, 6], [7]])
})

describe('flush', () => {
  test('cuts what is collected, and waits for all that came before and for nothing that comes later', async () => {
    const { processor, batches, end } = held({ batchSize: 2 })
    const before = [1, 2, 3].map((item) => observe(processor.add(item)))
    const flushing = observe(processor.flush())
    const after = observe(processor.add(4))
    await drain()
    await end()
    expect([batches, flushing.state]).toEqual([[[1, 2], [3]], 'pending'])
    await end()
    expect(flushing.state).toBe('fulfilled')
    expect(before.map(({ value }) => value)).toEqual([1, 2, 3])
    expect([after.state, processor.pending]).toEqual(['pending', 1])
    processor.terminate()
  })

  test('of batches that end in another order waits for the last of them', async () => {
    const ends: (() => void)[] = []
    const processor = new AsyncBatchProcessor<number>({
      batchSize: 1,
      maxConcurrentBatches: 2,
      process: () => new Promise<void>((resolve) => ends.push(resolve)),
    })
    for (const item of [1, 2]) void processor.addItem(item)
    const flushing = observe(processor.flush())
    await drain()
    ends[1]?.()
    await drain()
    expect(flushing.state).toBe('pending')
    ends[0]?.()
    await drain()
    expect(flushing.state).toBe('fulfilled')
  })

  test('does not fail with the items, and is told after those who added them', async () => {
    const order: string[] = []
    const processor = new AsyncBatchProcessor<number, number>({
      process: () => {
        throw new Error('of the batch')
      },
    })
    const added = processor.add(1).catch(() => order.push('item'))
    const flushed = processor.flush().then(() => order.push('flush'))
    await Promise.all([added, flushed])
    expect(order).toEqual(['item', 'flush'])
  })

  test('that is given up lets everything go on', async () => {
    const { processor, end } = held({ batchSize: 1 })
    expect(await processor.flush({ timeout: 0 })).toBeUndefined()
    const added = observe(processor.add(1))
    expect(await rejectionOf(processor.flush({ timeout: 0 }))).toMatchObject({ name: 'TimeoutError' })
    const controller = new AbortController()
    const aborted = rejectionOf(processor.flush({ signal: controller.signal }))
    const late = rejectionOf(processor.flush({ timeout: 1 }))
    controller.abort('enough')
    expect([await aborted, await late]).toEqual(['enough', expect.objectContaining({ code: 'ERR_TIMEOUT' })])
    expect(await rejectionOf(processor.flush({ signal: controller.signal }))).toBe('enough')
    await end()
    expect(added.value).toBe(1)
  })
})

describe('close', () => {
  test('takes nothing more, and waits until all is done', async () => {
    const { processor, end } = held({ batchSize: 2 })
    const added = [1, 2, 3].map((item) => observe(processor.add(item)))
    const closing = [processor.close(), processor[Symbol.asyncDispose]()].map(observe)
    for (const refused of [processor.add(4), processor.addItem(4), processor.add(4, { timeout: 0 })].map(rejectionOf))
      expect(await refused).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    await drain()
    await end()
    expect(closing.map(({ state }) => state)).toEqual(['pending', 'pending'])
    await end()
    expect(closing.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled'])
    expect(added.map(({ value }) => value)).toEqual([1, 2, 3])
  })
})

describe('terminate', () => {
  test('hands back what was not processed, rejects it, and aborts what is at work', async () => {
    const { processor, batches, signals, end } = held({ batchSize: 2, maxPending: 4 })
    const added = [1, 2, 3, 4, 5].map((item) => observe(processor.add(item)))
    const told = observe(processor.addItem(6, { timeout: 60_000 }))
    await drain()
    const reason = new Error('power failure')
    expect(processor.terminate(reason)).toEqual([3, 4, 5, 6])
    expect(signals.map(({ aborted, reason }) => [aborted, reason.cause])).toEqual([[true, reason]])
    const closing = observe(processor.close())
    await drain()
    for (const { reason: error } of [...added.slice(2), told])
      expect(error).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED', cause: reason })
    expect([closing.state, processor.pending]).toEqual(['pending', 2])
    await end()
    expect(closing.state).toBe('fulfilled')
    expect(added.slice(0, 2).map(({ value }) => value)).toEqual([1, 2])
    expect([batches, processor.terminate()]).toEqual([[[1, 2]], []])
    expect(await rejectionOf(processor.add(7))).toMatchObject({ code: 'ERR_CLOSED', cause: reason })
  })

  test('lets no batch try again, neither one at work nor one that waits for it', async () => {
    jest.useFakeTimers()
    for (const isAtWork of [true, false]) {
      const attempts: number[] = []
      let fail = (): void => undefined
      const processor = new AsyncBatchProcessor<number>({
        batchSize: 1,
        maxAttempts: 5,
        process: (_, { attempt }) => {
          attempts.push(attempt)
          return new Promise<void>((_resolve, reject) => {
            fail = () => reject(new Error('of the batch'))
          })
        },
      })
      const added = observe(processor.addItem(1))
      await drain()
      if (!isAtWork) fail()
      await drain()
      expect(processor.terminate()).toEqual(isAtWork ? [] : [1])
      fail()
      await drain()
      await drain()
      expect(added.reason).toMatchObject(isAtWork ? { message: 'of the batch' } : { code: 'ERR_CLOSED' })
      expect([attempts, processor.processing, jest.getTimerCount()]).toEqual([[1], 0, 0])
    }
  })

  test('of a processor that reports failures leaves no unhandled rejection', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const processor = new AsyncBatchProcessor<number>({ process: () => undefined, onFailed: () => undefined })
    void processor.addItem(1)
    void processor.add(2)
    expect(processor.terminate()).toEqual([1, 2])
    await drain()
    await drain()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('may be called by the processing, and by a listener of its signal', async () => {
    const handedBack: (readonly number[])[] = []
    const processor: AsyncBatchProcessor<number> = new AsyncBatchProcessor<number>({
      batchSize: 1,
      process: (_, { signal }) => {
        signal.addEventListener('abort', () => handedBack.push(processor.terminate()))
        handedBack.push(processor.terminate())
      },
    })
    const [one, two] = [1, 2].map((item) => observe(processor.addItem(item)))
    await processor.close()
    expect(handedBack).toEqual([[], [2]])
    expect([one?.state, two?.reason]).toEqual(['fulfilled', expect.objectContaining({ code: 'ERR_CLOSED' })])
  })
})

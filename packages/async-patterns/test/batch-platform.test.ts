import { AsyncLocalStorage } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { AsyncBatchProcessor, type BatchContext, type BatchOutcome } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, rejectionOf } from './support/observe.js'

test('processing and onFailed run in the async context in which the processor was made', async () => {
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const processor = storage.run('maker', () => {
    return new AsyncBatchProcessor<number>({
      batchSize: 1,
      maxAttempts: 2,
      retryDelay: 0,
      process: () => {
        seen.push(storage.getStore())
        throw new Error('of the batch')
      },
      onFailed: () => seen.push(storage.getStore()),
    })
  })
  await storage.run('caller', async () => {
    await rejectionOf(processor.addItem(1))
    expect(storage.getStore()).toBe('caller')
  })
  expect(seen).toEqual(['maker', 'maker', 'maker'])
})

test('each attempt at a batch is published, after its items have settled', async () => {
  const events: unknown[] = []
  const listen = (event: unknown) => void events.push({ ...(event as object), pending: processor.pending })
  const processor = new AsyncBatchProcessor<number>({
    batchSize: 2,
    maxAttempts: 2,
    retryDelay: 0,
    process: (_, { attempt }) => {
      if (attempt === 1) throw new Error('not yet')
    },
  })
  const events$ = channel('heddle:async-patterns:batch')
  events$.subscribe(listen)
  await Promise.all([1, 2].map((item) => processor.addItem(item)))
  void processor.addItem(3)
  await processor.flush()
  events$.unsubscribe(listen)
  const event = { processor, durationMs: expect.any(Number) }
  expect(events).toEqual([
    { ...event, size: 2, cause: 'size', status: 'error', attempt: 1, pending: 2 },
    { ...event, size: 2, cause: 'size', status: 'success', attempt: 2, pending: 0 },
    { ...event, size: 1, cause: 'flush', status: 'error', attempt: 1, pending: 1 },
    { ...event, size: 1, cause: 'flush', status: 'success', attempt: 2, pending: 0 },
  ])
})

test('timers have their turn while a huge backlog is processed', async () => {
  const processor = new AsyncBatchProcessor<number>({
    process: async (items) => {
      const end = performance.now() + items.length / 100
      while (performance.now() < end);
    },
  })
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => Array.from({ length: 100 }, () => processor.addItem(i))).flat(),
  )
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(5)
})

describe('the process', () => {
  /** What a program prints until it ends by itself. */
  const run = (program: string) =>
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      timeout: 20_000,
      cwd: new URL('.', import.meta.url),
    })
  const head = `import { AsyncBatchProcessor } from '@heddle/async-patterns'\n`

  test('lives until the timer of a batch has fired, and as long as a batch is at work', () => {
    const program = `${head}
      const work = () => new Promise((resolve) => setTimeout(resolve, 20).unref())
      const processor = new AsyncBatchProcessor({ flushInterval: 10, process: async () => { await work(); console.log('processed') } })
      processor.addItem(1).then(() => console.log('told'))`
    expect(run(program)).toBe('processed\ntold\n')
  })

  test('lives while an item waits for somebody to flush', () => {
    const program = `${head}
      const processor = new AsyncBatchProcessor({ flushInterval: Infinity, process: () => {} })
      processor.addItem(1).then(() => console.log('told'))
      setTimeout(() => processor.flush(), 10).unref()`
    expect(run(program)).toBe('told\n')
  })

  test('ends while a processor is idle, whatever was added and is done', () => {
    const program = `${head}
      const processor = new AsyncBatchProcessor({ flushInterval: 600_000, batchSize: 2, process: (items) => items })
      await Promise.all([1, 2].map((item) => processor.add(item, { timeout: 600_000, signal: new AbortController().signal })))
      processor.addItem(3).catch((error) => console.log(error.code))
      processor.terminate()`
    expect(run(program)).toBe('ERR_CLOSED\n')
  })
})

describe('a subclass', () => {
  test('overrides processBatch in place of the option', async () => {
    class Saver extends AsyncBatchProcessor<string> {
      readonly saved: string[] = []
      protected override async processBatch(batch: readonly string[]): Promise<void> {
        this.saved.push(...batch)
      }
    }
    await using saver = new Saver({ batchSize: 2 })
    await Promise.all(['a', 'b', 'c', 'd'].map((item) => saver.addItem(item)))
    expect(saver.saved).toEqual(['a', 'b', 'c', 'd'])
  })

  test('may call what it overrides', async () => {
    class Logged extends AsyncBatchProcessor<number, number> {
      readonly attempts: number[] = []
      protected override processBatch(items: readonly number[], context: BatchContext) {
        this.attempts.push(context.attempt)
        return super.processBatch(items, context)
      }
    }
    const logged = new Logged({ batchSize: 1, process: (items) => items.map((item) => -item) })
    expect([await logged.add(5), logged.attempts]).toEqual([-5, [1]])
  })
})

test('types: results and items follow from the processing', async () => {
  const lengths = new AsyncBatchProcessor({
    batchSize: 1,
    process: async (words: readonly string[]) => words.map((word) => (word === '' ? new Error('empty') : word.length)),
  })
  const length: Promise<number> = lengths.add('four')
  // @ts-expect-error: it takes strings
  const wrongItem = lengths.add(4)
  // @ts-expect-error: it gives numbers
  const wrongResult: Promise<string> = lengths.add('x')

  const silent = new AsyncBatchProcessor({ batchSize: 1, process: async (items: readonly number[]) => void items })
  const nothing: Promise<void> = silent.add(1)

  // @ts-expect-error: where items have a result, nothing is no answer
  const mute = new AsyncBatchProcessor<number, string>({ process: async () => {} })
  // @ts-expect-error: results are for the items, not for the batch
  const odd = new AsyncBatchProcessor<number, string>({ process: async () => 'all' })
  const outcomes: BatchOutcome<number>[] = [[1, new Error('two')]]
  // @ts-expect-error: not of this type
  outcomes.push(['1'])

  expect(await Promise.all([length, rejectionOf(lengths.add('')), nothing])).toEqual([4, new Error('empty'), undefined])
  await Promise.allSettled([wrongItem, wrongResult, drain()])
  expect([mute.pending, odd.pending, outcomes.length]).toEqual([0, 0, 2])
})

describe('bad arguments', () => {
  const wrongKind = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
  const wrongValue = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  const process = () => undefined

  test.each<[string, object, unknown]>([
    ['neither process nor an override', wrongKind, {}],
    ['options that are none', wrongKind, null],
    ['a process that is no function', wrongKind, { process: 1 }],
    ['an onFailed that is no function', wrongKind, { process, onFailed: 1 }],
    ['maxBytes without sizeOf', wrongKind, { process, maxBytes: 10 }],
    ['a clock that is none', wrongKind, { process, clock: {} }],
    ['a clock that is null', wrongKind, { process, clock: null }],
    ['a batchSize of 0', wrongValue, { process, batchSize: 0 }],
    ['a batchSize that is a string', wrongKind, { process, batchSize: '1' }],
    ['a negative flushInterval', wrongValue, { process, flushInterval: -1 }],
    ['half a maxPending', wrongValue, { process, maxPending: 1.5 }],
    ['a maxConcurrentBatches of 0', wrongValue, { process, maxConcurrentBatches: 0 }],
    ['a maxAttempts of 0', wrongValue, { process, maxAttempts: 0 }],
    ['a retryDelay that is NaN', wrongValue, { process, retryDelay: Number.NaN }],
    ['a maxBytes of 0', wrongValue, { process, maxBytes: 0, sizeOf: () => 1 }],
  ])('%s is refused', (_, error, options) => {
    expect(() => new AsyncBatchProcessor(options as object)).toThrow(expect.objectContaining(error))
  })

  test('of add and flush are refused, and nothing is added', async () => {
    const processor = new AsyncBatchProcessor<number>({ process })
    const refused: [object, unknown][] = [
      [wrongValue, { timeout: -1 }],
      [wrongKind, { timeout: '1' }],
      [wrongKind, { signal: {} }],
      [wrongKind, null],
    ]
    for (const [error, options] of refused) {
      for (const call of [processor.add(1, options as object), processor.addItem(1, options as object)])
        expect(await rejectionOf(call)).toMatchObject(error)
      expect(await rejectionOf(processor.flush(options as object))).toMatchObject(error)
    }
    expect(processor.stats()).toMatchObject({ items: 0, pending: 0 })
  })

  test('a size that is none, and a sizeOf that throws, refuse the item', async () => {
    const thrown = new Error('of sizeOf')
    const processor = new AsyncBatchProcessor<number>({
      process,
      maxBytes: 10,
      sizeOf: (item) => {
        if (item === 0) throw thrown
        return item
      },
    })
    expect(await rejectionOf(processor.addItem(-1))).toMatchObject(wrongValue)
    expect(await rejectionOf(processor.add(Number.NaN, { timeout: 5 }))).toMatchObject(wrongValue)
    expect(await rejectionOf(processor.add(0))).toBe(thrown)
    expect(processor.stats()).toMatchObject({ items: 0, pending: 0 })
  })
})

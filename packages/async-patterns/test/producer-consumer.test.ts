import {
  AsyncProducerConsumer,
  type AsyncProducerConsumerOptions,
  type ProducerConsumerProblem,
  type StopOptions,
} from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { withFakeTime } from './verify/model.ts'

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)
const never = new Promise<never>(() => undefined)

async function* upTo(count: number) {
  for (const i of numbers(count)) {
    await drain()
    yield i
  }
}

describe('producers', () => {
  test('of every kind bring their items, with their arguments before the context', async () => {
    const system = new AsyncProducerConsumer<string>()
    const seen: string[] = []
    const left = ['f0', 'f1']
    const leftAsync = ['a0', 'a1']
    system.addProducer((prefix: string) => {
      const item = left.shift()
      return item === undefined ? undefined : prefix + item
    }, '-')
    system.addProducer(async () => leftAsync.shift())
    system.addProducer(
      function* (count: number, prefix: string, { signal }: { signal: AbortSignal }) {
        for (const i of numbers(count)) yield `${prefix}${i}${signal.aborted}`
      },
      2,
      'g',
    )
    system.addProducer(async function* () {
      yield* ['ag0', 'ag1']
    })
    system.addConsumer((item, list: string[], { attempt, signal }) => {
      expect([attempt, signal.aborted]).toEqual([1, false])
      if (list.push(item) === 8) void system.stop()
    }, seen)
    expect(await system.start()).toMatchObject({ produced: 8, consumed: 8, failed: 0, undelivered: [] })
    expect(seen.sort()).toEqual(['-f0', '-f1', 'a0', 'a1', 'ag0', 'ag1', 'g0false', 'g1false'])
  })

  test('that give undefined are called again after pauses that grow from 1 to 100 ms, and from 1 again after an item', () =>
    withFakeTime(async (clock) => {
      const system = new AsyncProducerConsumer<number>()
      const calls: number[] = []
      system.addProducer(() => {
        calls.push(clock.elapsed)
        return calls.length === 4 ? 1 : undefined
      })
      system.addConsumer(() => undefined)
      void system.start()
      for (let i = 0; i < 340; i++) {
        await clock.pass(1)
        await drain()
      }
      expect(calls).toEqual([0, 1, 3, 7, 7, 8, 10, 14, 22, 38, 70, 134, 234, 334])
      await system.stop()
    }))

  test('that throw are called again, a generator that throws is over; both are counted and told', async () => {
    const problems: ProducerConsumerProblem<number>[] = []
    const system = new AsyncProducerConsumer<number>({ minDelay: 0, onError: (problem) => problems.push(problem) })
    let calls = 0
    system.addProducer(() => {
      calls += 1
      if (calls === 3) return 3
      if (calls > 4) return undefined
      throw new Error(`call ${calls}`)
    })
    let generators = 0
    system.addProducer(async function* () {
      generators += 1
      yield 1
      throw new Error('a generator')
    })
    system.addConsumer(() => undefined)
    void system.start()
    while (calls < 6) await drain()
    expect(await system.stop()).toMatchObject({ produced: 2, consumed: 2, producerErrors: 4, consumerErrors: 0 })
    expect(generators).toBe(1)
    const told = problems.map(({ role, error, failures }) => `${role}: ${(error as Error).message} ${failures}`)
    expect(told.sort()).toEqual(
      ['a generator 1', 'call 1 1', 'call 2 2', 'call 4 1'].map((text) => `producer: ${text}`),
    )
  })

  test('that never let go of the thread by themselves let timers fire', async () => {
    for (const producer of [
      () => 1,
      function* () {
        for (;;) yield 1
      },
      async () => 1,
      async function* () {
        for (;;) yield 1
      },
    ]) {
      const system = new AsyncProducerConsumer<number>({ queueSize: 10 })
      system.addProducer(producer)
      system.addConsumer(() => undefined)
      const ended = system.start()
      await new Promise((resolve) => setTimeout(resolve, 1))
      const report = await system.stop()
      expect(report.consumed).toBe(report.produced)
      expect(await ended).toBe(report)
    }
  })

  test('may bring null, promises of a generator, and undefined of a generator as items', async () => {
    const system = new AsyncProducerConsumer<unknown>()
    const items = [null, undefined, Promise.resolve(1), 0]
    const seen: unknown[] = []
    system.addProducer(function* () {
      yield* items
    })
    system.addConsumer((item) => seen.push(item))
    expect(await system.start()).toMatchObject({ consumed: 4 })
    expect(seen.every((item, i) => Object.is(item, items[i]))).toBe(true)
  })
})

describe('consumers', () => {
  // A10
  test('share the items in turn, and each has one at a time', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 4 })
    const seen: string[] = []
    system.addProducer(upTo, 9)
    for (const name of ['a', 'b', 'c']) system.addConsumer(async (item) => void seen.push(`${name}${item}`))
    await system.start()
    expect(seen).toEqual(['a0', 'b1', 'c2', 'a3', 'b4', 'c5', 'a6', 'b7', 'c8'])
  })

  test('that throw are given the item again up to maxAttempts times; then it is in the report with its last error', async () => {
    const problems: unknown[] = []
    const system = new AsyncProducerConsumer<number>({
      maxAttempts: 3,
      minDelay: 0,
      onError: ({ role, item, failures }) => problems.push([role, item, failures]),
    })
    system.addProducer(upTo, 3)
    const attempts: number[] = []
    system.addConsumer((item, { attempt }) => {
      attempts.push(attempt)
      if (item === 0 && attempt < 3) throw new Error('at first')
      if (item === 1) throw new Error(`attempt ${attempt}`)
    })
    const report = await system.start()
    expect(report).toMatchObject({ produced: 3, consumed: 2, failed: 1, consumerErrors: 5, undelivered: [] })
    expect(report.failures).toEqual([{ item: 1, error: expect.objectContaining({ message: 'attempt 3' }) }])
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3, 1])
    expect(problems).toEqual([0, 0, 1, 1, 1].map((item, i) => ['consumer', item, [1, 2, 1, 2, 3][i]]))
  })

  test('may fail on more items than are kept: the first are, all are counted', async () => {
    const system = new AsyncProducerConsumer<number>({ maxFailures: 2 })
    system.addProducer(upTo, 5)
    system.addConsumer(() => Promise.reject(new Error('no')))
    const { failed, failures } = await system.start()
    expect([failed, failures.map(({ item }) => item)]).toEqual([5, [0, 1]])
  })

  test('may add a producer while they have an item, also when all producers have ended', async () => {
    const system = new AsyncProducerConsumer<number>()
    const seen: number[] = []
    system.addProducer(upTo, 1)
    system.addConsumer(async (item) => {
      await drain()
      seen.push(item)
      if (item < 5)
        system.addProducer(function* () {
          yield item + 1
        })
    })
    system.addConsumer((item) => seen.push(item))
    expect(await system.start()).toMatchObject({ produced: seen.length, consumed: seen.length })
    expect(seen.slice(0, 2)).toEqual([0, 1])
  })

  test('that are added while it runs begin at once', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 2 })
    system.addProducer(upTo, 10)
    const ended = system.start()
    await drain()
    const seen: number[] = []
    system.addConsumer((item) => seen.push(item))
    expect(await ended).toMatchObject({ produced: 10, consumed: 10 })
    expect(seen).toEqual(numbers(10))
  })
})

describe('start', () => {
  test('gives the same promise while it runs, and runs again after its end with all that was added', async () => {
    const system = new AsyncProducerConsumer<number>()
    system.addProducer(upTo, 2)
    system.addConsumer(() => undefined)
    const first = system.start()
    expect([system.start(), system.running]).toEqual([first, true])
    expect(await first).toMatchObject({ produced: 2, consumed: 2 })
    expect(system.running).toBe(false)
    system.addProducer(upTo, 3)
    expect(await system.start()).toMatchObject({ produced: 5, consumed: 5 })
  })

  test('ends at once without producers, and hands back what producers without consumers have brought', async () => {
    const system = new AsyncProducerConsumer<number>()
    system.addConsumer(() => undefined)
    expect(await system.start()).toEqual({
      produced: 0,
      consumed: 0,
      failed: 0,
      producerErrors: 0,
      consumerErrors: 0,
      failures: [],
      undelivered: [],
    })
    const alone = new AsyncProducerConsumer<number>()
    alone.addProducer(upTo, 3)
    expect(await alone.start()).toMatchObject({ produced: 3, consumed: 0, undelivered: [0, 1, 2] })
  })

  test('starts a producer once that another one adds at its first call', async () => {
    const system = new AsyncProducerConsumer<string>({ abortGrace: 5 })
    let starts = 0
    system.addProducer(() => {
      system.addProducer(function* () {
        starts += 1
        yield 'added'
      })
      return never
    })
    system.addConsumer(() => undefined)
    void system.start()
    await drain()
    expect(starts).toBe(1)
    expect(await system.stop({ timeout: 0 })).toMatchObject({ produced: 1 })
  })

  test('hands back more items than a call can have arguments', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: Number.POSITIVE_INFINITY })
    system.addProducer(function* () {
      yield* numbers(200_000)
    })
    const { produced, undelivered } = await system.start()
    expect([produced, undelivered.length]).toEqual([200_000, 200_000])
  })
})

describe('bad arguments', () => {
  test.each([
    [{ queueSize: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ queueSize: '1' }, 'ERR_INVALID_ARG'],
    [{ maxAttempts: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ maxFailures: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ abortGrace: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    [{ minDelay: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ onError: 1 }, 'ERR_INVALID_ARG'],
    [null, 'ERR_INVALID_ARG'],
  ])('%p makes no system', (options, code) => {
    expect(() => new AsyncProducerConsumer(options as AsyncProducerConsumerOptions<number>)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('are refused by stop, and nothing is stopped; what is no function is not added', async () => {
    const system = new AsyncProducerConsumer<number>()
    const bad = 1 as unknown as () => undefined
    for (const add of [() => system.addProducer(bad), () => system.addConsumer(bad)])
      expect(add).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
    system.addProducer(() => undefined)
    const ended = observe(system.start())
    expect(await rejectionOf(system.stop({ timeout: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(system.stop(null as unknown as StopOptions))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect([ended.state, system.running]).toEqual(['pending', true])
    await system.stop()
  })
})

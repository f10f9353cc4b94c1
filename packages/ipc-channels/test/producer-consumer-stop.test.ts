import { ProducerConsumer } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { endless, gate, isBalanced, never, sorted } from './support/producer-consumer.js'
import { turnsOfTheLoop, until } from './support/until.js'

/** A consumer that looks at its signal. */
const untilAborted = (_: unknown, { signal }: { signal: AbortSignal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('stop with draining', () => {
  test('ends producers, takes what they are putting, and consumes all of it', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 3 })
    const { passed, open } = gate()
    let inFinally = 0
    let produced = 0
    system.addProducer(async function* () {
      try {
        for (; ; produced++) yield produced
      } finally {
        inFinally += 1
      }
    })
    system.addConsumer(() => passed)
    void system.start()
    // Three in the queue, one in hand, one being put.
    await until(() => produced === 4, 'the queue is full')
    const stopped = system.stop()
    expect(system.running).toBe(true)
    open()
    expect(await stopped).toMatchObject({ produced: 5, consumed: 5, undelivered: [] })
    expect([inFinally, system.running]).toEqual([1, false])
  })

  test('loses nothing of what several consumers wait for together', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 50 })
    for (let i = 0; i < 20; i++) system.addConsumer(() => undefined)
    const { passed, open } = gate()
    system.addProducer(async function* () {
      await passed
      for (let i = 0; i < 50; i++) {
        yield i
        if (i === 30) void system.stop()
      }
    })
    const ended = system.start()
    await turnsOfTheLoop(10)
    open()
    expect(await ended).toMatchObject({ produced: 32, consumed: 32, undelivered: [] })
  })

  test('takes what a producer brings when it hears of the stop, but no error that only says so', async () => {
    const system = new ProducerConsumer<string>()
    const consumed: string[] = []
    const onAbort = (settle: (reason: unknown) => void, value: (signal: AbortSignal) => unknown) => {
      return ({ signal }: { signal: AbortSignal }) =>
        signal.addEventListener('abort', () => settle(value(signal)), { once: true })
    }
    system.addProducer((context) => new Promise((resolve) => onAbort(resolve as never, () => 'last')(context)))
    system.addProducer((context) => new Promise((_, reject) => onAbort(reject, (signal) => signal.reason)(context)))
    system.addProducer(
      (context) => new Promise((_, reject) => onAbort(reject, () => new DOMException('', 'AbortError'))(context)),
    )
    system.addConsumer((item, { signal }) => void consumed.push(`${item} ${signal.aborted}`))
    void system.start()
    await turnsOfTheLoop(10)
    expect(await system.stop()).toMatchObject({ produced: 1, consumed: 1, producerErrors: 0 })
    expect(consumed).toEqual(['last false'])
  })

  test('hands back at once, with an own queue, when there is nobody to consume', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 2 })
    let produced = 0
    system.addProducer(() => produced++)
    void system.start()
    await until(() => produced === 3, 'the queue is full')
    expect(await system.stop()).toMatchObject({ produced: 3, consumed: 0, undelivered: [0, 1, 2] })
  })

  test('gives up when its time is over, and hands the rest back, that in hand too', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 2, abortGrace: 5 })
    let isAborted = false
    let produced = 0
    system.addProducer(() => produced++)
    system.addConsumer((_, { signal }) => {
      signal.addEventListener('abort', () => {
        isAborted = true
      })
      return never
    })
    void system.start()
    await until(() => produced === 4, 'the queue is full')
    const began = performance.now()
    const report = await system.stop({ timeout: 20 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(25)
    expect([isAborted, isBalanced(report), report.consumed]).toEqual([true, true, 0])
    expect(sorted(report.undelivered)).toEqual([0, 1, 2, 3])
  })

  test('keeps the time of the earlier call when a later one has none or more', async () => {
    const system = new ProducerConsumer<number>({ abortGrace: 1 })
    system.addProducer(endless)
    system.addConsumer(() => never)
    void system.start()
    await turnsOfTheLoop()
    const first = system.stop({ timeout: 10 })
    const later = [system.stop(), system.stop({ timeout: 600_000 })]
    const report = await first
    expect(isBalanced(report)).toBe(true)
    for (const other of later) expect(await other).toBe(report)
  })

  test('leaves producers behind that do not come back, and tells of what they bring later', async () => {
    const late: unknown[] = []
    const system = new ProducerConsumer<number>({
      abortGrace: 10,
      onError: ({ role, error, item }) => late.push([role, (error as { code?: string }).code, item]),
    })
    const { passed, open } = gate()
    system.addProducer(async () => {
      await passed
      return 1
    })
    system.addProducer(async function* () {
      await passed
      yield 2
    })
    system.addConsumer(() => undefined)
    void system.start()
    await turnsOfTheLoop()
    const began = performance.now()
    const report = await system.stop()
    expect(performance.now() - began).toBeGreaterThanOrEqual(10)
    expect(report).toMatchObject({ produced: 0, consumed: 0 })
    open()
    await turnsOfTheLoop(10)
    expect(late).toEqual([
      ['producer', 'ERR_CLOSED', 1],
      ['producer', 'ERR_CLOSED', 2],
    ])
    expect([report.produced, system.queue.size]).toEqual([0, 0])
  })

  test('becomes dropping when stop is called again with drain: false; both have the one report', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 2 })
    let produced = 0
    system.addProducer(() => produced++)
    system.addConsumer(untilAborted)
    void system.start()
    await until(() => produced === 4, 'the queue is full')
    const draining = system.stop()
    await turnsOfTheLoop()
    expect(system.running).toBe(true)
    const report = await system.stop({ drain: false })
    expect([report.consumerErrors, sorted(report.undelivered)]).toEqual([0, [0, 1, 2, 3]])
    expect(await draining).toBe(report)
  })
})

describe('stop without draining', () => {
  test('ends at once those who look at their signals, and the pauses of those who rest', async () => {
    let problems = 0
    const system = new ProducerConsumer<number>({
      minDelay: 600_000,
      maxDelay: 600_000,
      jitter: 0,
      maxAttempts: 2,
      onError: () => {
        problems += 1
      },
    })
    system.addProducer(function* () {
      yield* [1, 2]
      throw new Error('no')
    })
    system.addProducer(() => {
      throw new Error('no')
    })
    system.addConsumer(() => {
      throw new Error('no')
    })
    let isWaiting = false
    system.addConsumer((item, context) => {
      isWaiting = true
      return untilAborted(item, context)
    })
    void system.start()
    await until(() => problems === 3 && isWaiting, 'all rest, and one waits')
    const report = await system.stop({ drain: false })
    expect(report).toMatchObject({ produced: 2, consumed: 0, failed: 0, producerErrors: 2, consumerErrors: 1 })
    expect(sorted(report.undelivered)).toEqual([1, 2])
  })

  test('does not listen to those it has left behind', async () => {
    const system = new ProducerConsumer<number>({ abortGrace: 1 })
    const { passed, open } = gate()
    let calls = 0
    system.addProducer(function* () {
      yield* [1, 2]
    })
    system.addConsumer(async (item) => {
      calls += 1
      await passed
      throw new Error(`late ${item}`)
    })
    system.addConsumer(async () => {
      calls += 1
      await passed
    })
    void system.start()
    await until(() => calls === 2, 'both have an item')
    const report = await system.stop({ drain: false })
    const before = structuredClone(report)
    expect(sorted(report.undelivered)).toEqual([1, 2])
    open()
    await turnsOfTheLoop(10)
    expect(report).toEqual(before)
    expect(calls).toBe(2)
  })
})

describe('stop at odd times', () => {
  test('before start does nothing: its report is empty, and the start is not touched', async () => {
    const system = new ProducerConsumer<number>()
    system.addProducer(function* () {
      yield 1
    })
    system.addConsumer(() => undefined)
    expect(await system.stop()).toMatchObject({ produced: 0, undelivered: [] })
    expect(await system.start()).toMatchObject({ produced: 1, consumed: 1 })
    expect(await system.stop({ drain: false, timeout: 0 })).toMatchObject({ produced: 0 })
  })

  test('in any microtask around the end gives the one report, and nothing is lost', async () => {
    for (let moment = 0; moment < 60; moment++) {
      const system = new ProducerConsumer<number>()
      system.addProducer(function* () {
        yield* [1, 2]
      })
      system.addConsumer(() => undefined)
      const ended = system.start()
      for (let i = 0; i < moment; i++) await Promise.resolve()
      const isRunning = system.running
      const stopped = await system.stop({ drain: moment % 2 === 0 })
      const report = await ended
      expect(isBalanced(report)).toBe(true)
      expect(stopped === report).toBe(isRunning)
      expect(report.consumed + report.undelivered.length).toBe(report.produced)
    }
  })

  test('in the first call of a producer ends the system that is just starting', async () => {
    const system = new ProducerConsumer<number>()
    let others = 0
    system.addProducer(() => {
      void system.stop({ drain: false })
      return 1
    })
    system.addProducer(() => {
      others += 1
      return 2
    })
    expect(await system.start()).toMatchObject({ produced: 1, consumed: 0, undelivered: [1] })
    expect(others).toBe(0)
  })

  test('comes, with draining, at the end of an await using block', async () => {
    const consumed: number[] = []
    let produced = 0
    {
      await using system = new ProducerConsumer<number>()
      system.addProducer(() => produced++)
      system.addConsumer((item) => consumed.push(item))
      void system.start()
      await until(() => consumed.length >= 3, 'three items')
    }
    expect(consumed).toEqual(Array.from({ length: produced }, (_, i) => i))
  })
})

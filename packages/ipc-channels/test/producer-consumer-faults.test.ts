import { ProducerConsumer, ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { endless, gate, never, sorted } from './support/producer-consumer.js'
import { turnsOfTheLoop, until } from './support/until.js'

/** What goes wrong in the obvious system of this kind, each in a test of its own. */
describe('is not so here', () => {
  test('stop is back before the work has ended, which goes on behind it', async () => {
    const system = new ProducerConsumer<number>()
    let atWork = 0
    system.addProducer(async function* () {
      atWork += 1
      try {
        yield* endless()
      } finally {
        await turnsOfTheLoop()
        atWork -= 1
      }
    })
    let begun = 0
    system.addConsumer(async () => {
      begun += 1
      atWork += 1
      await turnsOfTheLoop()
      atWork -= 1
    })
    const started = system.start()
    await until(() => begun > 3, 'they are at work')
    const report = await system.stop()
    expect([atWork, system.running]).toEqual([0, false])
    expect([report.consumed, await started]).toEqual([report.produced, report])
    await turnsOfTheLoop(10)
    expect(begun).toBe(report.consumed)
  })

  test('stopping loses what is queued, what is in hand, and what a blocked producer is putting', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 99, abortGrace: 5 })
    let produced = 0
    system.addProducer(() => produced++)
    let consumed = 0
    system.addConsumer(() => {
      consumed += 1
      return consumed < 90 ? undefined : never
    })
    void system.start()
    // 89 are consumed, one is in hand, 99 are queued, and the last one is being put.
    await until(() => produced === 190, 'the queue is full')
    const report = await system.stop({ drain: false })
    expect(report.consumed).toBe(89)
    expect(sorted(report.undelivered)).toEqual(Array.from({ length: 101 }, (_, i) => 89 + i))
    expect(system.queue.size).toBe(0)
  })

  test('an item on which a consumer fails is gone with a note', async () => {
    const error = new Error('no')
    const system = new ProducerConsumer<number>()
    system.addProducer(function* () {
      yield* [1, 2]
    })
    system.addConsumer((item) => {
      if (item === 1) throw error
    })
    expect(await system.start()).toMatchObject({ consumed: 1, failed: 1, failures: [{ item: 1, error }] })
  })

  test('a producer that fails is called for ever after the same pause', async () => {
    const system = new ProducerConsumer<number>({ minDelay: 1, maxDelay: 600_000, factor: 100, jitter: 0 })
    const calls: number[] = []
    system.addProducer(() => {
      calls.push(performance.now())
      throw new Error('always')
    })
    system.addConsumer(() => undefined)
    void system.start()
    // The pauses are 1 ms, 100 ms, 10 s.
    await until(() => calls.length === 3, 'the third call')
    const [first = 0, second = 0, third = 0] = calls
    expect(second - first).toBeGreaterThanOrEqual(1)
    expect(third - second).toBeGreaterThanOrEqual(100)
    const began = performance.now()
    expect(await system.stop()).toMatchObject({ producerErrors: 3, produced: 0 })
    // A stop ends the pause.
    expect(performance.now() - began).toBeLessThan(5000)
    expect(calls.length).toBe(3)
  })

  test('no pause is longer than maxDelay', async () => {
    const system = new ProducerConsumer<number>({ minDelay: 1, maxDelay: 2, factor: 1000, jitter: 0 })
    let calls = 0
    system.addProducer(() => {
      calls += 1
      throw new Error('always')
    })
    void system.start()
    await until(() => calls === 10, 'ten calls')
    expect((await system.stop()).producerErrors).toBeGreaterThanOrEqual(10)
  })

  test('a consumer that has nothing to do wakes up to look', async () => {
    const queue = new ThreadSafeQueue<number>()
    const system = new ProducerConsumer<number>({ queue })
    const { passed, open } = gate()
    system.addProducer(async function* () {
      await passed
      yield 1
    })
    const consumed: number[] = []
    system.addConsumer((item) => consumed.push(item))
    void system.start()
    await turnsOfTheLoop(50)
    // A look in vain would be counted.
    expect(queue.getStats().errors).toBe(0)
    open()
    await until(() => consumed.length === 1, 'the item')
    expect(await system.stop()).toMatchObject({ produced: 1, consumed: 1 })
  })

  test('a producer that has nothing and does not wait starves everybody, and stop never runs', async () => {
    const system = new ProducerConsumer<number>()
    let calls = 0
    system.addProducer(() => {
      calls += 1
      return undefined
    })
    system.addConsumer(() => undefined)
    const began = performance.now()
    void system.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const elapsed = performance.now() - began
    const callsUntilThen = calls
    await system.stop()
    // The pauses between calls: 1, 2, 4, … 64, 100, 100, … ms.
    const pauses = Array.from({ length: callsUntilThen - 1 }, (_, i) => Math.min(100, 2 ** i))
    expect(elapsed).toBeGreaterThanOrEqual(pauses.reduce((sum, ms) => sum + ms, 0))
    expect(callsUntilThen).toBeGreaterThan(1)
  })

  test('a producer and a consumer that never wait starve timers, and stop never runs', async () => {
    const system = new ProducerConsumer<number>()
    system.addProducer(() => 1)
    system.addConsumer(() => undefined)
    void system.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const { produced, consumed } = await system.stop()
    expect(consumed).toBe(produced)
    expect(consumed).toBeGreaterThan(1)
  })

  test('null cannot be an item', async () => {
    const system = new ProducerConsumer<number | null>()
    const items = [null, 1]
    const consumed: (number | null)[] = []
    system.addProducer(() => items.shift())
    system.addConsumer((item) => {
      consumed.push(item)
      if (item === 1) void system.stop()
    })
    expect(await system.start()).toMatchObject({ produced: 2, consumed: 2 })
    expect(consumed).toEqual([null, 1])
  })

  test('running is one thing for some and another for others: a start after a start makes everything twice', async () => {
    const system = new ProducerConsumer<number>()
    expect(system.running).toBe(false)
    system.addProducer(function* () {
      expect(system.running).toBe(true)
      yield 1
    })
    system.addConsumer(() => expect(system.running).toBe(true))
    const first = system.start()
    expect(system.running).toBe(true)
    const second = system.start()
    expect(await first).toMatchObject({ produced: 1, consumed: 1 })
    expect(await second).toBe(await first)
    expect(system.running).toBe(false)
  })

  test('it cannot be started again, a stop before the start kills it, and who is added late is ignored', async () => {
    const system = new ProducerConsumer<string>()
    const consumed: string[] = []
    await system.stop()
    system.addProducer(async function* () {
      await turnsOfTheLoop()
      yield 'first'
    })
    const ended = system.start()
    system.addConsumer((item) => consumed.push(item))
    system.addProducer(function* () {
      yield 'second'
    })
    expect(await ended).toMatchObject({ produced: 2, consumed: 2 })
    expect(await system.start()).toMatchObject({ produced: 2, consumed: 2 })
    expect(consumed).toEqual(['second', 'first', 'second', 'first'])
  })
})

import { AsyncProducerConsumer } from '@heddle/async-patterns'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { drain, observe } from './support/observe.js'
import { withFakeTime } from './verify/model.ts'

/** Lets everything go on until all wait, also those who rest a turn of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await drain()
}

// What keeps the process alive in one test must not do so in the next.
beforeEach(settle)

async function* endless() {
  for (let i = 0; ; i++) yield i
}

/** What goes wrong in the obvious system of this kind, each in a test of its own. */
describe('is not so here', () => {
  test('9: stopping loses what is queued, what is in hand, and what a blocked producer is putting', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 99, abortGrace: 5 })
    let produced = 0
    system.addProducer(async function* () {
      for (let i = 0; ; i++) {
        produced += 1
        yield i
      }
    })
    let consumed = 0
    system.addConsumer(() => {
      consumed += 1
      return consumed < 90 ? undefined : new Promise(() => undefined)
    })
    void system.start()
    // 89 are consumed, one is in hand, 99 are queued, and the last one is being put.
    while (produced < 190) await drain()
    await drain()
    const report = await system.stop({ drain: false })
    expect(report.consumed).toBe(89)
    expect([...report.undelivered].sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, i) => 89 + i))
  })

  test('10: a producer that has nothing and does not wait starves everybody, and stop never runs', async () => {
    const system = new AsyncProducerConsumer<number>()
    let calls = 0
    system.addProducer(() => {
      calls += 1
      return undefined
    })
    system.addConsumer(() => undefined)
    const ended = system.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await system.stop()
    await ended
    // 1 + 2 + 4 + 8 ms are over after four pauses.
    expect(calls).toBeLessThan(8)
  })

  test('11: a consumer that has nothing to do wakes up to look', () =>
    withFakeTime(async (clock) => {
      const system = new AsyncProducerConsumer<number>()
      let bring: (item: number) => void = () => undefined
      system.addProducer(
        () =>
          new Promise<number>((resolve) => {
            bring = resolve
          }),
      )
      const consumed: number[] = []
      system.addConsumer((item) => consumed.push(item))
      void system.start()
      await settle()
      // One timer keeps the process alive for as long as it can; there is none that looks.
      expect(clock.timers).toBe(1)
      bring(1)
      await drain()
      expect(consumed).toEqual([1])
      const stopped = system.stop()
      bring(2)
      expect(await stopped).toMatchObject({ produced: 2, consumed: 2 })
    }))

  test('12: there is no end: it comes when producers have ended and all is consumed', async () => {
    const system = new AsyncProducerConsumer<number>()
    system.addProducer(function* () {
      yield* [1, 2, 3]
    })
    let open = 0
    let highest = 0
    for (let i = 0; i < 2; i++)
      system.addConsumer(async () => {
        highest = Math.max(highest, ++open)
        await drain()
        open -= 1
      })
    expect(await system.start()).toMatchObject({ produced: 3, consumed: 3 })
    expect([open, highest, system.running]).toEqual([0, 2, false])
  })

  test('13: start blocks until stop, and stop is back before the work has ended', async () => {
    const system = new AsyncProducerConsumer<number>()
    let isAtWork = false
    system.addProducer(endless)
    system.addConsumer(async () => {
      isAtWork = true
      await drain()
      isAtWork = false
    })
    const started = observe(system.start())
    while (!isAtWork) await drain()
    expect(started.state).toBe('pending')
    await system.stop()
    expect([isAtWork, started.state, system.running]).toEqual([false, 'fulfilled', false])
  })

  test('14: an item on which a consumer fails is dropped with a note, and a producer that fails is called for ever', async () => {
    const system = new AsyncProducerConsumer<number>({ minDelay: 1, maxDelay: 600_000, factor: 100, jitter: 0 })
    let calls = 0
    system.addProducer(() => {
      calls += 1
      throw new Error('always')
    })
    system.addProducer(function* () {
      yield* [1, 2]
    })
    const error = new Error('no')
    system.addConsumer((item) => {
      if (item === 1) throw error
    })
    void system.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const report = await system.stop()
    expect(report).toMatchObject({ consumed: 1, failed: 1, failures: [{ item: 1, error }] })
    // The pauses were 1 ms, then 100 ms.
    expect([calls, report.producerErrors]).toEqual([2, 2])
  })

  test('15: null cannot be an item', async () => {
    const system = new AsyncProducerConsumer<number | null>()
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

  test('16: it cannot be started again, a stop before the start kills it, and who is added late is ignored', async () => {
    const system = new AsyncProducerConsumer<string>()
    const consumed: string[] = []
    await system.stop()
    system.addProducer(async function* () {
      await drain()
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

import {
  AsyncProducerConsumer,
  type ProducerConsumerProblem,
  type ProducerConsumerReport,
} from '@heddle/async-patterns'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { drain } from './support/observe.js'
import { withFakeTime } from './verify/model.ts'

const never = new Promise<never>(() => undefined)
const isBalanced = ({ produced, consumed, failed, undelivered }: ProducerConsumerReport<unknown>) =>
  produced === consumed + failed + undelivered.length

async function* endless() {
  for (let i = 0; ; i++) yield i
}

/** Lets everything go on until all wait, also those who rest a turn of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await drain()
}

/** Keeps the thread busy. */
function work(ms: number): void {
  const began = performance.now()
  while (performance.now() - began < ms);
}

/** Something to wait for, and the way to let it go on. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

// What keeps the process alive in one test must not do so in the next.
beforeEach(settle)

describe('stop without draining', () => {
  test('tells consumers, hands back the queue, what is being put and what is in hand, and counts errors at the stop', async () => {
    const problems: ProducerConsumerProblem<number>[] = []
    const system = new AsyncProducerConsumer<number>({
      queueSize: 2,
      maxAttempts: 9,
      onError: (problem) => problems.push(problem),
    })
    system.addProducer(endless)
    const error = new Error('not because of the stop')
    for (const isLoud of [true, false])
      system.addConsumer(
        (_, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(isLoud ? error : signal.reason)),
          ),
      )
    void system.start()
    await settle()
    const report = await system.stop({ drain: false })
    expect(report).toMatchObject({ produced: 5, consumed: 0, failed: 0, consumerErrors: 1 })
    expect([...report.undelivered].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(problems).toMatchObject([{ role: 'consumer', error, failures: 1 }])
  })

  test('ends pauses of producers and consumers at once', async () => {
    const system = new AsyncProducerConsumer<number>({
      maxAttempts: 2,
      minDelay: 600_000,
      maxDelay: 600_000,
      jitter: 0,
    })
    let calls = 0
    system.addProducer(() => {
      if (calls++ === 0) return 1
      throw new Error('rest now')
    })
    system.addConsumer(() => Promise.reject(new Error('rest now')))
    void system.start()
    while (calls < 2) await drain()
    await drain()
    expect(await system.stop({ drain: false })).toMatchObject({ produced: 1, failed: 0, undelivered: [1] })
  })

  test('leaves those behind that do not end, counts nothing of theirs, and tells of an item that comes too late', () =>
    withFakeTime(async (clock) => {
      const problems: ProducerConsumerProblem<string>[] = []
      const system = new AsyncProducerConsumer<string>({ abortGrace: 5, onError: (problem) => problems.push(problem) })
      const { passed, open } = gate()
      system.addProducer(() => passed.then(() => 'late'))
      system.addProducer(() => passed.then(() => Promise.reject(new Error('late'))))
      system.addProducer(function* () {
        yield 'in hand'
      })
      system.addConsumer(() => passed.then(() => Promise.reject(new Error('late'))))
      void system.start()
      await settle()
      const stopped = system.stop({ drain: false })
      await settle()
      await clock.pass(5)
      const report = await stopped
      const before = JSON.stringify(report)
      expect(report).toMatchObject({ produced: 1, consumed: 0, undelivered: ['in hand'], producerErrors: 0 })
      open()
      await settle()
      expect(JSON.stringify(report)).toBe(before)
      expect(problems).toEqual([
        { role: 'producer', item: 'late', failures: 0, error: expect.objectContaining({ code: 'ERR_CLOSED' }) },
      ])
      expect(clock.timers).toBe(0)
    }))

  test('calls no consumer any more, and hands back an item that one had taken but not got', async () => {
    // Behind an immediate timers come first, and then what rests.
    await drain()
    const system = new AsyncProducerConsumer<number>({ abortGrace: 0, queueSize: 50 })
    let isStopped = false
    let calledAfter = 0
    let calls = 0
    const wait = async () => {
      if (isStopped) calledAfter += 1
      for (let i = 0; i < 20; i++) await Promise.resolve()
    }
    system.addProducer(endless)
    system.addConsumer(() => never)
    system.addConsumer(wait)
    system.addConsumer(async () => {
      calls += 1
      if (calls !== 50) return await wait()
      // The other one takes its next item now, and rests with it until timers have had their turn.
      work(6)
      for (let i = 0; i < 60; i++) await Promise.resolve()
      isStopped = true
      void system.stop({ drain: false })
      work(3)
    })
    const report = await system.start()
    await new Promise((resolve) => setTimeout(resolve, 3))
    expect([isBalanced(report), calledAfter]).toEqual([true, 0])
  })

  test('from a listener of the signal, while it drains or stops, is the same; no timer stays', () =>
    withFakeTime(async (clock) => {
      for (const drain1 of [true, false]) {
        const system = new AsyncProducerConsumer<number>({ abortGrace: 600_000 })
        system.addProducer(
          ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                void system.stop({ drain: false })
                void system.stop({ timeout: 600_000 })
                system.addProducer(() => 1)
                reject(signal.reason)
              })
            }),
        )
        system.addConsumer(() => undefined)
        void system.start()
        await settle()
        expect(await system.stop({ drain: drain1 })).toMatchObject({ produced: 0, producerErrors: 0 })
        await settle()
        expect(clock.timers).toBe(0)
      }
    }))
})

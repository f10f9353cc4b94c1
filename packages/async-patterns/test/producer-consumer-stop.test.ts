import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AsyncProducerConsumer, type ProducerConsumerReport } from '@heddle/async-patterns'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { drain, observe } from './support/observe.js'
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

describe('stop with draining', () => {
  // A6
  test('ends producers, takes what they are putting, and consumes all of it', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 3 })
    const { passed, open } = gate()
    let inFinally = 0
    system.addProducer(async function* () {
      try {
        yield* endless()
      } finally {
        inFinally += 1
      }
    })
    system.addConsumer(() => passed)
    void system.start()
    await settle()
    const stopped = system.stop()
    expect(system.running).toBe(true)
    open()
    // Three in the queue, one in hand, one being put.
    expect(await stopped).toMatchObject({ produced: 5, consumed: 5, undelivered: [] })
    expect([inFinally, system.running]).toEqual([1, false])
  })

  test('takes what a producer brings when it hears of the stop, but no error that only says so', async () => {
    const system = new AsyncProducerConsumer<string>()
    const consumed: string[] = []
    system.addProducer(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('last'))),
    )
    system.addProducer(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    system.addProducer(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))),
    )
    system.addConsumer((item, { signal }) => void consumed.push(`${item} ${signal.aborted}`))
    void system.start()
    await settle()
    expect(await system.stop()).toMatchObject({ produced: 1, consumed: 1, producerErrors: 0 })
    expect(consumed).toEqual(['last false'])
  })

  test('hands back at once when there is nobody to consume', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 2 })
    system.addProducer(endless)
    void system.start()
    await settle()
    expect(await system.stop()).toMatchObject({ produced: 3, consumed: 0, undelivered: [0, 1, 2] })
  })

  test('gives up when its time is over, and hands the rest back, that in hand too', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 2, abortGrace: 5 })
    let isAborted = false
    system.addProducer(endless)
    system.addConsumer((_, { signal }) => {
      signal.addEventListener('abort', () => {
        isAborted = true
      })
      return never
    })
    void system.start()
    await settle()
    const began = performance.now()
    const report = await system.stop({ timeout: 20 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(25)
    expect([isAborted, isBalanced(report), report.consumed]).toEqual([true, true, 0])
    expect([...report.undelivered].sort((a, b) => a - b)).toEqual([0, 1, 2, 3])
  })

  test('keeps the time of the earlier call when a later one has none or more', async () => {
    const system = new AsyncProducerConsumer<number>({ abortGrace: 1 })
    system.addProducer(endless)
    system.addConsumer(() => never)
    void system.start()
    await settle()
    const first = system.stop({ timeout: 10 })
    const later = [system.stop(), system.stop({ timeout: 600_000 })]
    const report = await first
    expect(isBalanced(report)).toBe(true)
    expect(await Promise.all(later)).toEqual([report, report])
  })

  test('waits abortGrace for the end of a generator whose last item had to wait for longer than that', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 1, abortGrace: 10 })
    const { passed, open } = gate()
    let wasCleaned = false
    system.addProducer(async function* () {
      try {
        yield* endless()
      } finally {
        await drain()
        wasCleaned = true
        await never
      }
    })
    system.addConsumer(() => passed)
    void system.start()
    await settle()
    const stopped = system.stop()
    await new Promise((resolve) => setTimeout(resolve, 30))
    open()
    expect(await stopped).toMatchObject({ produced: 3, consumed: 3 })
    expect(wasCleaned).toBe(true)
  })

  // A6
  test('becomes dropping when stop is called again with drain: false; both have the one report', async () => {
    const system = new AsyncProducerConsumer<number>({ queueSize: 2 })
    system.addProducer(endless)
    system.addConsumer(
      (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    void system.start()
    await settle()
    const draining = observe(system.stop())
    await drain()
    expect(draining.state).toBe('pending')
    const report = await system.stop({ drain: false })
    expect([report.consumerErrors, report.undelivered.length]).toEqual([0, 4])
    await drain()
    expect(draining.value).toBe(report)
  })
})

describe('stop at odd times', () => {
  test('before start does nothing: its report is empty, and the start is not touched', async () => {
    const system = new AsyncProducerConsumer<number>()
    system.addProducer(function* () {
      yield 1
    })
    system.addConsumer(() => undefined)
    expect(await system.stop()).toMatchObject({ produced: 0, undelivered: [] })
    expect(await system.start()).toMatchObject({ produced: 1, consumed: 1 })
    expect(await system.stop({ drain: false, timeout: 0 })).toMatchObject({ produced: 0 })
  })

  test('in any microtask around the end leaves no timer and does not stop the end', () =>
    withFakeTime(async (clock) => {
      for (let moment = 0; moment < 40; moment++) {
        const system = new AsyncProducerConsumer<number>()
        system.addProducer(function* () {
          yield 1
        })
        system.addConsumer(() => undefined)
        const ended = system.start()
        for (let i = 0; i < moment; i++) await Promise.resolve()
        const stopped = system.stop({ timeout: 600_000 })
        const report = await ended
        await stopped
        await settle()
        expect([isBalanced(report), clock.timers]).toEqual([true, 0])
      }
    }))

  test('in the first call of a producer ends the system that is just starting', async () => {
    const system = new AsyncProducerConsumer<number>()
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
    {
      await using system = new AsyncProducerConsumer<number>()
      system.addProducer(() => (consumed.length < 3 ? 1 : undefined))
      system.addConsumer((item) => consumed.push(item))
      void system.start()
      while (consumed.length < 3) await drain()
    }
    expect(consumed.length).toBeGreaterThanOrEqual(3)
  })
})

test('what onError throws is an uncaught exception, and the system goes on', () => {
  const file = fileURLToPath(new URL('fixtures/queue-lifetime.mjs', import.meta.url))
  const output = execFileSync(process.execPath, [file, 'onError throws'], { encoding: 'utf8', timeout: 20_000 })
  expect(output.trim().split('\n').sort()).toEqual(['[1,1,1]', 'uncaught consumer', 'uncaught producer'])
})

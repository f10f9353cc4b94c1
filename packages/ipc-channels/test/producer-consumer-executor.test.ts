import { ProducerConsumer } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { isBalanced, sorted, ThreadExecutor } from './support/producer-consumer.js'
import { turnsOfTheLoop, until } from './support/until.js'

// Only their names matter: the functions are in the fixture.
const count = (_count: number): number | undefined => undefined
const add = (_item: number, _words: Int32Array): number => 0
const failOnOdd = (_item: number): void => undefined
const exitOnThree = (_item: number): void => undefined
const hang = (_item: number, _words: Int32Array): void => undefined

const words = () => new Int32Array(new SharedArrayBuffer(8))

describe('tasks in worker threads', () => {
  test('produce and consume, as many at a time as were added', async () => {
    const sum = words()
    const system = new ProducerConsumer<number>({ queueSize: 4 })
    system.addProducerOn(new ThreadExecutor(), count, 40)
    const consumers = new ThreadExecutor()
    for (let i = 0; i < 2; i++) system.addConsumerOn(consumers, add, sum)
    void system.start()
    await until(() => Atomics.load(sum, 0) === 780, 'all is added')
    expect(await system.stop()).toMatchObject({ produced: 40, consumed: 40, producerErrors: 0, failed: 0 })
  })

  test('that fail leave their items, and the error as it came, in the report', async () => {
    const system = new ProducerConsumer<number>({ maxAttempts: 2, minDelay: 1 })
    system.addProducer(function* () {
      yield* [1, 2]
    })
    system.addConsumerOn(new ThreadExecutor(), failOnOdd)
    expect(await system.start()).toMatchObject({
      consumed: 1,
      failed: 1,
      consumerErrors: 2,
      failures: [{ item: 1, error: { message: 'odd: 1' } }],
    })
  })

  test('whose thread dies leave their items in the report, and the system goes on', async () => {
    const system = new ProducerConsumer<number>()
    system.addProducer(function* () {
      yield* [1, 2, 3, 4]
    })
    system.addConsumerOn(new ThreadExecutor(), exitOnThree)
    expect(await system.start()).toMatchObject({
      consumed: 3,
      failures: [{ item: 3, error: { code: 'ERR_WORKER_CRASHED' } }],
    })
  })

  test('that hang are ended when the grace is over, and their items handed back', async () => {
    const begun = words()
    const executor = new ThreadExecutor()
    const system = new ProducerConsumer<number>({ queueSize: 1, abortGrace: 20 })
    system.addProducer(function* () {
      yield* [1, 2, 3]
    })
    system.addConsumerOn(executor, hang, begun)
    void system.start()
    await until(() => Atomics.load(begun, 0) === 1, 'the task hangs')
    const began = performance.now()
    const report = await system.stop({ drain: false })
    expect(performance.now() - began).toBeGreaterThanOrEqual(20)
    expect([sorted(report.undelivered), isBalanced(report), executor.ended]).toEqual([[1, 2, 3], true, 1])
  })
})

/** An executor whose calls are settled by the test. */
class HeldExecutor {
  readonly calls: { args: unknown[]; signal: AbortSignal | undefined; settle: (result: unknown) => void }[] = []

  run(_task: unknown, args: unknown[], options?: { signal?: AbortSignal | undefined }): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal
      signal?.addEventListener('abort', () => reject(signal.reason))
      this.calls.push({ args, signal, settle: resolve })
    })
  }
}

describe('an executor', () => {
  test('is told of a stop only when the grace is over: what a producer had begun is taken', async () => {
    const executor = new HeldExecutor()
    const system = new ProducerConsumer<number>()
    system.addProducerOn(executor, (from: number) => from, 7)
    const consumed: number[] = []
    system.addConsumer((item) => consumed.push(item))
    void system.start()
    const stopped = system.stop()
    await turnsOfTheLoop(10)
    expect(executor.calls.map(({ args, signal }) => [args, signal?.aborted])).toEqual([[[7], false]])
    executor.calls[0]?.settle(1)
    expect(await stopped).toMatchObject({ produced: 1, consumed: 1 })
    expect(consumed).toEqual([1])
  })

  test('is told to end a producer that does not come back, while consumers go on', async () => {
    const [producers, consumers] = [new HeldExecutor(), new HeldExecutor()]
    const system = new ProducerConsumer<number>({ abortGrace: 5 })
    system.addProducerOn(producers, () => 1)
    system.addConsumerOn(consumers, (item: number, text: string) => text + item, 'x')
    void system.start()
    producers.calls[0]?.settle(1)
    await until(() => consumers.calls.length === 1 && producers.calls.length === 2, 'both are called')
    const stopped = system.stop()
    await until(() => producers.calls[1]?.signal?.aborted === true, 'the producer is ended')
    expect(consumers.calls.map(({ args, signal }) => [args, signal?.aborted])).toEqual([[[1, 'x'], false]])
    expect(system.running).toBe(true)
    consumers.calls[0]?.settle(undefined)
    expect(await stopped).toMatchObject({ produced: 1, consumed: 1, producerErrors: 0, undelivered: [] })
  })

  test('that throws instead of rejecting fails the call, and no more', async () => {
    const system = new ProducerConsumer<number>()
    system.addProducer(function* () {
      yield 1
    })
    const error = new Error('closed')
    const executor = {
      run(): Promise<unknown> {
        throw error
      },
    }
    system.addConsumerOn(executor, () => undefined)
    expect(await system.start()).toMatchObject({ failures: [{ item: 1, error }] })
  })
})

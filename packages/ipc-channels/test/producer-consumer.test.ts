import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  ProducerConsumer,
  type ProducerConsumerOptions,
  type ProducerConsumerProblem,
  ThreadSafeQueue,
} from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { isBalanced } from './support/producer-consumer.js'
import { rejectionOf, thrownBy, turnsOfTheLoop, until } from './support/until.js'

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

describe('producers', () => {
  test('of every kind bring their items, with their arguments before the context', async () => {
    const system = new ProducerConsumer<string>()
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
    expect(await system.start()).toMatchObject({
      produced: 8,
      put: 8,
      taken: 8,
      consumed: 8,
      failed: 0,
      undelivered: [],
    })
    expect(seen.sort()).toEqual(['-f0', '-f1', 'a0', 'a1', 'ag0', 'ag1', 'g0false', 'g1false'])
  })

  test('that throw are called again, a generator that throws is over; both are counted and told', async () => {
    const problems: ProducerConsumerProblem<number>[] = []
    const system = new ProducerConsumer<number>({ minDelay: 0, onError: (problem) => problems.push(problem) })
    let calls = 0
    system.addProducer(() => {
      calls += 1
      if (calls > 4) return undefined
      if (calls === 3) return 3
      throw new Error(`call ${calls}`)
    })
    let generators = 0
    system.addProducer(async function* () {
      generators += 1
      yield 1
      throw new Error('over')
    })
    system.addConsumer(() => undefined)
    const ended = system.start()
    await until(() => calls > 5, 'the calls')
    void system.stop()
    expect(await ended).toMatchObject({ produced: 2, consumed: 2, producerErrors: 4, failures: [] })
    expect(generators).toBe(1)
    const told = problems.map(
      ({ role, error, item, failures }) => `${role} ${(error as Error).message} ${item} ${failures}`,
    )
    expect(told.sort()).toEqual([
      'producer call 1 undefined 1',
      'producer call 2 undefined 2',
      'producer call 4 undefined 1',
      'producer over undefined 1',
    ])
  })

  test('wait while the queue is full', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 3 })
    let produced = 0
    system.addProducer(() => produced++)
    let open = false
    system.addConsumer(async () => {
      await until(() => open, 'the test lets it go on')
    })
    void system.start()
    // One in hand, three in the queue, one being put.
    await until(() => produced === 5, 'the queue is full')
    await turnsOfTheLoop(20)
    expect([produced, system.queue.size, system.queue.capacity]).toEqual([5, 3, 3])
    open = true
    expect(await system.stop()).toMatchObject({ produced: 5, consumed: 5 })
  })

  test('that bring what cannot be copied have failed on it, are told the path, and go on', async () => {
    const problems: ProducerConsumerProblem<unknown>[] = []
    const bad = { list: [1, () => undefined] }
    const system = new ProducerConsumer<unknown>({ minDelay: 1, onError: (problem) => problems.push(problem) })
    system.addProducer(function* () {
      yield 1
      yield bad
      yield bad
      yield 2
    })
    const consumed: unknown[] = []
    system.addConsumer((item) => consumed.push(item))
    const report = await system.start()
    expect(report).toMatchObject({ produced: 4, put: 2, consumed: 2, failed: 2, producerErrors: 2, consumerErrors: 0 })
    expect([consumed, isBalanced(report)]).toEqual([[1, 2], true])
    expect(report.failures[0]).toMatchObject({ error: { code: 'ERR_NOT_CLONEABLE', path: '.list[1]' } })
    // The item itself: there is no copy of it.
    expect(report.failures[0]?.item).toBe(bad)
    expect(problems.map(({ role, failures }) => [role, failures])).toEqual([
      ['producer', 1],
      ['producer', 2],
    ])
    expect(problems[0]?.item).toBe(bad)
  })
})

describe('consumers', () => {
  test('get copies of the items as they were when they were put', async () => {
    const system = new ProducerConsumer<{ value: number }>()
    const item = { value: 1 }
    system.addProducer(function* () {
      yield item
      item.value = 2
      yield item
    })
    const consumed: unknown[] = []
    system.addConsumer((got) => consumed.push(got, got === item))
    await system.start()
    expect(consumed).toEqual([{ value: 1 }, false, { value: 2 }, false])
  })

  test('that fail get the item again as often as they may, and then it is a failure in the report', async () => {
    const problems: unknown[] = []
    const system = new ProducerConsumer<number>({
      maxAttempts: 3,
      minDelay: 1,
      maxFailures: 1,
      onError: ({ role, item, failures }) => problems.push([role, item, failures]),
    })
    system.addProducer(function* () {
      yield* [1, 2, 3]
    })
    const attempts: unknown[] = []
    system.addConsumer(async (item, { attempt }) => {
      attempts.push([item, attempt])
      if (item === 1 && attempt < 3) throw new Error('not yet')
      if (item > 1) throw new Error(`never ${item}`)
    })
    expect(await system.start()).toMatchObject({
      consumed: 1,
      failed: 2,
      consumerErrors: 8,
      failures: [{ item: 2, error: new Error('never 2') }],
    })
    const three = (item: number) => [1, 2, 3].map((attempt) => [item, attempt])
    expect(attempts).toEqual([1, 2, 3].flatMap(three))
    expect(problems).toEqual([
      ['consumer', 1, 1],
      ['consumer', 1, 2],
      ...[2, 3].flatMap((item) => [1, 2, 3].map((failures) => ['consumer', item, failures])),
    ])
  })

  test('may add producers and consumers while there is something to consume', async () => {
    const system = new ProducerConsumer<number>()
    const consumed: number[] = []
    system.addProducer(function* () {
      yield 1
    })
    system.addConsumer(async (item) => {
      consumed.push(item)
      // By then no producer is left.
      await turnsOfTheLoop()
      if (item < 3)
        system.addProducer(function* () {
          yield item + 1
        })
    })
    expect(await system.start()).toMatchObject({ produced: 3, consumed: 3 })
    expect(consumed).toEqual([1, 2, 3])
  })

  test('get undefined and null, too, when a generator brings them', async () => {
    const system = new ProducerConsumer<number | null | undefined>()
    system.addProducer(function* () {
      yield* [undefined, null, 0]
    })
    const consumed: unknown[] = []
    system.addConsumer((item) => consumed.push(item))
    await system.start()
    expect(consumed).toEqual([undefined, null, 0])
  })
})

describe('bad arguments', () => {
  test('are refused by their names, and nothing has changed', async () => {
    const queue = new ThreadSafeQueue<number>()
    const bad: [string, unknown, string][] = [
      ['queueSize', 0, 'ERR_OUT_OF_RANGE'],
      ['queueSize', '1', 'ERR_INVALID_ARG'],
      ['queueSize', Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
      ['queue', null, 'ERR_INVALID_ARG'],
      ['queue', {}, 'ERR_INVALID_ARG'],
      ['closeQueue', 1, 'ERR_INVALID_ARG'],
      ['closeQueue', true, 'ERR_INVALID_ARG'],
      ['maxAttempts', 0, 'ERR_OUT_OF_RANGE'],
      ['maxAttempts', null, 'ERR_INVALID_ARG'],
      ['maxFailures', -1, 'ERR_OUT_OF_RANGE'],
      ['abortGrace', Number.NaN, 'ERR_OUT_OF_RANGE'],
      ['minDelay', -1, 'ERR_OUT_OF_RANGE'],
      ['maxDelay', '1', 'ERR_INVALID_ARG'],
      ['factor', 0.5, 'ERR_OUT_OF_RANGE'],
      ['jitter', 2, 'ERR_OUT_OF_RANGE'],
      ['onError', {}, 'ERR_INVALID_ARG'],
    ]
    for (const [name, value, code] of bad) {
      const options = { [name]: value } as ProducerConsumerOptions<number>
      expect(thrownBy(() => new ProducerConsumer(options))).toMatchObject({
        code,
        message: expect.stringContaining(name),
      })
    }
    expect(thrownBy(() => new ProducerConsumer(null as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(thrownBy(() => new ProducerConsumer({ queue, queueSize: 1 }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    const system = new ProducerConsumer({ queue })
    for (const call of [
      () => system.addProducer(1 as never),
      () => system.addConsumer({} as never),
      () => system.addProducerOn({} as never, () => 1),
      () => system.addConsumerOn(null as never, () => 1),
      () => system.addConsumerOn({ run: async () => 1 }, 'task' as never),
    ])
      expect(thrownBy(call)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    expect(await system.start()).toMatchObject({ produced: 0, taken: 0 })
  })

  test('of stop stop nothing', async () => {
    const system = new ProducerConsumer<number>()
    system.addProducer(() => undefined)
    system.addConsumer(() => undefined)
    void system.start()
    expect(await rejectionOf(system.stop({ timeout: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(system.stop({ drain: 0 as never }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(system.stop(null as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(system.running).toBe(true)
    await system.stop()
  })
})

describe('the process', () => {
  const file = fileURLToPath(new URL('fixtures/producer-consumer-lifetime.mjs', import.meta.url))
  const outputOf = (script: string) =>
    execFileSync(process.execPath, [file, script], { encoding: 'utf8', timeout: 20_000, stdio: 'pipe' })
      .trim()
      .split('\n')
      .sort()

  test('ends when a system was only made, has ended, or was stopped with all that hangs and rests in it', () => {
    expect(['idle', 'ended', 'stopped'].flatMap(outputOf)).toEqual(['made', 'consumed 3', 'stopped'])
  })

  test('stays alive while a consumer waits for items of others', () => {
    expect(outputOf('waiting')).toEqual(['it was alive'])
  })

  test('is told what onError throws as an uncaught exception, and the system goes on', () => {
    expect(outputOf('onError throws')).toEqual(['[1,1,1]', 'uncaught consumer', 'uncaught producer'])
  })
})

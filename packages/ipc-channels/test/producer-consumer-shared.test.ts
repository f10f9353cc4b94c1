import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ProducerConsumer, type ProducerConsumerReport, ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { isBalanced, never, sorted } from './support/producer-consumer.js'
import { rejectionOf, turnsOfTheLoop, until } from './support/until.js'

interface Part {
  readonly report: ProducerConsumerReport<number>
  readonly consumed: readonly number[]
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** A system in a thread of its own. */
function inThread(queue: ThreadSafeQueue<number>, data: object): { readonly part: Promise<Part> } {
  const worker = new Worker(new URL('fixtures/producer-consumer-thread.mjs', import.meta.url), {
    workerData: { handle: queue.toHandle(), ...data },
  })
  return { part: once(worker, 'message').then(([part]) => part as Part) }
}

describe('systems of several threads on one queue', () => {
  test('share the items: each has one fate in one of them', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 8 })
    const producers = [0, 1].map((i) => inThread(queue, { role: 'producer', from: i * 500, count: 500 }))
    const consumers = [0, 1].map(() => inThread(queue, { role: 'consumer' }))
    const made = await Promise.all(producers.map(({ part }) => part))
    expect(made.map(({ report: { produced, put, taken } }) => [produced, put, taken])).toEqual([
      [500, 500, 0],
      [500, 500, 0],
    ])
    // Producers that end do not close the queue for others.
    await queue.put(1000)
    queue.close()
    const used = await Promise.all(consumers.map(({ part }) => part))
    for (const { report, consumed } of used)
      expect([report.taken, report.consumed]).toEqual([consumed.length, consumed.length])
    expect(sorted(used.flatMap(({ consumed }) => consumed))).toEqual(numbers(1001))
  })

  test('end one after the other with closeQueue, also when the last producer is this thread', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 4 })
    const consumer = inThread(queue, { role: 'consumer' })
    const system = new ProducerConsumer<number>({ queue, closeQueue: true })
    system.addProducer(function* () {
      yield* numbers(300)
    })
    expect(await system.start()).toMatchObject({ produced: 300, put: 300, taken: 0, undelivered: [] })
    const { report, consumed } = await consumer.part
    expect([report.taken, report.consumed, consumed.length]).toEqual([300, 300, 300])
  })
})

describe('systems of several processes on one queue in a segment', () => {
  const child = fileURLToPath(new URL('fixtures/producer-consumer-child.mjs', import.meta.url))

  async function withQueue(test: (queue: ThreadSafeQueue<number>, handle: string) => Promise<void>): Promise<void> {
    using segment = Segment.create({ size: 2 ** 20 })
    const queue = new ThreadSafeQueue<number>({ capacity: 4, memory: segment })
    await test(queue, JSON.stringify(queue.toHandle()))
  }

  test('end when the last registered producer has ended, with all its items', () =>
    withQueue(async (queue, handle) => {
      const system = new ProducerConsumer<number>({ queue })
      const consumed: number[] = []
      system.addConsumer((item) => consumed.push(item))
      const process = fork(child, ['ends', handle])
      const report = await system.start()
      expect(report).toMatchObject({ produced: 0, taken: 200, consumed: 200, queueError: undefined })
      expect(consumed).toEqual(numbers(200))
      if (process.exitCode === null) await once(process, 'exit')
      expect(process.exitCode).toBe(0)
    }))

  test('are told that a producer was killed, after what it had put', () =>
    withQueue(async (queue, handle) => {
      const system = new ProducerConsumer<number>({ queue })
      const consumed: number[] = []
      system.addConsumer((item) => consumed.push(item))
      const process = fork(child, ['killed', handle])
      const report = await system.start()
      expect(report.queueError).toMatchObject({ name: 'BrokenError', code: 'ERR_PEER_GONE' })
      expect(consumed).toEqual(numbers(consumed.length))
      expect([report.consumed, isBalanced(report)]).toEqual([consumed.length, true])
      if (process.signalCode === null) await once(process, 'exit')
      expect(process.signalCode).toBe('SIGKILL')
    }))
})

describe('on a queue of others', () => {
  test('consumers go on when the own producers have ended, and end when the queue is closed and empty', async () => {
    const queue = new ThreadSafeQueue<number>()
    const system = new ProducerConsumer<number>({ queue })
    const consumed: number[] = []
    system.addProducer(function* () {
      yield 1
    })
    system.addConsumer((item) => consumed.push(item))
    const ended = system.start()
    await until(() => consumed.length === 1, 'the own item')
    await turnsOfTheLoop(10)
    expect(system.running).toBe(true)
    await queue.put(2)
    await queue.put(3)
    queue.close()
    expect(await ended).toMatchObject({ produced: 1, put: 1, taken: 3, consumed: 3, queueError: undefined })
    expect(consumed).toEqual([1, 2, 3])
  })

  test('stop does not close it, and leaves what waits in it to others and to the next start', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const system = new ProducerConsumer<number>({ queue })
    let produced = 0
    system.addProducer(() => produced++)
    void system.start()
    await until(() => produced === 3, 'the queue is full')
    const report = await system.stop({ drain: false })
    expect(report).toMatchObject({ produced: 3, put: 2, taken: 0, undelivered: [2] })
    expect([isBalanced(report), queue.size]).toEqual([true, 2])
    expect(await queue.get()).toBe(0)
    const consumed: number[] = []
    system.addConsumer((item) => {
      consumed.push(item)
      if (item === 4) void system.stop()
    })
    produced = 3
    await system.start()
    expect(consumed.slice(0, 3)).toEqual([1, 3, 4])
  })

  test('a drain goes to the last item that was inside when producers had ended, and no further', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 100 })
    for (const i of numbers(5)) await queue.put(i)
    const system = new ProducerConsumer<number>({ queue })
    const consumed: number[] = []
    system.addConsumer(async (item) => {
      consumed.push(item)
      await queue.put(100 + item)
    })
    void system.start()
    const report = await system.stop()
    // Without the limit it would never end.
    expect([consumed, report.taken, queue.size]).toEqual([[0, 1, 2, 3, 4], 5, 5])
  })

  test('a drain with nobody here to make room waits for others, but not for ever: what found none is handed back', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    const system = new ProducerConsumer<number>({ queue, abortGrace: 20 })
    let produced = 0
    system.addProducer(() => produced++)
    void system.start()
    await until(() => produced === 2, 'the queue is full')
    const began = performance.now()
    const report = await system.stop()
    expect(performance.now() - began).toBeGreaterThanOrEqual(20)
    expect(report).toMatchObject({ produced: 2, put: 1, undelivered: [1] })
    // With a timeout of its own the drain waits for that, and takes the room that comes.
    void system.start()
    await until(() => produced === 3, 'an item is being put')
    const stopped = system.stop({ timeout: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect([system.running, await queue.get()]).toEqual([true, 0])
    expect(await stopped).toMatchObject({ produced: 1, put: 1, undelivered: [] })
  })

  test('that is closed under the system, producers hand back their items and consumers take what is left', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const system = new ProducerConsumer<number>({ queue, abortGrace: 5 })
    let produced = 0
    system.addProducer(() => produced++)
    system.addProducer(() => never)
    const isOpen: (() => void)[] = []
    system.addConsumer(() => new Promise<void>((resolve) => isOpen.push(resolve)))
    const ended = system.start()
    await until(() => produced === 4, 'the queue is full')
    queue.close()
    const letGo = setInterval(() => isOpen.shift()?.(), 1)
    const report = await ended
    clearInterval(letGo)
    expect(report).toMatchObject({
      produced: 4,
      put: 3,
      taken: 3,
      consumed: 3,
      undelivered: [3],
      queueError: undefined,
    })
    expect([report.producerErrors, report.failed, system.running]).toEqual([0, 0, false])
    // Of a closed queue a start is over as soon as that is seen.
    expect(await system.start()).toMatchObject({ put: 0, taken: 0, consumed: 0 })
  })

  test('that is closed, a producer that waits is told when a consumer has seen it', async () => {
    const queue = new ThreadSafeQueue<number>()
    const system = new ProducerConsumer<number>({ queue })
    system.addProducer(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    )
    system.addConsumer(() => undefined)
    const ended = system.start()
    await turnsOfTheLoop()
    queue.close()
    expect(await ended).toMatchObject({ produced: 0, taken: 0, producerErrors: 0 })
  })

  test('an item that cannot be opened here is gone, and counted as failed', async () => {
    const queue = new ThreadSafeQueue<unknown>()
    const unknownHere = { toHandle: () => ({ kind: 'nowhere/Thing', version: 1 }) }
    await queue.put(1)
    await queue.put([unknownHere])
    await queue.put(2)
    const problems: unknown[] = []
    const system = new ProducerConsumer<unknown>({
      queue,
      onError: ({ role, error, item }) => problems.push([role, (error as { code?: string }).code, item]),
    })
    const consumed: unknown[] = []
    system.addConsumer((item) => consumed.push(item))
    const ended = system.start()
    queue.close()
    const report = await ended
    expect(report).toMatchObject({ taken: 3, consumed: 2, failed: 1, consumerErrors: 1, queueError: undefined })
    expect(report.failures).toMatchObject([{ item: undefined, error: { code: 'ERR_BAD_HANDLE' } }])
    expect([consumed, isBalanced(report)]).toEqual([[1, 2], true])
    expect(problems).toEqual([['consumer', 'ERR_BAD_HANDLE', undefined]])
  })
})

test('what was taken is done when it has its fate: join waits for that, and not for what was handed back', async () => {
  const queue = new ThreadSafeQueue<number>()
  const system = new ProducerConsumer<number>({ queue, abortGrace: 5 })
  for (const i of numbers(4)) await queue.put(i)
  let open: (() => void) | undefined
  system.addConsumer((item) => {
    if (item === 1) throw new Error('no')
    if (item === 2)
      return new Promise<void>((resolve) => {
        open = resolve
      })
    return item === 3 ? never : undefined
  })
  void system.start()
  await until(() => open !== undefined && queue.getStats().unfinished === 2, 'the first two are done')
  open?.()
  await until(() => queue.size === 0, 'the last one is in hand')
  expect(queue.getStats().unfinished).toBe(1)
  expect(await system.stop({ drain: false })).toMatchObject({ consumed: 2, failed: 1, undelivered: [3] })
  await queue.join({ timeout: 0 })
  expect(queue.getStats().unfinished).toBe(0)
})

describe('with closeQueue', () => {
  test('the queue is closed for all when the producers have ended, and then all is consumed', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    const system = new ProducerConsumer<number>({ queue, closeQueue: true })
    system.addProducer(function* () {
      yield* numbers(10)
    })
    system.addConsumer(() => turnsOfTheLoop(1))
    expect(await system.start()).toMatchObject({ produced: 10, consumed: 10, undelivered: [] })
    expect(await rejectionOf(queue.put(1))).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('consumers alone wait for items until they are stopped, which closes it, with a drain of what is inside', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 5 })
    const system = new ProducerConsumer<number>({ queue, closeQueue: true })
    const consumed: number[] = []
    system.addConsumer((item) => consumed.push(item))
    void system.start()
    await turnsOfTheLoop(10)
    expect(system.running).toBe(true)
    for (const i of numbers(5)) queue.putSync(i)
    expect(await system.stop()).toMatchObject({ taken: 5, consumed: 5 })
    expect(await rejectionOf(queue.put(1))).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('a stop without draining closes it at once, and not when the last one has come back', async () => {
    const queue = new ThreadSafeQueue<number>()
    const system = new ProducerConsumer<number>({ queue, closeQueue: true, abortGrace: 5 })
    let calls = 0
    system.addProducer(() => never)
    system.addConsumer(() => {
      calls += 1
      return never
    })
    void system.start()
    await queue.put(1)
    await until(() => calls === 1, 'the consumer hangs')
    const stopped = system.stop({ drain: false })
    expect([queue.closed, system.running]).toEqual([true, true])
    expect(await stopped).toMatchObject({ undelivered: [1] })
  })

  test('a stop without draining hands back what waits in it', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 3 })
    const system = new ProducerConsumer<number>({ queue, closeQueue: true })
    let produced = 0
    system.addProducer(() => produced++)
    void system.start()
    await until(() => produced === 4, 'the queue is full')
    const report = await system.stop({ drain: false })
    expect([sorted(report.undelivered), queue.size, isBalanced(report)]).toEqual([[0, 1, 2, 3], 0, true])
  })
})

describe('a queue that fails', () => {
  /** The real one, until an operation is to fail. */
  function failing(method: 'put' | 'get', error: unknown) {
    const queue = new ThreadSafeQueue<number>({ capacity: 4 })
    let isFailing = false
    const real = queue[method].bind(queue) as (...args: unknown[]) => Promise<unknown>
    Object.assign(queue, {
      [method]: async (...args: unknown[]) => (isFailing ? Promise.reject(error) : real(...args)),
    })
    return {
      queue,
      fail: () => {
        isFailing = true
      },
    }
  }

  test.each(['put', 'get'] as const)('in a %s ends the system, and the report has the error', async (method) => {
    const error = Object.assign(new Error('damaged'), { code: 'ERR_CORRUPT' })
    const { queue, fail } = failing(method, error)
    const system = new ProducerConsumer<number>({ queue, abortGrace: 5 })
    let produced = 0
    system.addProducer(async () => {
      await turnsOfTheLoop(1)
      return produced++
    })
    system.addProducer(() => never)
    system.addConsumer(() => undefined)
    const ended = system.start()
    await until(() => produced === 3, 'some items')
    fail()
    const report = await ended
    expect(report.queueError).toBe(error)
    expect([isBalanced(report), report.failed]).toEqual([true, 0])
  })

  test('since all who take have gone ends producers, and consumers take what is there', async () => {
    const error = Object.assign(new Error('gone'), { code: 'ERR_PEER_GONE' })
    const { queue, fail } = failing('put', error)
    const system = new ProducerConsumer<number>({ queue })
    system.addProducer(function* () {
      yield* [1, 2]
      fail()
      yield* [3, 4]
    })
    system.addConsumer(() => turnsOfTheLoop(2))
    const report = await system.start()
    expect(report).toMatchObject({ produced: 3, put: 2, consumed: 2, undelivered: [3] })
    expect(report.queueError).toBe(error)
  })
})

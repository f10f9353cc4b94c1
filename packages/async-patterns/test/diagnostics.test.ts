import { execFileSync } from 'node:child_process'
import { type Channel, channel } from 'node:diagnostics_channel'
import {
  AsyncBatchProcessor,
  AsyncMutex,
  AsyncProducerConsumer,
  AsyncQueue,
  AsyncRateLimiter,
  AsyncSemaphore,
  AsyncTaskManager,
} from '@heddle/async-patterns'
import { describe, expect, jest, test } from '@jest/globals'
import { drain, rejectionOf } from './support/observe.js'

const names = ['task', 'wait', 'batch', 'producer-consumer-error'] as const
const channelOf = (event: (typeof names)[number]): Channel => channel(`heddle:async-patterns:${event}`)

/** What is published on a channel while `work` is done. */
async function published(event: (typeof names)[number], work: () => Promise<unknown>): Promise<unknown[]> {
  const messages: unknown[] = []
  const listen = (message: unknown) => void messages.push(message)
  channelOf(event).subscribe(listen)
  try {
    await work()
    await drain()
  } finally {
    channelOf(event).unsubscribe(listen)
  }
  return messages
}

const never = ({ signal }: { signal: AbortSignal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

describe('the channel task', () => {
  test('tells of the start and of the end of each task, with what runs and waits then', async () => {
    const manager = new AsyncTaskManager({ maxConcurrent: 1 })
    const messages = await published('task', async () => {
      const first = manager.run(drain)
      const second = rejectionOf(manager.run(() => Promise.reject('failed')))
      await Promise.all([first, second])
    })
    expect(messages).toEqual([
      { event: 'started', id: undefined, running: 1, queued: 0 },
      { event: 'succeeded', id: undefined, running: 0, queued: 1 },
      { event: 'started', id: undefined, running: 1, queued: 0 },
      { event: 'failed', id: undefined, running: 0, queued: 0 },
    ])
  })

  test('has the id of a task that was submitted, and tells of all other ends', async () => {
    const manager = new AsyncTaskManager({ maxConcurrent: 1, maxQueued: 1, whenFull: 'reject', abortGrace: 0 })
    const messages = await published('task', async () => {
      const id = await manager.submitTask(never)
      const queued = rejectionOf(manager.run(never, { timeout: 1 }))
      await rejectionOf(manager.run(never))
      manager.cancelTask(id)
      await queued
      const last = rejectionOf(manager.run(never))
      const cleared = rejectionOf(manager.run(never))
      manager.clear()
      await cleared
      await manager.terminate()
      await Promise.all([last, rejectionOf(manager.run(never))])
    })
    const told = (messages as { event: string; id: string | undefined }[]).map(
      ({ event, id }) => `${event} ${id ?? ''}`,
    )
    expect(told.map((line) => line.trim())).toEqual([
      'started async_task_0',
      'refused',
      'cancelled async_task_0',
      'started',
      'timedOut',
      'started',
      'dropped',
      'cancelled',
      'refused',
    ])
  })
})

test('the channel wait tells of each call that has to wait at a limiter, and of no other', async () => {
  const limiter = new AsyncRateLimiter(1, 5, { burst: 2 })
  const messages = await published('wait', async () => {
    await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire(), limiter.acquire()])
    limiter.tryAcquire()
    await rejectionOf(limiter.acquire({ timeout: 0 }))
  })
  expect(messages).toEqual([
    { kind: 'AsyncRateLimiter', object: limiter, waiting: 1 },
    { kind: 'AsyncRateLimiter', object: limiter, waiting: 2 },
  ])
})

test('the channel wait tells of each call that has to wait at a lock or a queue, and of no other', async () => {
  const semaphore = new AsyncSemaphore(2)
  const mutex = new AsyncMutex()
  const queue = new AsyncQueue<number>({ capacity: 1 })
  const messages = await published('wait', async () => {
    const guard = await semaphore.acquire(2)
    const second = semaphore.acquire()
    guard.release()
    await second
    const held = await mutex.acquire()
    const next = mutex.acquire()
    held.release()
    await next
    await queue.put(1)
    const putting = queue.put(2)
    await queue.get()
    await putting
    await queue.get()
    const getting = queue.get()
    await queue.put(3)
    await getting
  })
  expect(messages).toEqual([
    { kind: 'AsyncSemaphore', object: semaphore, waiting: 1 },
    { kind: 'AsyncMutex', object: mutex, waiting: 1 },
    { kind: 'AsyncQueue', object: queue, waiting: 1 },
    { kind: 'AsyncQueue', object: queue, waiting: 1 },
  ])
})

test('the channel producer-consumer-error tells of each error, with the item', async () => {
  const onError = jest.fn()
  const system = new AsyncProducerConsumer<number>({ maxAttempts: 2, minDelay: 0, onError })
  system.addProducer(function* () {
    yield 1
    throw 'of the producer'
  })
  system.addConsumer(() => Promise.reject('of the consumer'))
  const messages = await published('producer-consumer-error', () => system.start())
  const ofRole = (asked: string) => messages.filter((message) => (message as { role: string }).role === asked)
  expect(ofRole('producer')).toEqual([{ role: 'producer', error: 'of the producer', item: undefined, failures: 1 }])
  expect(ofRole('consumer')).toEqual([
    { role: 'consumer', error: 'of the consumer', item: 1, failures: 1 },
    { role: 'consumer', error: 'of the consumer', item: 1, failures: 2 },
  ])
  expect(onError.mock.calls.flat()).toEqual(messages)
})

test('the channel batch tells of each attempt, by the clock of the processor', async () => {
  let now = 0
  const clock = { now: () => now, setTimeout, clearTimeout: (timer: unknown) => clearTimeout(timer as number) }
  const process = () => {
    now += 5
  }
  const processor = new AsyncBatchProcessor<number>({ batchSize: 2, clock, process })
  const messages = await published('batch', () => Promise.all([processor.addItem(1), processor.addItem(2)]))
  expect(messages).toEqual([{ processor, size: 2, cause: 'size', status: 'success', attempt: 1, durationMs: 5 }])
})

/** Has every class do what it publishes. */
async function useAll(): Promise<void> {
  const manager = new AsyncTaskManager({ maxConcurrent: 1 })
  await Promise.allSettled([manager.run(drain), manager.run(() => Promise.reject('failed'))])
  const limiter = new AsyncRateLimiter(1, 1)
  await Promise.all([limiter.acquire(), limiter.acquire()])
  const processor = new AsyncBatchProcessor<number>({ batchSize: 1, process: () => undefined })
  await processor.addItem(1)
  const system = new AsyncProducerConsumer<number>()
  system.addProducer(function* () {
    yield 1
  })
  system.addConsumer(() => Promise.reject('failed'))
  await system.start()
  const semaphore = new AsyncSemaphore(1)
  const guard = await semaphore.acquire()
  const second = semaphore.acquire()
  guard.release()
  await second
}

test('while nobody listens no message is made: publish is not even called', async () => {
  const counts = { asked: 0, published: 0 }
  for (const name of names) {
    Object.defineProperty(channelOf(name), 'hasSubscribers', {
      configurable: true,
      get: () => {
        counts.asked += 1
        return false
      },
    })
    Object.defineProperty(channelOf(name), 'publish', {
      configurable: true,
      value: () => {
        counts.published += 1
      },
    })
  }
  await useAll()
  for (const name of names) {
    Reflect.deleteProperty(channelOf(name), 'hasSubscribers')
    Reflect.deleteProperty(channelOf(name), 'publish')
  }
  expect(counts.asked).toBeGreaterThan(4)
  expect(counts.published).toBe(0)
})

test('a subscriber that throws is an uncaught exception, and nothing of ours breaks', () => {
  const program = `
    import { channel } from 'node:diagnostics_channel'
    import { AsyncBatchProcessor, AsyncProducerConsumer, AsyncRateLimiter, AsyncTaskManager } from '@heddle/async-patterns'
    const thrown = {}
    process.on('uncaughtException', ({ message }) => { thrown[message] = (thrown[message] ?? 0) + 1 })
    for (const name of ${JSON.stringify(names)})
      channel('heddle:async-patterns:' + name).subscribe(() => { throw new Error(name) })
    const manager = new AsyncTaskManager({ maxConcurrent: 1 })
    const results = await Promise.all([1, 2, 3].map((n) => manager.run(async () => n)))
    await manager.drain()
    const limiter = new AsyncRateLimiter(1, 1)
    await Promise.all([limiter.acquire(), limiter.acquire()])
    const processor = new AsyncBatchProcessor({ batchSize: 1, process: (items) => items })
    results.push(await processor.add(4))
    const system = new AsyncProducerConsumer()
    system.addProducer(function* () { yield 5 })
    system.addConsumer(() => { throw new Error('failed') })
    const { failed } = await system.start()
    await new Promise((resolve) => setImmediate(resolve))
    console.log(JSON.stringify({ results, failed, thrown }))`
  const cwd = new URL('.', import.meta.url)
  const args = ['--input-type=module', '--eval', program]
  expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000, cwd }))).toEqual({
    results: [1, 2, 3, 4],
    failed: 1,
    thrown: { task: 6, wait: expect.any(Number), batch: 1, 'producer-consumer-error': 1 },
  })
})

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AsyncBatchProcessor, AsyncQueue, AsyncRateLimiter, AsyncTaskManager } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, rejectionOf } from './support/observe.js'

/** Keeps the thread to itself. */
function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('work that was asked for before anybody used a store runs in no context, whoever begins it', () => {
  const file = fileURLToPath(new URL('fixtures/context-before-stores.mjs', import.meta.url))
  const printed = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 })
  expect(printed).toBe('undefined of the caller undefined\n')
})

test('a limiter gives those who wait what was due in time, though the loop is late and has turns between', async () => {
  const limiter = new AsyncRateLimiter(1_000, 1_000, { burst: 5 })
  limiter.tryAcquire(5)
  const waits = [1, 2, 3, 4, 5].map(() => limiter.acquire({ timeout: 30 }))
  // A busy task of a manager uses up the budget of the turn.
  void new AsyncTaskManager().run(() => spin(60))
  expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'))
})

describe('a map whose input ends it', () => {
  test.each(['abort', 'return'])('by %s begins nothing more, and keeps no place', async (how) => {
    const manager = new AsyncTaskManager({ abortGrace: 20 })
    const controller = new AbortController()
    const begun: number[] = []
    function* input() {
      yield 1
      if (how === 'abort') controller.abort(new Error('stop'))
      // A generator that runs cannot be closed.
      else void results.return().catch(() => undefined)
      yield 2
    }
    const task = async (item: number) => {
      begun.push(item)
      if (item === 2) await new Promise(() => undefined)
    }
    const results = manager.map(task, input(), { signal: controller.signal, concurrency: 3 })
    await results.toArray().catch(() => undefined)
    await drain()
    expect([begun, manager.stats().running]).toEqual([[1], 0])
    await manager.terminate()
  })
})

test('a queue that has items times nobody out while it lets the event loop have its turn', async () => {
  const queue = new AsyncQueue<number>()
  for (let i = 0; i < 10; i++) queue.tryPut(i)
  const taken = await new Promise((resolve) => {
    setImmediate(() => {
      void queue.put(10)
      spin(6)
      const gets = [queue.get(), queue.get({ timeout: 2 }), queue.getMany(5, { timeout: 2 })]
      spin(4)
      resolve(Promise.all(gets))
    })
  })
  expect(taken).toEqual([0, 1, [2, 3, 4, 5, 6]])
  expect(queue.size).toBe(4)
})

test('a lane that stands in line twice leaves no ghost there: the manager is idle in the end', async () => {
  const manager = new AsyncTaskManager({ maxConcurrent: 2 })
  let release: (() => void) | undefined
  const running = manager.run(() => new Promise<void>((resolve) => (release = resolve)))
  // It does not fit, so a lane has its turn first, and its task pauses the manager.
  const heavy = rejectionOf(manager.run(() => 'heavy', { weight: 2 }))
  const task = (item: number) => {
    manager.pause()
    return item
  }
  const results = manager.map(task, [1, 2, 3, 4], { concurrency: 1 })
  const all = rejectionOf(results.toArray())
  await drain()
  await results.return()
  expect(await all).toMatchObject({ name: 'AbortError' })
  manager.clear()
  expect(await heavy).toMatchObject({ code: 'ERR_TASK_DROPPED' })
  release?.()
  await running
  await expect(manager.onIdle({ timeout: 1_000 })).resolves.toBeUndefined()
})

test('results that throw when they are read fail their batch, and the next one works', async () => {
  let isFirst = true
  const processor = new AsyncBatchProcessor<number, number>({
    batchSize: 1,
    process: (items) => {
      if (!isFirst) return [...items]
      isFirst = false
      return Object.defineProperty([0], 0, {
        get: () => {
          throw new Error('not to be read')
        },
      })
    },
  })
  expect(await rejectionOf(processor.add(1))).toMatchObject({ message: 'not to be read' })
  expect(await processor.add(2)).toBe(2)
})

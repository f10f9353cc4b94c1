import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from '@jest/globals'
import { drain } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

describe('the async context', () => {
  const storage = new AsyncLocalStorage<string>()

  test('of the caller is kept for tasks that begin at once, wait, and are begun by the end of another', async () => {
    const manager = managerWith({ maxConcurrent: 1, maxQueued: 1 })
    const seen: unknown[] = []
    const task = async () => {
      seen.push(storage.getStore())
      await drain()
      seen.push(storage.getStore())
    }
    const all = ['a', 'b', 'c'].map((name) => storage.run(name, () => manager.run(task)))
    await Promise.all([...all, manager.run(task)])
    expect(seen).toEqual(['a', 'a', 'b', 'b', 'c', 'c', undefined, undefined])
  })

  test('of whoever made a map is kept for all items and its input, whoever asks for results', async () => {
    const manager = managerWith({ maxConcurrent: 1 })
    const seen = new Set<unknown>()
    async function* input() {
      for (let item = 0; item < 20; item++) {
        seen.add(storage.getStore())
        yield item
      }
    }
    const spin = () => {
      seen.add(storage.getStore())
      for (const end = performance.now() + 1; performance.now() < end; );
    }
    const [one, two] = ['one', 'two'].map((name) => storage.run(name, () => manager.map(spin, input())))
    await storage.run('reader', () => Promise.all([one?.toArray(), two?.next(), manager.run(() => spin)]))
    expect(seen).toEqual(new Set(['one', 'two']))
  })

  test('is kept after a rest that another context has ordered', async () => {
    const manager = managerWith({ maxConcurrent: 4 })
    const seen = new Map<string, Set<unknown>>()
    const spin = (name: string) => {
      seen.set(name, (seen.get(name) ?? new Set()).add(storage.getStore()))
      for (const end = performance.now() + 0.5; performance.now() < end; );
    }
    const maps = ['one', 'two', 'three'].map((name) =>
      storage.run(name, () =>
        manager
          .map(
            spin,
            Array.from({ length: 30 }, () => name),
          )
          .toArray(),
      ),
    )
    await Promise.all(maps)
    expect([...seen]).toEqual(['one', 'two', 'three'].map((name) => [name, new Set([name])]))
  })
})

describe('what nobody looks at costs nothing', () => {
  test('no AbortController is made unless a body looks at its signal', async () => {
    const { AbortController } = globalThis
    let made = 0
    globalThis.AbortController = class extends AbortController {
      constructor() {
        super()
        made += 1
      }
    }
    try {
      const manager = managerWith({ maxConcurrent: 2 })
      const { signal } = new AbortController()
      await Promise.all([1, 2, 3].map(() => manager.run(async () => 1, { timeout: 1_000, signal })))
      await manager.map(async (n: number) => n, [1, 2, 3], { signal }).toArray()
      const id = await manager.submitTask(() => new Promise<void>((resolve) => setImmediate(resolve)))
      manager.cancelTask(id)
      expect(made).toBe(0)
      const signals = await manager.run(async (context) => [context.signal, context.signal])
      expect(signals[0]).toBe(signals[1])
      const ofItems = await manager.map((_, context) => context.signal, [1, 2]).toArray()
      expect(ofItems[0]).toBe(ofItems[1])
      expect(made).toBe(2)
    } finally {
      globalThis.AbortController = AbortController
    }
  })
})

describe('a backlog', () => {
  test('of 100,000 sync tasks does not overflow the stack, queued or begun by one another', async () => {
    const manager = managerWith({ maxConcurrent: 1, maxQueued: Number.POSITIVE_INFINITY })
    manager.pause()
    let runs = 0
    const all = Array.from({ length: 100_000 }, () => manager.run(() => ++runs))
    manager.resume()
    expect((await Promise.all(all)).at(-1)).toBe(100_000)
    const begin = () => {
      void manager.run(() => ++runs)
    }
    await manager.map(begin, Array.from({ length: 20_000 })).toArray()
    await manager.onIdle()
    expect(runs).toBe(120_000)
    expect(
      (
        await manager
          .map(
            (n: number) => n,
            Array.from({ length: 100_000 }, (_, n) => n),
          )
          .toArray()
      ).at(-1),
    ).toBe(99_999)
  })

  test('of 300,000 tasks lets timers breathe', async () => {
    const manager = managerWith({ maxConcurrent: 10, maxQueued: Number.POSITIVE_INFINITY })
    const task = async () => undefined
    manager.pause()
    let last: Promise<unknown> = Promise.resolve()
    for (let i = 0; i < 100_000; i++) last = manager.run(task)
    await drain()
    let longest = 0
    let before = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - before)
      before = now
    }, 1)
    const begun = before
    manager.resume()
    await last
    await manager.map(task, Array.from({ length: 200_000 })).toArray()
    clearInterval(timer)
    // A share of the whole, since a busy machine makes both longer: without a rest the timer comes two or three times.
    expect(longest).toBeLessThan((before - begun) / 4)
  })
})

test('each step of a task is published to those who subscribe', async () => {
  const events: unknown[] = []
  const listen = (event: unknown) => void events.push(event)
  const manager = managerWith({ maxConcurrent: 1, maxQueued: 1, whenFull: 'drop-newest' })
  const held = new HeldTasks()
  subscribe('heddle:async-patterns:task', listen)
  const id = await manager.submitTask(held.task('a'))
  const queued = await manager.submitTask(held.task('b'))
  await manager.run(() => 1).catch(() => undefined)
  manager.cancelTask(queued)
  held.end('a')
  await manager.drain()
  await manager.run(() => 1).catch(() => undefined)
  unsubscribe('heddle:async-patterns:task', listen)
  expect(events).toEqual([
    { event: 'started', id, running: 1, queued: 0 },
    { event: 'dropped', id: undefined, running: 1, queued: 1 },
    { event: 'cancelled', id: queued, running: 1, queued: 0 },
    { event: 'succeeded', id, running: 0, queued: 0 },
    { event: 'refused', id: undefined, running: 0, queued: 0 },
  ])
})

test('the statistics tell how long tasks waited and ran', async () => {
  const manager = managerWith({ maxConcurrent: 1 })
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  await Promise.all([manager.run(sleep, [20]), manager.run(sleep, [10]), manager.run(() => 1)])
  const { waitTimes, runTimes } = manager.stats()
  for (const times of [waitTimes, runTimes]) {
    expect(times.count).toBe(3)
    expect(times.p50).toBeLessThanOrEqual(times.p90)
    expect(times.p90).toBeLessThanOrEqual(times.p99)
    expect(times.p99).toBeLessThanOrEqual(times.max)
    expect(times.mean).toBeLessThanOrEqual(times.max)
  }
  // To the millisecond: timers fire up to one early, and the clock is not read for each task.
  expect(runTimes.max).toBeGreaterThanOrEqual(18)
  expect(waitTimes.max).toBeGreaterThanOrEqual(27)
  expect(managerWith().stats().waitTimes).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 })
})

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AsyncQueue, AsyncRateLimiter, AsyncTaskManager, TaskGroup } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'

const many = 120_000

/** How often a timer of 1 ms ticked while `work` was done. */
async function ticksDuring(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  await work()
  clearInterval(timer)
  return ticks
}

describe('a chain of a hundred thousand microtasks lets timers tick', () => {
  test('the control: promises alone do not', async () => {
    const ticks = await ticksDuring(async () => {
      for (let i = 0; i < many; i++) await Promise.resolve()
    })
    expect(ticks).toBe(0)
  })

  const chains: Record<string, () => Promise<void>> = {
    'put and get of a queue': async () => {
      const queue = new AsyncQueue<number>()
      for (let i = 0; i < many; i++) {
        await queue.put(i)
        await queue.get()
      }
    },
    'a queue and a loop over it': async () => {
      const queue = new AsyncQueue<number>({ capacity: 2 })
      const taken = (async () => {
        let sum = 0
        for await (const item of queue) sum += item
        return sum
      })()
      for (let i = 0; i < many; i++) await queue.put(i)
      queue.close()
      expect(await taken).toBe((many * (many - 1)) / 2)
    },
    'the backlog of a manager': async () => {
      const manager = new AsyncTaskManager({ maxConcurrent: 2, maxQueued: Number.POSITIVE_INFINITY })
      for (let i = 0; i < many / 3; i++) void manager.run(() => undefined)
      for (let i = 0; i < many / 3; i++) void manager.run(() => Promise.resolve())
      await manager.onIdle()
    },
    'a map over numbers': async () => {
      const manager = new AsyncTaskManager({ maxConcurrent: 4 })
      const results = await manager
        .map(
          async (n) => n,
          Array.from({ length: many }, (_, i) => i),
        )
        .toArray()
      expect(results).toHaveLength(many)
    },
    'the backlog of a group': async () => {
      const group = new TaskGroup({ maxConcurrent: 2 })
      for (let i = 0; i < many / 3; i++) void group.run(() => undefined)
      await group.join()
    },
  }

  test.each(Object.entries(chains))('%s', async (_, work) => {
    expect(await ticksDuring(work)).toBeGreaterThanOrEqual(3)
  })

  test('those who wait at a limiter for the same moment', async () => {
    const limiter = new AsyncRateLimiter(many, 400, { strict: true })
    limiter.tryAcquire(many)
    const ends = Array.from({ length: many }, () => limiter.acquire())
    await ends[0]
    expect(await ticksDuring(() => Promise.all(ends))).toBeGreaterThanOrEqual(3)
  })
})

describe('where a realm has nothing of Node', () => {
  /** What the program prints in a realm that has these globals and those that are needed. */
  function everythingIn(...globals: string[]): string[] {
    const file = fileURLToPath(new URL('fixtures/bare-realm.mjs', import.meta.url))
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
    const options = { encoding: 'utf8', timeout: 20_000 } as const
    return execFileSync(process.execPath, [...flags, file, 'everything', ...globals], options)
      .trimEnd()
      .split('\n')
  }

  const results = {
    AsyncMutex: ['ERR_TIMEOUT', 'next'],
    AsyncQueue: 1_250_025_000,
    AsyncTaskManager: [2, 'AbortError', 'ERR_TIMEOUT', [2, 4, 6], 5_000],
    AsyncProducerConsumer: [3, 2, 1],
    AsyncRateLimiter: 'ERR_TIMEOUT',
    AsyncKeyedRateLimiter: [true, false, true],
    AsyncBatchProcessor: [1, 2, 3],
    TaskGroup: ['AbortError', 'inner'],
    retry: 3,
    singleFlight: ['k', 'k', 'ERR_TIMEOUT'],
  }

  test('timers, a clock, signals and DOMException are enough for every class', () => {
    const [printed] = everythingIn()
    expect(JSON.parse(printed as string)).toEqual(results)
  })

  test('turns of the event loop are messages where there is no setImmediate', () => {
    const [printed, used] = everythingIn('MessageChannel')
    expect(JSON.parse(printed as string)).toEqual(results)
    expect(used).toBe('MessageChannel')
  })

  test('turns of the event loop are setImmediate where there is one', () => {
    expect(everythingIn('MessageChannel', 'setImmediate', 'queueMicrotask')[1]).toBe('setImmediate')
  })
})

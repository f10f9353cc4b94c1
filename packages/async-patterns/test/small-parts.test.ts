import { AsyncQueue, AsyncTaskManager } from '@heddle/async-patterns'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { drain } from './support/observe.js'
import { withFakeTime } from './verify/model.ts'

test('a queue holds what an array would, however it grows and goes round', () => {
  const step = fc.record({ put: fc.nat(40), take: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new AsyncQueue<number>({ capacity: Number.POSITIVE_INFINITY })
      const items: number[] = []
      let next = 0
      for (const { put, take } of steps) {
        for (let i = 0; i < put; i++, next++) {
          queue.tryPut(next)
          items.push(next)
        }
        for (let i = 0; i < take; i++) expect(queue.tryGet()?.item).toBe(items.shift())
        expect(queue.size).toBe(items.length)
      }
      expect(queue.clear()).toEqual(items)
    }),
    { numRuns: 50 },
  )
})

test('tasks begin as a stable sort by priority would have them, also when some are taken out', async () => {
  const priority = fc.constantFrom(-1.5, -0, 0, 0.5, 1, 1, 7, Number.MAX_VALUE, -Number.MAX_VALUE)
  const asked = fc.array(fc.record({ priority, isCancelled: fc.boolean() }), { maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(asked, async (tasks) => {
      const manager = new AsyncTaskManager({ maxConcurrent: 1 })
      manager.pause()
      const begun: number[] = []
      const controller = new AbortController()
      for (const [i, { priority, isCancelled }] of tasks.entries())
        manager
          .run(() => begun.push(i), isCancelled ? { priority, signal: controller.signal } : { priority })
          .catch(() => undefined)
      controller.abort()
      await manager.drain()
      const left = [...tasks.entries()].filter(([, { isCancelled }]) => !isCancelled)
      expect(begun).toEqual(left.sort(([, a], [, b]) => b.priority - a.priority).map(([i]) => i))
    }),
    { numRuns: 50 },
  )
})

test('percentiles of durations are exact to an eighth and never too small; count, mean and longest are exact', async () => {
  const duration = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 1_000_000 }))
  await fc.assert(
    fc.asyncProperty(fc.array(duration, { minLength: 1, maxLength: 40 }), (durations) =>
      withFakeTime(async (clock) => {
        const manager = new AsyncTaskManager()
        for (const ms of durations) {
          await drain()
          // Within one turn of the event loop the clock is read now and then.
          await manager.run(async () => {
            clock.elapsed += ms
            await drain()
          })
        }
        const { count, mean, max, ...percentiles } = manager.stats().runTimes
        const sorted = durations.sort((a, b) => a - b)
        expect([count, max]).toEqual([durations.length, sorted.at(-1)])
        expect(mean).toBeCloseTo(durations.reduce((sum, ms) => sum + ms, 0) / count, 6)
        for (const [name, share] of [
          ['p50', 0.5],
          ['p90', 0.9],
          ['p99', 0.99],
        ] as const) {
          const exact = sorted[Math.ceil(share * count) - 1] as number
          expect(percentiles[name]).toBeGreaterThanOrEqual(exact * (1 - 1e-9))
          expect(percentiles[name]).toBeLessThanOrEqual(exact * 1.125 + 0.001)
        }
      }),
    ),
    { numRuns: 50 },
  )
  expect(new AsyncTaskManager().stats().runTimes).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 })
})

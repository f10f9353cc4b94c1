import { AsyncSemaphore } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain } from './support/observe.js'

describe('the work for many waiters grows with their number, not with its square', () => {
  /** The processor time of this process that `work` takes, in microseconds; the best of five. */
  function cost<Prepared>(prepare: () => Prepared, work: (prepared: Prepared) => void): number {
    const costs = [1, 2, 3, 4, 5].map(() => {
      const prepared = prepare()
      const before = process.cpuUsage()
      work(prepared)
      const { user, system } = process.cpuUsage(before)
      return user + system
    })
    return Math.min(...costs)
  }

  /** As much of a signal as is needed: a real one costs more than the wait that hangs on it. */
  class PlainSignal {
    aborted = false
    readonly reason = 'stop'
    #listener = () => undefined

    addEventListener(_type: 'abort', listener: () => undefined): void {
      this.#listener = listener
    }

    abort(): void {
      this.aborted = true
      this.#listener()
    }
  }

  function waiters(count: number, signal?: AbortSignal) {
    const semaphore = new AsyncSemaphore(0)
    for (let i = 0; i < count; i++) semaphore.acquire({ signal }).catch(() => undefined)
    return semaphore
  }

  const works: [string, (count: number) => number][] = [
    [
      'waiting on one signal, and closing',
      (count) =>
        cost(
          () => new AbortController().signal,
          (signal) => waiters(count, signal).close(),
        ),
    ],
    [
      'aborting one signal',
      (count) =>
        cost(
          () => {
            const controller = new AbortController()
            waiters(count, controller.signal)
            return controller
          },
          (controller) => controller.abort('stop'),
        ),
    ],
    [
      'giving up one by one, the last first',
      (count) =>
        cost(
          () => {
            const semaphore = new AsyncSemaphore(0)
            return Array.from({ length: count }, () => {
              const signal = new PlainSignal()
              semaphore.acquire({ signal: signal as unknown as AbortSignal }).catch(() => undefined)
              return signal
            })
          },
          (signals) => {
            for (const signal of signals.reverse()) signal.abort()
          },
        ),
    ],
    [
      'releasing one by one',
      (count) =>
        cost(
          () => waiters(count),
          (semaphore) => {
            for (let i = 0; i < count; i++) semaphore.release()
            expect([semaphore.waiting, semaphore.availablePermits]).toEqual([0, 0])
          },
        ),
    ],
  ]

  test.each(works)('%s', async (_, costOf) => {
    costOf(3_200) // warms the code up
    // Enough for some milliseconds: less, and one collection of garbage is what is measured.
    const small = costOf(3_200)
    const large = costOf(51_200)
    // Sixteen times as many: about 16 when the work is linear, 256 when it is quadratic; a busy machine blurs both.
    expect(large / small).toBeLessThan(96)
    await drain()
  })
})

import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ChunkSizes } from '../build/maps/chunk-sizes.js'
import { DurationHistogram } from '../build/results/duration-histogram.js'
import { Job } from '../build/scheduling/job.js'
import { ReadyLine } from '../build/scheduling/ready-line.js'
import { TaskRecord } from '../build/tasks/task-record.js'

const record = () => new TaskRecord(1, { moduleUrl: 'file:///tasks.mjs', name: 'task' }, false, never)
/** What a level of priority is worth. */
const agingMs = 1_000

const never = { crashes: 0, errors: 0, timeouts: 0 }

function job(number: number, since: number, priority: number): Job {
  const limits = {
    timeout: undefined,
    signal: undefined,
    priority,
    transfer: undefined,
    onProgress: undefined,
    retries: undefined,
    stream: undefined,
  }
  const ignore = () => undefined
  return new Job(record(), undefined, priority === 0 ? undefined : limits, since, number, ignore, ignore)
}

/** Quicker than `expect`, for what is compared often. */
function same(real: unknown, naive: unknown): void {
  if (real !== naive) throw new Error(`${inspect(real)} is not ${inspect(naive)}`)
}

describe('the line of jobs', () => {
  const due = (each: Job) => each.since - agingMs * each.priority

  test('gives what a sorted list would, whatever comes and leaves', () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('push' as const),
          pause: fc.nat(1_500),
          priority: fc.constantFrom(0, 0, 1, 2, 3, -1, -2, 0.5),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('putBack' as const) }) },
    )
    const schedules = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const line = new ReadyLine()
      let naive: Job[] = []
      let taken: Job[] = []
      let now = 0
      let number = 0
      for (const each of steps) {
        if (each.kind === 'push') {
          now += each.pause + 1
          number += 1
          const next = job(number, now, each.priority)
          line.push(next)
          naive.push(next)
        } else if (each.kind === 'shift') {
          const { head } = line
          const [first] = naive
          same(head, first)
          if (head) {
            line.remove(head)
            naive.shift()
            taken = [head]
          }
        } else if (each.kind === 'leave') {
          const leaving = naive[each.which % Math.max(1, naive.length)]
          if (!leaving) continue
          line.remove(leaving)
          naive = naive.filter((other) => other !== leaving)
        } else {
          for (const back of taken) {
            line.pushBack(back)
            naive.unshift(back)
          }
          taken = []
        }
        naive = naive
          .map((one, place) => ({ one, place }))
          .sort((a, b) => due(a.one) - due(b.one) || a.one.number - b.one.number)
          .map(({ one }) => one)
        same(line.size, naive.length)
        same(line.head, naive[0])
        const least = [...naive].sort((a, b) => a.priority - b.priority || a.number - b.number)[0]
        same(line.leastUrgent, least)
        same(line.all().length, naive.length)
      }
      const rest: Job[] = []
      for (let head = line.head; head; head = line.head) {
        line.remove(head)
        rest.push(head)
      }
      same(rest.length, naive.length)
      for (const [index, each] of rest.entries()) same(each, naive[index])
    })
    expect(() => fc.assert(schedules, { numRuns: 300 })).not.toThrow()
  })

  test('one that leaves from the middle does not put another in the wrong place', () => {
    const line = new ReadyLine()
    // As they come they are a heap: what is late on one side, what is early on the other.
    const times = [1, 100, 2, 101, 102, 3, 4, 103, 104, 105, 106, 5, 6, 7, 8]
    const jobs = times.map((since, index) => job(index, since, 1))
    for (const each of jobs) line.push(each)
    line.remove(jobs[3] as Job)
    const order: number[] = []
    for (let head = line.head; head; head = line.head) {
      order.push(head.since)
      line.remove(head)
    }
    expect(order).toEqual(times.filter((since) => since !== 101).toSorted((one, two) => one - two))
  })

  test('a level of priority is worth a second: nobody waits for ever', () => {
    const line = new ReadyLine()
    const [early, late, urgent] = [job(1, 0, 0), job(2, 999, 1), job(3, 1_001, 1)]
    for (const each of [early, late, urgent]) line.push(each)
    expect(line.head).toBe(late)
    line.remove(late)
    expect(line.head).toBe(early)
    line.remove(early)
    expect(line.head).toBe(urgent)
  })
})

describe('durations', () => {
  const percentile = (sorted: readonly number[], share: number) =>
    sorted[Math.ceil(share * sorted.length) - 1] as number

  test('percentiles are never too low, and too high by an eighth at most', () => {
    const duration = fc.oneof(
      fc.double({ min: 0, max: 0.05, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 200, size: 'max' }), (durations) => {
        const histogram = new DurationHistogram()
        for (const each of durations) histogram.record(each)
        const sorted = durations.toSorted((a, b) => a - b)
        const { count, mean, max, p50, p90, p99 } = histogram.stats()
        expect(count).toBe(durations.length)
        expect(mean).toBeCloseTo(durations.reduce((sum, each) => sum + each, 0) / count, 3)
        expect(max).toBe(sorted.at(-1))
        for (const [share, found] of [
          [0.5, p50],
          [0.9, p90],
          [0.99, p99],
        ] as const) {
          const real = percentile(sorted, share)
          const isRight = found >= real - 1e-9 && found <= (Math.ceil(real * 1000) / 1000) * 1.125 + 0.001
          if (!isRight) throw new Error(`${share} is ${real}, and not ${found}`)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('nothing recorded is all zero; many at once count as many; hours are in the last bucket', () => {
    const histogram = new DurationHistogram()
    expect(histogram.stats()).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 })
    histogram.record(2, 99)
    histogram.record(10_000_000)
    const stats = histogram.stats()
    expect(stats).toMatchObject({ count: 100, max: 10_000_000 })
    expect(stats.p99).toBeLessThan(2.26)
    const hours = new DurationHistogram()
    hours.record(3_600_000)
    hours.record(7_200_000)
    expect(hours.stats()).toMatchObject({ p50: 7_200_000, max: 7_200_000 })
  })
})

describe('the sizes of chunks', () => {
  const sizesOf = (
    meanMs: number | undefined,
    chunkSize: number | 'auto',
    concurrency: number | undefined,
    workers: number,
  ) => {
    const task = record()
    task.meanMs = meanMs
    return new ChunkSizes(task, chunkSize, concurrency, workers)
  }

  test('one item until the task was measured and an item has settled, then twice as many each time, up to 8 ms of them', () => {
    const task = record()
    const sizes = new ChunkSizes(task, 'auto', undefined, 2)
    expect(sizes.next(0, 1, 0, undefined)).toBe(1)
    task.meanMs = 1
    expect(sizes.next(0, 0, 0, undefined)).toBe(1)
    const next = Array.from({ length: 5 }, () => sizes.next(0, 1, 0, undefined))
    expect(next).toEqual([2, 4, 8, 8, 8])
  })

  test('never more than a quarter of the share of each worker of what is left, where that is known', () => {
    const sizes = sizesOf(0, 'auto', undefined, 2)
    expect([100, 100, 100, 100, 100, 17, 16, 1].map((left) => sizes.next(0, 1, 0, left))).toEqual([
      2, 4, 8, 13, 13, 3, 2, 1,
    ])
  })

  test('as a number they are that number, and fewer only where concurrency allows no more', () => {
    expect(sizesOf(1, 10, undefined, 2).next(0, 1, 0, 3)).toBe(10)
    expect(sizesOf(1, 10, 4, 2).next(0, 1, 0, 3)).toBe(4)
    expect(sizesOf(1, 10, 25, 2).next(10, 1, 1, undefined)).toBe(10)
    // What is left of the room is less than a chunk.
    expect(sizesOf(1, 10, 25, 2).next(20, 1, 2, undefined)).toBe(0)
    expect(sizesOf(1, 10, 25, 2).next(20, 1, 0, undefined)).toBe(5)
    expect(sizesOf(1, 10, 25, 2).next(25, 1, 0, undefined)).toBe(0)
  })

  test('with concurrency they are spread over the workers', () => {
    const sizes = sizesOf(0, 'auto', 12, 3)
    expect([sizes.next(0, 1, 0, undefined), sizes.next(2, 1, 1, undefined)]).toEqual([2, 2])
    expect(sizesOf(0, 'auto', 2, 3).next(0, 1, 0, undefined)).toBe(1)
  })

  test('without it there are two chunks for each worker under way', () => {
    const sizes = sizesOf(undefined, 'auto', undefined, 2)
    expect([0, 1, 2, 3, 4].map((underWay) => sizes.next(underWay, 0, underWay, undefined))).toEqual([1, 1, 1, 1, 0])
  })
})

describe('what is known of a task', () => {
  test('its mean moves by a fifth of the way, and envelopes of a short one double up to 512', () => {
    const task = record()
    expect([task.isShort, task.envelopeSize(10_000, 1)]).toEqual([false, 1])
    task.noteRuns(10, 1)
    expect(task.meanMs).toBeCloseTo(0.1)
    expect(task.isShort).toBe(false)
    task.noteRuns(1, 0)
    expect(task.meanMs).toBeCloseTo(0.08)
    task.meanMs = 0
    const sizes = Array.from({ length: 11 }, () => task.envelopeSize(10_000, 1))
    expect(sizes).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512])
    expect(task.envelopeSize(10, 2)).toBe(3)
    task.meanMs = 1
    expect(task.envelopeSize(10, 2)).toBe(1)
  })
})

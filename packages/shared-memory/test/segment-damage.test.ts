import { Segment } from '@heddle/shared-memory'
import { ReadWriteLock, Semaphore } from '@heddle/sync-primitives'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { outcomeOf } from './support/outcome.js'

let segment: Segment
let whole: Int32Array

beforeEach(() => {
  segment = Segment.create({ size: 1 << 17, participants: 8 })
})

afterEach(() => {
  segment.close()
})

/** Each word of an object in turn, set to each of these, while `use` uses it. What comes is an answer, or one of our errors. */
function damageEach(index: number, count: number, values: readonly number[], use: () => unknown): unknown[] {
  whole = segment.words.slice()
  const strange: unknown[] = []
  for (let at = index; at < index + count; at++)
    for (const value of values) {
      segment.words[at] = value
      const outcome = outcomeOf(use)
      if (outcome instanceof Error && typeof (outcome as { code?: unknown }).code !== 'string')
        strange.push([at - index, value, outcome.message])
      segment.words.set(whole)
    }
  return strange
}

const values = [0, 1, 2, 8, -1, 26_407, 2 ** 30]

test('a semaphore with any one word damaged does not hang, also when the word names a participant that never was', () => {
  const semaphore = new Semaphore(3, { memory: segment })
  const { index } = semaphore.toHandle()
  expect(damageEach(index, 80, values, () => semaphore.acquireSync({ timeout: 5 }).release())).toEqual([])
})

test('a read-write lock with any one word damaged neither hangs nor calls itself for ever', () => {
  const lock = new ReadWriteLock({ memory: segment })
  const { index } = lock.toHandle()
  const use = () => {
    lock.acquireReadSync({ timeout: 5 }).release()
    lock.acquireWriteSync({ timeout: 5 }).release()
  }
  expect(damageEach(index, 16, values, use)).toEqual([])
})

test('a damaged number of participants keeps nobody from waking others', () => {
  const semaphore = new Semaphore(1, { memory: segment })
  const lock = new ReadWriteLock({ memory: segment })
  const use = () => {
    semaphore.acquireSync({ timeout: 5 }).release()
    lock.acquireWriteSync({ timeout: 5 }).release()
    segment.notify(semaphore.toHandle().index, 1)
  }
  expect(damageEach(segment.highestSlotIndex, 1, [...values, 2 ** 31 - 1], use)).toEqual([])
})

import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Semaphore } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { rejectionOf, turnsOfTheLoop } from './support/until.js'

/** The permits to look for a free slot and for an item, which no user sees. */
function permitsOf(queue: ThreadSafeQueue<number>): { free: Semaphore; filled: Semaphore } {
  const { freeSlots, filledSlots } = queue.toHandle()
  return { free: Semaphore.fromHandle(freeSlots), filled: Semaphore.fromHandle(filledSlots) }
}

function countsOf(queue: ThreadSafeQueue<number>): [free: number, filled: number] {
  const { free, filled } = permitsOf(queue)
  return [free.availablePermits, filled.availablePermits]
}

test('there are as many permits as free slots and items, whatever came and went', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 3 })
  for (let round = 0; round < 30; round++) {
    queue.putSync(1)
    expect(countsOf(queue)).toEqual([2, 1])
    await queue.put(2)
    queue.tryPut(3)
    queue.tryPut(4)
    expect(countsOf(queue)).toEqual([0, 3])
    queue.tryGet()
    queue.getSync()
    expect(countsOf(queue)).toEqual([2, 1])
    await queue.get()
    queue.tryGet()
    expect(countsOf(queue)).toEqual([3, 0])
  }
})

test.each([1, 2])('getters that were woken use a permit each, and leave those of other items: %p', async (getters) => {
  const queue = new ThreadSafeQueue<number>({ capacity: 3 })
  const other = ThreadSafeQueue.fromHandle<number>(queue.toHandle())
  const got = Array.from({ length: getters }, () => queue.get())
  for (const item of [1, 2, 3]) other.putSync(item)
  expect(await Promise.all(got)).toEqual([1, 2].slice(0, getters))
  await turnsOfTheLoop()
  expect([queue.size, ...countsOf(queue)]).toEqual([3 - getters, getters, 3 - getters])
})

test('a putter that was woken uses one permit, and leaves those of other slots', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 3 })
  const other = ThreadSafeQueue.fromHandle<number>(queue.toHandle())
  for (const item of [1, 2, 3]) queue.putSync(item)
  const put = queue.put(4)
  for (const item of [1, 2, 3]) expect(other.getSync()).toBe(item)
  await put
  await turnsOfTheLoop()
  expect([queue.size, ...countsOf(queue)]).toEqual([1, 2, 1])
})

test('a permit that comes when nobody waits any more goes back', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 1 })
  const { filled } = permitsOf(queue)
  // One permit too many, which the protocol allows: the getter takes it and looks in vain.
  filled.release()
  const controller = new AbortController()
  const got = rejectionOf(queue.get({ signal: controller.signal }))
  expect(filled.availablePermits).toBe(0)
  controller.abort('gone')
  expect(await got).toBe('gone')
  await turnsOfTheLoop()
  expect(filled.availablePermits).toBe(1)
})

test('a permit too many is used up by the next who waits, and he waits on', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 1 })
  const { filled } = permitsOf(queue)
  filled.release(3)
  const got = queue.get()
  await turnsOfTheLoop()
  expect(filled.availablePermits).toBe(0)
  queue.putSync(1)
  expect(await got).toBe(1)
  filled.release(3)
  expect(() => queue.getSync({ timeout: 1 })).toThrow('no item in time')
  await turnsOfTheLoop()
  expect(countsOf(queue)).toEqual([1, 0])
})

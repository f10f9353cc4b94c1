import { Segment, SharedArray, SharedDict } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { expect, test } from '@jest/globals'
import { segmentTasks } from './fixtures/segment-tasks.mjs'

test('a mutex, an array and a dict of a segment reach a task as themselves, and come back as themselves', async () => {
  await using pool = new ThreadPoolManager({ maxWorkers: 2 })
  using segment = Segment.create({ size: 1 << 20 })
  const mutex = new Mutex({ memory: segment })
  const array = new SharedArray('i', 2, { memory: segment })
  const dict = new SharedDict<number>({ memory: segment })
  const results = await Promise.all([1, 2, 3, 4].map(() => pool.run(segmentTasks.add, [mutex, array, dict, 50])))
  expect([...array, dict.get('sum')]).toEqual([200, 200, 200])
  expect(Math.max(...results.map(({ sum }) => sum))).toBe(200)
  results[0]?.dict.set('sum', 7)
  expect(dict.get('sum')).toBe(7)
  expect(await pool.run(segmentTasks.size, [segment])).toBe(1 << 20)
})

test('an object of a closed segment is refused before anything is sent', async () => {
  await using pool = new ThreadPoolManager({ maxWorkers: 1 })
  const segment = Segment.create({ size: 1 })
  const mutex = new Mutex({ memory: segment })
  const array = new SharedArray('i', 2, { memory: segment })
  const dict = new SharedDict<number>({ memory: segment })
  segment.close()
  await expect(pool.run(segmentTasks.add, [mutex, array, dict, 1])).rejects.toMatchObject({
    code: 'ERR_CLOSED',
  })
})

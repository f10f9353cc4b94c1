import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import { QueueWorker } from './support/queue-worker.js'

/** Ended at a random moment within its operations, again and again: that may be inside the queue's own lock. */
test('threads that are terminated while they put and get leave a queue that is whole, in order and open for others', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 8 })
  for (let round = 0; round < 12; round++) {
    const worker = await QueueWorker.withQueues({ queue })
    worker.run('churn', { name: 'queue' }).catch(() => {})
    const begun = queue.getStats().putCount
    while (queue.getStats().putCount < begun + 200 + round * 37) await new Promise((resolve) => setImmediate(resolve))
    await worker.terminate()

    const left: number[] = []
    for (let next = queue.tryGet(); next; next = queue.tryGet()) left.push(next.item)
    expect(left).toEqual([...left].sort((a, b) => a - b))
    const { putCount, getCount } = queue.getStats()
    expect({ size: queue.size, uncounted: putCount - getCount }).toEqual({ size: 0, uncounted: 0 })

    for (let item = 0; item < 8; item++) await queue.put(item, { timeout: 5_000 })
    expect(queue.tryPut(8)).toBe(false)
    for (let item = 0; item < 8; item++) expect(await queue.get({ timeout: 5_000 })).toBe(item)
  }
})

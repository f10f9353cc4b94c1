import { setTimeout } from 'node:timers/promises'
// Not for their types alone: see tasks.ts.
import '@heddle/ipc-channels'
import '@heddle/sync-primitives'
import type { ThreadSafeQueue } from '@heddle/ipc-channels'
import type { Latch, ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

export interface Item {
  readonly producer: number
  readonly n: number
}

/** Blocks its thread whenever the queue is full. */
export const putItems = defineTask(
  import.meta.url,
  'putItems',
  (queue: ThreadSafeQueue<Item>, producer: number, count: number) => {
    for (let n = 0; n < count; n++) queue.putSync({ producer, n })
  },
)

/** Takes items until the queue is closed and empty. */
export const takeItems = defineTask(import.meta.url, 'takeItems', async (queue: ThreadSafeQueue<Item>) => {
  const items: Item[] = []
  for await (const item of queue) items.push(item)
  return items
})

/** Gives the next number up to `last`, whichever thread asks, and counts down what is left; then undefined. */
export const nextNumber = defineTask(
  import.meta.url,
  'nextNumber',
  (counter: ThreadSafeCounter, last: number, left: Latch) => {
    const n = counter.increment()
    if (n > last) return undefined
    left.countDown()
    return n
  },
)

export const addTo = defineTask(import.meta.url, 'addTo', (n: number, sum: ThreadSafeCounter) => {
  sum.increment(n)
})

export const exampleProducer = defineTask(import.meta.url, 'exampleProducer', async () => {
  await setTimeout(100) // Simulate work
  return `Item_${Date.now() / 1_000}`
})

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

/** Takes items until the queue is closed and empty. Returns them, and how often more seemed taken than put. */
export const takeItems = defineTask(import.meta.url, 'takeItems', async (queue: ThreadSafeQueue<Item>) => {
  const items: Item[] = []
  let tooMany = 0
  for await (const item of queue) {
    items.push(item)
    const { putCount, getCount } = queue.getStats()
    if (getCount > putCount) tooMany += 1
  }
  return { items, tooMany }
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

export interface NumberedItem {
  readonly number: number
  readonly item: string
}

/** The document's example_producer, which also counts what it has produced, and numbers it. */
export const exampleProducer = defineTask(
  import.meta.url,
  'exampleProducer',
  async (produced: ThreadSafeCounter): Promise<NumberedItem> => {
    await setTimeout(100) // Simulate work
    return { number: produced.increment(), item: `Item_${Date.now() / 1_000}` }
  },
)

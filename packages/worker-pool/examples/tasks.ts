import { setTimeout } from 'node:timers/promises'
import { defineTask, taskContext } from '@heddle/worker-pool'

// Not in main.ts: each worker imports this module, and must find nothing but tasks in it.
export const sumOfSquares = defineTask(import.meta.url, 'sumOfSquares', (numbers: readonly number[]) =>
  numbers.reduce((sum, n) => sum + n * n, 0),
)

export const search = defineTask(import.meta.url, 'search', async (candidates: number) => {
  const { signal, progress } = taskContext()
  for (let tried = 1; tried <= candidates; tried++) {
    progress(tried)
    // Rejects when nobody waits any longer: so this worker need not be ended.
    await setTimeout(10, undefined, { signal })
  }
})

export const countUp = defineTask(import.meta.url, 'countUp', function* (last: number) {
  for (let n = 1; n <= last; n++) yield n
})

export const spin = defineTask(import.meta.url, 'spin', (what?: string): never => {
  if (what === 'exit') process.exit(3)
  for (;;);
})

export const crashOnce = defineTask(
  import.meta.url,
  'crashOnce',
  () => {
    const { attempt } = taskContext()
    if (attempt === 1) process.exit(1)
    return `attempt ${attempt}`
  },
  // It may run twice, so it is run again when a worker ends under it.
  { idempotent: true },
)

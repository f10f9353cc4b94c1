// Not for its types alone: a worker opens the handle of a shared object only if the object's package was imported there.
import '@heddle/sync-primitives'
import type { ManualResetEvent, ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

/** What the threads of the demo's pools do. */
export const countTo = defineTask(import.meta.url, 'countTo', (counter: ThreadSafeCounter, times: number) => {
  for (let time = 0; time < times; time++) counter.increment()
})

/** Counts on one by one, but never beyond `limit`, together with all others. Returns how often it has. */
export const countUpTo = defineTask(import.meta.url, 'countUpTo', (counter: ThreadSafeCounter, limit: number) => {
  let counted = 0
  for (let seen = counter.getValue(); seen < limit; seen = counter.getValue())
    if (counter.compareAndSet(seen, seen + 1)) counted += 1
  return counted
})

export const sumOfSquares = defineTask(import.meta.url, 'sumOfSquares', (last: number) => {
  if (last < 0) throw new RangeError(`cannot count to ${last}`)
  let sum = 0
  for (let n = 1; n <= last; n++) sum += n * n
  return sum
})

/** Is not done before somebody opens the gate. */
export const sumBehindGate = defineTask(import.meta.url, 'sumBehindGate', (gate: ManualResetEvent, last: number) => {
  gate.waitSync()
  return sumOfSquares(last)
})

import '@heddle/sync-primitives'
import type { Barrier, Semaphore, ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

export const visit = defineTask(
  import.meta.url,
  'visit',
  (semaphore: Semaphore, barrier: Barrier, counter: ThreadSafeCounter) => {
    {
      using _permit = semaphore.acquireSync() // released at the end of the block
      counter.increment()
    }
    return barrier.waitSync().serial
  },
)

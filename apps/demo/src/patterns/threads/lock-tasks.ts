import { setTimeout } from 'node:timers/promises'
// Not for their types alone: see tasks.ts.
import '@heddle/ipc-channels'
import '@heddle/sync-primitives'
import type { ThreadSafeQueue } from '@heddle/ipc-channels'
import type { Barrier, ReadWriteLock, Semaphore, ThreadSafeCounter } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

/** Returns only when all who are to meet are inside at the same time: in which place this one came. */
export const readTogether = defineTask(import.meta.url, 'readTogether', (lock: ReadWriteLock, meeting: Barrier) => {
  using _reading = lock.acquireReadSync()
  return meeting.waitSync().index
})

/** Adds to both numbers, and between the two leaves time for others to come. */
export const addToBoth = defineTask(
  import.meta.url,
  'addToBoth',
  (lock: ReadWriteLock, pair: Int32Array, times: number) => {
    for (let time = 0; time < times; time++) {
      using _writing = lock.acquireWriteSync()
      const [first = 0, second = 0] = pair
      pair[0] = first + 1
      blockForMs(1)
      pair[1] = second + 1
    }
  },
)

/** Returns how often the two numbers were not equal. */
export const compareBoth = defineTask(
  import.meta.url,
  'compareBoth',
  (lock: ReadWriteLock, pair: Int32Array, times: number) => {
    let unequal = 0
    for (let time = 0; time < times; time++) {
      if (lock.runReadSync(() => pair[0] !== pair[1])) unequal += 1
      blockForMs(1)
    }
    return unequal
  },
)

/** Returns, for each round, whether this party was the last one, and in which round all arrivals were when it had passed. */
export const passRounds = defineTask(
  import.meta.url,
  'passRounds',
  (barrier: Barrier, arrivals: ThreadSafeCounter, rounds: number) =>
    Array.from({ length: rounds }, () => {
      arrivals.increment()
      const { serial } = barrier.waitSync()
      // Those that are ahead have arrived once more; not all of them, since this one has not.
      return { serial, round: Math.floor(arrivals.getValue() / barrier.parties) }
    }),
)

/** In each round all come together, and go inside, where each meets another one. Returns how many were inside at a time. */
export const enter = defineTask(
  import.meta.url,
  'enter',
  (semaphore: Semaphore, outside: Barrier, meeting: Barrier, inside: ThreadSafeCounter, rounds: number) => {
    let most = 0
    for (let round = 0; round < rounds; round++) {
      outside.waitSync()
      using _permit = semaphore.acquireSync()
      most = Math.max(most, inside.increment())
      meeting.waitSync()
      inside.decrement()
    }
    return most
  },
)

/** Ends its thread with a permit in its hands. */
export const dieInside = defineTask(import.meta.url, 'dieInside', (semaphore: Semaphore): never => {
  semaphore.acquireSync()
  process.exit(1)
})

export const workerWithBarrier = defineTask(
  import.meta.url,
  'workerWithBarrier',
  async (barrier: Barrier, workerId: number, lines: ThreadSafeQueue<string>, timeout: number) => {
    await lines.put(`Worker ${workerId} starting`)
    await setTimeout(20 + 100 * Math.random()) // Simulate work
    await lines.put(`Worker ${workerId} waiting at barrier`)
    await barrier.wait({ timeout })
    await lines.put(`Worker ${workerId} passed barrier`)
  },
)

export const workerWithSemaphore = defineTask(
  import.meta.url,
  'workerWithSemaphore',
  async (semaphore: Semaphore, workerId: number, lines: ThreadSafeQueue<string>) => {
    using _permit = await semaphore.acquire()
    await lines.put(`Worker ${workerId} acquired semaphore`)
    await setTimeout(20 + 100 * Math.random()) // Simulate work
    await lines.put(`Worker ${workerId} releasing semaphore`)
  },
)

function blockForMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms)
}

import { AsyncBatchProcessor, AsyncQueue, AsyncRateLimiter, AsyncTaskManager } from '@heddle/async-patterns'

/** A manager that takes all that comes, and runs so many at a time. */
export function newManager(maxConcurrent: number): AsyncTaskManager {
  return new AsyncTaskManager({ maxConcurrent, maxQueued: Number.POSITIVE_INFINITY })
}

export function newQueue<T>(capacity: number): AsyncQueue<T> {
  return new AsyncQueue<T>({ capacity })
}

export function newLimiter(rate: number, per: number, strict: boolean): AsyncRateLimiter {
  return new AsyncRateLimiter(rate, per, { strict })
}

/** Batches of so many items; what is left over goes after a while, and any number may wait. */
export function newBatches<T, R>(
  batchSize: number,
  process: (items: readonly T[]) => Promise<R[]>,
): AsyncBatchProcessor<T, R> {
  return new AsyncBatchProcessor<T, R>({ batchSize, flushInterval: 10, maxPending: Number.POSITIVE_INFINITY, process })
}

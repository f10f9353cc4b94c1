import { type Semaphore, TimeoutError } from '@heddle/sync-primitives'

/**
 * Takes a permit that no guard stands for, and blocks this thread until there is one or `timeout` milliseconds have passed.
 *
 * @returns whether it took one
 */
export function takePermit(permits: Semaphore, timeout: number): boolean {
  try {
    permits.acquireSync({ timeout }).detach()
    return true
  } catch (error) {
    if (error instanceof TimeoutError) return false
    throw error
  }
}

/** Takes a permit away if there is one. Does not block. */
export function dropPermit(permits: Semaphore): void {
  // Not by tryAcquire: it leaves the permit to those of this thread who await one.
  if (permits.availablePermits > 0) takePermit(permits, 0)
}

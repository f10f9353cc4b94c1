/** The obvious slow semaphore: arrays that are searched from the front, and a clock that is moved by hand. */
export class NaiveSemaphore {
  constructor(permits: number, bound: number)
  free: number
  readonly waiting: readonly unknown[]
  /** The ids of those who were served, in the order they were. */
  readonly grants: number[]
  /** By id: 'granted', 'aborted', or the code of the error. Those who still wait are missing. */
  readonly endings: Record<number, string>
  /** How many timers should run: one for each who waits with a timeout, one for all others together. */
  readonly timers: number
  acquire(id: number, permits: number, signal: number | undefined, timeout: number | undefined): void
  /** 'done', 'refused', or the code of the error; the two releases likewise. */
  tryAcquire(id: number, permits: number): string
  release(permits: number): string
  releaseGuard(id: number): string
  detachGuard(id: number): string
  /** Whether it holds, and what. */
  guard(id: number): [held: boolean, permits: number]
  abort(signal: number): void
  pass(ms: number): void
  close(): void
}

/** The time that an object goes by. Give your own to test what takes time, or to replay it. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number
  /** Calls `callback` once, `ms` milliseconds or a little more from now. `ms` is at most 2,147,483,647. */
  setTimeout(callback: () => void, ms: number): unknown
  /** Takes back what `setTimeout` returned; does nothing if that was called already. */
  clearTimeout(timer: unknown): void
}

/** The longest delay that timers take without wrapping around, in milliseconds. */
export const longestTimerMs = 2 ** 31 - 1

/** The monotonic clock of the platform. It looks its functions up at each call, so that fake timers of test tools reach it. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/**
 * The seam between an algorithm and the memory that it runs in. A primitive knows nothing else of its memory, so that the
 * same lines serve threads today and processes when a mapped segment implements this interface.
 */
export interface Memory {
  /** The shared words. A fixed-length view: a length-tracking one costs 18 to 36 times as much. */
  readonly words: Int32Array
  /**
   * This thread's number in this memory: 1 or more, never given to another thread. It is what a lock word holds while this
   * thread owns the lock, shifted left by one.
   */
  readonly participant: number
  /** Takes `count` zeroed words, on cache lines of their own; -1 if there is no room. They are never given back. */
  allocate(count: number): number
  /** Blocks this thread while `words[index] === expected`, at most `timeout` milliseconds; may return early. */
  wait(index: number, expected: number, timeout: number): void
  /** The same without blocking; undefined means that there is nothing to wait for. Does not keep the process alive. */
  waitAsync(index: number, expected: number, timeout: number): Promise<unknown> | undefined
  /** Wakes up to `count` threads that wait on `words[index]`. */
  notify(index: number, count: number): void
}

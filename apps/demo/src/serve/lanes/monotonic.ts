/**
 * Microseconds of the system's monotonic clock, modulo 2³² as a signed word. All threads and processes of a machine read the
 * same clock, which `performance.now()` is not.
 */
export function monotonicWord(): number {
  return Number(BigInt.asIntN(32, process.hrtime.bigint() / 1_000n))
}

/** Milliseconds since this was made, of the same clock. */
export class Clock {
  readonly #began = process.hrtime.bigint()

  now(): number {
    return Number(process.hrtime.bigint() - this.#began) / 1e6
  }

  /** The time that a {@link monotonicWord} of the last half hour stands for. */
  timeOf(word: number): number {
    return this.now() - ((monotonicWord() - word) | 0) / 1_000
  }
}

import { setImmediate } from 'node:timers/promises'

const sliceMs = 4

/** Lets a long synchronous job stand back for signals, timers and messages, and stop where it was told to. */
export class Slices {
  readonly #signal: AbortSignal
  #begun = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Whether it is time to `await` {@link Slices.pause}. */
  get over(): boolean {
    return performance.now() - this.#begun >= sliceMs
  }

  /** @throws the signal's reason when it has aborted */
  async pause(): Promise<void> {
    await setImmediate()
    this.#signal.throwIfAborted()
    this.#begun = performance.now()
  }
}

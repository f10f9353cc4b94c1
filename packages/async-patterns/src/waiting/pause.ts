import { type Abortable, type AbortWatch, watchAbort } from './abort-registry.js'
import { Deadline, type Timed } from './deadline.js'

class Pause implements Abortable, Timed {
  readonly #resolve: () => void
  readonly #reject: (reason: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #watch: AbortWatch | undefined
  readonly #deadline: Deadline

  constructor(ms: number, signal: AbortSignal | undefined, resolve: () => void, reject: (reason: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
    this.#signal = signal
    this.#watch = signal === undefined ? undefined : watchAbort(signal, this)
    this.#deadline = new Deadline(ms, this)
  }

  onAbort(): void {
    this.#deadline.cancel()
    this.#reject(this.#signal?.reason)
  }

  onDeadline(): void {
    this.#watch?.remove(this)
    this.#resolve()
  }
}

/** Resolves `ms` milliseconds from now, never earlier, and rejects with the reason of `signal` as soon as that aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    new Pause(ms, signal, resolve, reject)
  })
}

/** What is told when a signal aborts. */
export interface Abortable {
  onAbort(): void
}

/**
 * Everything that hangs on one signal, behind one listener: adding and removing listeners one by one is quadratic in Node
 * (60,000 on one signal take seconds).
 *
 * Invariant: the signal has our listener exactly as long as something hangs on it.
 */
class Watch {
  readonly #signal: AbortSignal
  readonly #hanging = new Set<Abortable>()
  /** The one that is being told, and leaves meanwhile: taking each out of a large set would cost as much as telling it. */
  #told: Abortable | undefined
  readonly #listener = (): void => {
    watches.delete(this.#signal)
    // Telling one may settle others of them: what has left by its turn is not told.
    for (const abortable of this.#hanging) {
      this.#told = abortable
      abortable.onAbort()
    }
    this.#told = undefined
    this.#hanging.clear()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  add(abortable: Abortable): void {
    this.#hanging.add(abortable)
  }

  remove(abortable: Abortable): void {
    if (abortable === this.#told) return
    this.#hanging.delete(abortable)
    if (this.#hanging.size > 0 || watches.get(this.#signal) !== this) return
    watches.delete(this.#signal)
    this.#signal.removeEventListener('abort', this.#listener)
  }
}

const watches = new WeakMap<AbortSignal, Watch>()

/** What {@link watchAbort} returned; the way to take it back. */
export type AbortWatch = Watch

/**
 * Calls `abortable.onAbort()` once when the signal aborts, unless it was removed from the returned watch before. The signal
 * must not be aborted yet.
 */
export function watchAbort(signal: AbortSignal, abortable: Abortable): AbortWatch {
  let watch = watches.get(signal)
  if (watch === undefined) {
    watch = new Watch(signal)
    watches.set(signal, watch)
  }
  watch.add(abortable)
  return watch
}

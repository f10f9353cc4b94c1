interface Entry {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

/** One listener per signal, however many waits hang on it: adding and removing listeners one by one is quadratic in Node. */
const entries = new WeakMap<AbortSignal, Entry>()

/** Calls `onAbort` once when the signal aborts, unless `removeAbortCallback` came first. The signal must not be aborted yet. */
export function addAbortCallback(signal: AbortSignal, onAbort: () => void): void {
  let entry = entries.get(signal)
  if (!entry) {
    const callbacks = new Set<() => void>()
    const listener = () => {
      entries.delete(signal)
      for (const callback of callbacks) callback()
    }
    entry = { callbacks, listener }
    entries.set(signal, entry)
    signal.addEventListener('abort', listener, { once: true })
  }
  entry.callbacks.add(onAbort)
}

/** Leaves nothing behind: the last callback takes the listener with it. */
export function removeAbortCallback(signal: AbortSignal, onAbort: () => void): void {
  const entry = entries.get(signal)
  if (!entry?.callbacks.delete(onAbort) || entry.callbacks.size > 0) return
  signal.removeEventListener('abort', entry.listener)
  entries.delete(signal)
}

/** What hangs on one signal behind one listener: adding listeners one by one is quadratic in Node. */
interface Registration {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const registrations = new WeakMap<AbortSignal, Registration>()

/** Calls `onAbort` once when the signal aborts, unless `removeAbortCallback` came first. The signal must not be aborted yet. */
export function addAbortCallback(signal: AbortSignal, onAbort: () => void): void {
  let registration = registrations.get(signal)
  if (!registration) {
    const callbacks = new Set<() => void>()
    const listener = () => {
      registrations.delete(signal)
      for (const callback of callbacks) callback()
    }
    registration = { callbacks, listener }
    registrations.set(signal, registration)
    signal.addEventListener('abort', listener, { once: true })
  }
  registration.callbacks.add(onAbort)
}

/** Leaves nothing behind: the last callback takes the listener with it. */
export function removeAbortCallback(signal: AbortSignal, onAbort: () => void): void {
  const registration = registrations.get(signal)
  if (!registration?.callbacks.delete(onAbort) || registration.callbacks.size > 0) return
  signal.removeEventListener('abort', registration.listener)
  registrations.delete(signal)
}

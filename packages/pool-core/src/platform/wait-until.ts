import { addAbortCallback, removeAbortCallback } from './abort-registry.js'
import { startTimer } from './timer.js'

/** How long somebody waits, checked. */
export interface WaitLimits {
  /** Milliseconds; undefined: for ever; 0 looks once. */
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Waits until `isDone`, which is looked at now and whenever `subscribe` calls back. Resolves with whether that was in time;
 * rejects with the reason of the signal. However it ends, nothing is left behind.
 */
export function waitUntil(
  isDone: () => boolean,
  subscribe: (look: () => void) => () => void,
  { timeout, signal }: WaitLimits,
): Promise<boolean> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  if (isDone()) return Promise.resolve(true)
  if (timeout === 0) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    const end = () => {
      unsubscribe()
      stopTimer?.()
      if (signal) removeAbortCallback(signal, onAbort)
    }
    const onAbort = () => {
      end()
      reject(signal?.reason)
    }
    const unsubscribe = subscribe(() => {
      if (!isDone()) return
      end()
      resolve(true)
    })
    const stopTimer =
      timeout === undefined
        ? undefined
        : startTimer(timeout, () => {
            end()
            resolve(false)
          })
    if (signal) addAbortCallback(signal, onAbort)
  })
}

/** The longest delay that Node's timers take without wrapping around, in milliseconds. */
const longestMs = 2 ** 31 - 1

/**
 * Calls `onTime` once `ms` milliseconds have passed on a monotonic clock, never earlier. Returns what takes it back.
 *
 * @param options.unref - it does not keep the process alive
 */
export function startTimer(ms: number, onTime: () => void, options?: { readonly unref: boolean }): () => void {
  const due = performance.now() + ms
  const arm = () => {
    const armed = setTimeout(look, Math.min(Math.ceil(due - performance.now()), longestMs))
    if (options?.unref) armed.unref()
    return armed
  }
  const look = () => {
    // Timers may fire a little early, and long delays come in parts.
    if (performance.now() >= due) onTime()
    else timer = arm()
  }
  let timer = arm()
  return () => clearTimeout(timer)
}

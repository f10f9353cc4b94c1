/** The longest delay that Node's timers take without wrapping around, in milliseconds. */
const longestMs = 2 ** 31 - 1

/** Calls `onTime` once `ms` milliseconds have passed on a monotonic clock, never earlier. Returns what takes it back. */
export function startTimer(ms: number, onTime: () => void): () => void {
  const due = performance.now() + ms
  const arm = () => setTimeout(look, Math.min(Math.ceil(due - performance.now()), longestMs))
  const look = () => {
    // Timers may fire a little early, and long delays come in parts.
    if (performance.now() >= due) onTime()
    else timer = arm()
  }
  let timer = arm()
  return () => clearTimeout(timer)
}

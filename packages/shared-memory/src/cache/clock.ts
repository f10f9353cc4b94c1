const readings = 20

/**
 * What `performance.now()` has to be put forward by, to be the same in all threads and processes of a machine. Where the
 * system's monotonic clock can be read, that is it; elsewhere nobody shares memory but threads, who agree on when time began.
 */
const ahead = ((): number => {
  const { hrtime } = (globalThis as { process?: { hrtime?: () => [number, number] } }).process ?? {}
  if (typeof hrtime !== 'function') return performance.timeOrigin
  let ahead = 0
  let spread = Number.POSITIVE_INFINITY
  // The closest of some readings: a thread may be put aside between two looks at two clocks.
  for (let reading = 0; reading < readings; reading++) {
    const before = performance.now()
    const [seconds, nanoseconds] = hrtime()
    const after = performance.now()
    if (after - before >= spread) continue
    spread = after - before
    ahead = seconds * 1000 + nanoseconds / 1e6 - (before + after) / 2
  }
  return ahead
})()

/** Milliseconds on a clock that only goes forward, and that is one for all who can share memory. */
export function sharedNow(): number {
  return performance.now() + ahead
}

/**
 * What `performance.now()` has to be put forward by, to be the same in all threads and processes of a machine. Where the
 * system's monotonic clock can be read, that is it; elsewhere nobody shares memory but threads, who agree on when time began.
 */
const ahead = ((): number => {
  const { hrtime } = (globalThis as { process?: { hrtime?: () => [number, number] } }).process ?? {}
  if (typeof hrtime !== 'function') return performance.timeOrigin
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6 - performance.now()
})()

/** Milliseconds on a clock that only goes forward, and that is one for all who can share memory. */
export function sharedNow(): number {
  return performance.now() + ahead
}

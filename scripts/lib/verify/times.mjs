/** Milliseconds, as the least, the middle and the most of them. */
export function listOf(times) {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))])
  return `p50 ${at(0.5)} ms, most ${at(1)} ms`
}

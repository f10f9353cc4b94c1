/** How long something took, in milliseconds. Percentiles are rounded up by an eighth at most. */
export interface DurationStats {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

// Buckets of 1 µs up to 16 µs, and eight to each doubling from there on.
const linear = 16
const perDoubling = 8
// Up to 2^31 µs, more than half an hour; all that takes longer is in the last one.
const bucketCount = linear + (31 - 4) * perDoubling

/** Counts durations in buckets that are no wider than an eighth of what is in them: its size does not depend on how many there were. */
export class DurationHistogram {
  readonly #buckets = new Float64Array(bucketCount)
  #count = 0
  #sum = 0
  #max = 0

  /** @param times - how many took so long, as far as is known */
  record(ms: number, times = 1): void {
    const bucket = bucketOf(ms)
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + times
    this.#count += times
    this.#sum += ms * times
    if (ms > this.#max) this.#max = ms
  }

  stats(): DurationStats {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      max: this.#max,
    }
  }

  /** The upper end of the bucket in which it lies, and never more than the longest. */
  #percentile(share: number): number {
    let left = Math.ceil(share * this.#count)
    if (left === 0) return 0
    let bucket = 0
    for (; bucket < bucketCount - 1; bucket++) {
      left -= this.#buckets[bucket] as number
      if (left <= 0) break
    }
    return Math.min(this.#max, bucket === bucketCount - 1 ? this.#max : upperEndOf(bucket))
  }
}

function bucketOf(ms: number): number {
  const us = Math.ceil(ms * 1000)
  if (us < linear) return Math.max(0, us)
  if (us >= 2 ** 31) return bucketCount - 1
  const highestBit = 31 - Math.clz32(us)
  return linear + (highestBit - 4) * perDoubling + ((us >>> (highestBit - 3)) & 7)
}

/** In milliseconds; nothing in the bucket took longer. */
function upperEndOf(bucket: number): number {
  if (bucket < linear) return bucket / 1000
  const doubling = Math.floor((bucket - linear) / perDoubling)
  const eighth = (bucket - linear) % perDoubling
  return ((perDoubling + eighth + 1) * 2 ** (doubling + 1) - 1) / 1000
}

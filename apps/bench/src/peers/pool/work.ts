const steps = 2_000_000

/** Some milliseconds of whole numbers: the same answer for the same seed, and nothing to allocate. */
export function work(seed: number): number {
  let word = seed | 1
  for (let n = 0; n < steps; n++) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
  }
  return word >>> 0
}

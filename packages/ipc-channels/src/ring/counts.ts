/**
 * Counts of 53 bits, as two words: the lower 32 bits, and how often bit 31 of them has changed. The first one alone is the truth.
 *
 * Invariant: the second word is right, or one less: who moved the count on may have died before it could say that bit 31 has
 * changed. The lowest bit of the second word is bit 31 of the first one when it is right, so everybody can tell.
 */

/** How often bit 31 of a count has changed, by the word that says so, which may be one behind. */
export function settledHalves(halves: number, count: number): number {
  return (halves & 1) === count >>> 31 ? halves : (halves + 1) | 0
}

/** The whole count now, without a lock. Both are indexes of its words. */
export function readCount({ words }: { readonly words: Int32Array }, counter: number, halves: number): number {
  let seenHalves = Atomics.load(words, halves)
  for (;;) {
    const seen = Atomics.load(words, counter)
    // Whoever is stopped between the two for long must not take one half for another.
    const again = Atomics.load(words, halves)
    if (again === seenHalves) return (settledHalves(seenHalves, seen) >>> 0) * 2 ** 31 + (seen & 0x7fff_ffff)
    seenHalves = again
  }
}

/**
 * Under its lock: a count moves on by less than 2^31. From this store on it has happened.
 *
 * @param halves - the index of its second word
 * @param seen - its first word
 */
export function moveOn(
  { words }: { readonly words: Int32Array },
  counter: number,
  halves: number,
  seen: number,
  by: number,
): void {
  const next = (seen + by) | 0
  const seenHalves = words[halves] as number
  const settled = settledHalves(seenHalves, seen)
  if (settled !== seenHalves) words[halves] = settled
  Atomics.store(words, counter, next)
  if ((next ^ seen) < 0) Atomics.store(words, halves, (settled + 1) | 0)
}

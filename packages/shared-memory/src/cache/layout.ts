import { dictWords } from '../dict/layout.js'

/**
 * The words of a cache, behind those of a dict: its table and its entries are those of a dict, with something added.
 *
 * index  · name        · meaning
 * 0      · NEWEST      · volatile: the entry that was used last; 0: none
 * 1      · OLDEST      · volatile: the one that was not used for the longest time; 0: none
 * 2      · SOONEST     · volatile: of those that expire, the one that is the first to; 0: none
 * 3      · USED        · volatile: how many words the keys and values of all entries take up
 * 4      · MAX_SIZE    · how many entries there may be; written once
 * 5      · MAX_WORDS   · how large USED may be; written once
 * 6, 7   · TTL         · a float64: for how many milliseconds entries live that do not say; Infinity: for ever; written once
 * 8, 9   · HITS        · 64 bits, the lower ones first; so are the next three
 * 10, 11 · MISSES      ·
 * 12, 13 · EVICTIONS   ·
 * 14, 15 · EXPIRATIONS ·
 *
 * What an entry has beside that of a dict: two more words behind a value, and five at the very end of the block.
 *
 * index        · name    · meaning
 * value + n    · EXPIRY  · a float64: when the value ceases to count, on the clock of `clock.ts`; 0: never
 * end − 5      · OLDER   · volatile: the one that was used before it; 0: it is OLDEST
 * end − 4      · NEWER   · volatile: the one that was used after it; 0: it is NEWEST
 * end − 3      · CHILD   · volatile: the first of those behind it in the heap of expiries; 0: none
 * end − 2      · SIBLING · volatile: the next one behind the same; 0: none
 * end − 1      · BEFORE  · volatile: the one whose CHILD or SIBLING it is; 0: it is SOONEST, or does not expire
 *
 * Differs from a dict: the order of an entry is that of its last use, so it changes. OWNER is set in a CLAIM only, the place
 * of a value that somebody computes; its VALUE is then a number by which that thread knows this computation.
 *
 * Invariant: a value and its EXPIRY stand together, at the beginning of the room or at its end, and change by one store.
 * Invariant: what is written, deleted or cleared while somebody computes takes the CLAIM away: the owner finds it gone, and
 * does not store. So nobody but those who compute the same waits for a computation.
 * Invariant: an entry is in the list of uses if it is LIVE, and in the heap if it is LIVE and its EXPIRY is not 0.
 */
export const NEWEST = 0
export const OLDEST = 1
export const SOONEST = 2
export const USED_WORDS = 3
export const MAX_SIZE = 4
export const MAX_WORDS = 5
export const TTL = 6
export const HITS = 8
export const MISSES = 10
export const EVICTIONS = 12
export const EXPIRATIONS = 14

/** What MAX_WORDS is without a limit: more than there can be. */
export const noLimit = 2 ** 31 - 1

export const cacheWords = dictWords + 16

/** What a value takes up beside its own words. */
export const expiryWords = 2

export const OLDER = 0
export const NEWER = 1
export const CHILD = 2
export const SIBLING = 3
export const BEFORE = 4
export const tailWords = 5

const float = new Float64Array(1)
const floatWords = new Int32Array(float.buffer)

export function readFloat(words: Int32Array, index: number): number {
  floatWords[0] = words[index] as number
  floatWords[1] = words[index + 1] as number
  return float[0] as number
}

export function writeFloat(words: Int32Array, index: number, value: number): void {
  float[0] = value
  words[index] = floatWords[0] as number
  words[index + 1] = floatWords[1] as number
}

export function readCount(words: Int32Array, index: number): number {
  return ((words[index + 1] as number) >>> 0) * 2 ** 32 + ((words[index] as number) >>> 0)
}

export function addToCount(words: Int32Array, index: number): void {
  const low = ((words[index] as number) + 1) | 0
  words[index] = low
  if (low === 0) words[index + 1] = (words[index + 1] as number) + 1
}

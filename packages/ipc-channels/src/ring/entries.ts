import { BYTES, entryWords, START, wordsOf } from './layout.js'
import { BROKEN, FULL } from './outcomes.js'

/**
 * Records of any length in a ring of data, each in one piece, and a table of entries that says where they are. A record that
 * does not fit before the end of the data begins at 0.
 *
 * Invariant: the bytes of each record begin where the last one's end, or at 0, and those of records that are kept do not
 * overlap. Who writes a record or an entry has the lock of those who do, and writes none that is kept.
 */
export interface Entries {
  readonly words: Int32Array
  /** The most records that are kept. */
  readonly capacity: number
  /** The index of the first entry. */
  readonly entries: number
  /** The number of entries less one: a record's number and this is its entry's. */
  readonly mask: number
  readonly dataWords: number
}

/**
 * Under the lock: where a record of so many bytes goes, the one with the number `next`.
 *
 * @param first - the oldest one that is kept; it may be an earlier one, then there is more room
 * @returns a word of the data; or FULL, BROKEN
 */
export function placeFor(ring: Entries, first: number, next: number, byteLength: number): number {
  const { words, entries, mask, dataWords } = ring
  const kept = (next - first) >>> 0
  if (kept > ring.capacity) return BROKEN
  if (kept === ring.capacity) return FULL
  if (kept === 0) return 0
  const needed = wordsOf(byteLength)
  const last = entries + ((next - 1) & mask) * entryWords
  const firstStart = words[entries + (first & mask) * entryWords + START] as number
  const lastStart = words[last + START] as number
  const lastBytes = words[last + BYTES] as number
  const end = lastStart + wordsOf(lastBytes)
  if (firstStart < 0 || lastStart < 0 || lastBytes < 1 || firstStart >= dataWords || end > dataWords) return BROKEN
  if (end <= firstStart) return end + needed <= firstStart ? end : FULL
  if (end + needed <= dataWords) return end
  return needed <= firstStart ? 0 : FULL
}

/** Under the lock: the entry of a record that is not kept yet. */
export function writeEntry(ring: Entries, number: number, start: number, byteLength: number): void {
  const { words, entries, mask } = ring
  const entry = entries + (number & mask) * entryWords
  words[entry + START] = start
  words[entry + BYTES] = byteLength
}

/** Whether a record can be there. */
export function isInside(ring: Entries, start: number, byteLength: number): boolean {
  return start >= 0 && byteLength > 0 && start + wordsOf(byteLength) <= ring.dataWords
}

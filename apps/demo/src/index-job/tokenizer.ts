import { belongsToWord, CUT, classifyBytes, decode, INVALID } from './word-characters.js'
import { ENTRY_WIDTH, hashOf, KEYED_BYTES, type WordTable } from './word-table.js'

/** A longer run of letters and digits, in bytes, is no word: it is left out and counted. */
export const MAX_WORD_BYTES = 65_536

// Not exported: what a module exports is read from memory at each use, which a loop over every byte would feel.
const SEPARATOR = 0
const WIDE = 255
const byteClasses = classifyBytes(SEPARATOR, WIDE)

const foundAtOnce = 4096

/** For each found word: it was found once. */
const ones = new Float64Array(foundAtOnce).fill(1)

/**
 * Finds the words of one text that comes in pieces, and counts them in a table.
 *
 * A word is a longest run of letters, digits and their marks (Unicode's L, N and M), in lower case. Everything else
 * separates words, bytes that are no UTF-8 included.
 *
 * Invariant: what is counted does not depend on where the pieces were cut. {@link Tokenizer.push} leaves a word that may go on
 * to the next call; only a run that is too long already is dropped at once.
 */
export class Tokenizer {
  /** How many words were counted. */
  words = 0
  /** How many runs were too long to be words. */
  longRuns = 0
  /** Whether all of the text was UTF-8. */
  valid = true
  #table: WordTable
  #inLongRun = false
  /** The words of the present piece that are not in the table yet: see WordList. */
  readonly #found = new Int32Array(foundAtOnce * ENTRY_WIDTH)
  #foundSize = 0
  /** Where the run starts that the last scan stopped in; -1: in none. */
  #openRun = -1

  constructor(table: WordTable) {
    this.#table = table
  }

  /** Starts a new text, to be counted in `table`. */
  start(table: WordTable): void {
    this.#table = table
    this.words = 0
    this.longRuns = 0
    this.valid = true
    this.#inLongRun = false
  }

  /**
   * Counts the words in `buffer[0..end)`, whose ASCII letters it turns to lower case in place.
   *
   * @param last - whether the text ends here
   * @returns how many bytes were used. The others, fewer than MAX_WORD_BYTES + 4, must come again in front of the next piece
   */
  push(buffer: Buffer, end: number, last: boolean): number {
    let at = this.#inLongRun ? this.#skipLongRun(buffer, end, last) : 0
    while (at < end) {
      at = this.#scan(buffer, at, end)
      const run = this.#openRun
      if (run >= 0) {
        at = this.#finishRun(buffer, run, at, end, last)
        if (at < 0) {
          this.#count(buffer)
          return this.#leave(run, -1 - at)
        }
      }
      if (this.#foundSize === foundAtOnce) this.#count(buffer)
    }
    this.#count(buffer)
    return at
  }

  /**
   * Notes the words from `from` on that are ASCII, up to `end`, to a run that is not, or until there is room for no more.
   *
   * Small for the same reason as the table's loop: it is optimised early.
   */
  #scan(buffer: Buffer, from: number, end: number): number {
    const classes = byteClasses
    const found = this.#found
    let used = this.#foundSize * ENTRY_WIDTH
    let openRun = -1
    let at = from
    while (at < end && used < found.length) {
      let kind = classes[buffer[at] as number] as number
      if (kind === SEPARATOR) {
        at++
        continue
      }
      const start = at
      let tail = 0
      let head = 0
      while (kind !== SEPARATOR && kind !== WIDE) {
        buffer[at] = kind
        head = (head << 8) | (tail >>> 24)
        tail = (tail << 8) | kind
        if (++at === end) break
        kind = classes[buffer[at] as number] as number
      }
      if (kind !== SEPARATOR) {
        openRun = start
        break
      }
      if (at - start > KEYED_BYTES) {
        if (at - start > MAX_WORD_BYTES) {
          this.longRuns++
          continue
        }
        head = hashOf(buffer, start, at)
      }
      found[used++] = start
      found[used++] = at
      found[used++] = tail
      found[used++] = head
    }
    this.#foundSize = used / ENTRY_WIDTH
    this.#openRun = openRun
    return at
  }

  /** Counts the words that were noted, which lie in `buffer`. */
  #count(buffer: Buffer): void {
    this.#table.add({ size: this.#foundSize, bytes: buffer, entries: this.#found, counts: ones })
    this.words += this.#foundSize
    this.#foundSize = 0
  }

  /**
   * Finds the end of a run that starts at `start` and is ASCII up to `from`, and notes its word.
   *
   * @returns where to go on, or -1 - the place up to which all is known, when the run may go on behind `end`
   */
  #finishRun(buffer: Buffer, start: number, from: number, end: number, last: boolean): number {
    const stop = this.#endOfRun(buffer, from, end, last)
    if (stop < 0) return stop
    if (stop - start > MAX_WORD_BYTES) this.longRuns++
    else if (stop > from) this.#noteWide(buffer, start, stop)
    else if (stop > start) this.#note(buffer, start, stop)
    return this.#skipWideSeparators(buffer, stop, end, last)
  }

  /** Where the next character stands that is ASCII, or may belong to a word, or may go on behind `end`. */
  #skipWideSeparators(buffer: Buffer, from: number, end: number, last: boolean): number {
    let at = from
    while (at < end && byteClasses[buffer[at] as number] === WIDE) {
      const decoded = decode(buffer, at, end)
      if (decoded >= 0) {
        if (belongsToWord(decoded >>> 3)) break
        at += decoded & 7
      } else {
        if (decoded === CUT && !last) break
        this.valid = false
        at++
      }
    }
    return at
  }

  /** Where the run that `from` is in ends, or -1 - the place up to which that is known. */
  #endOfRun(buffer: Buffer, from: number, end: number, last: boolean): number {
    let at = from
    for (; at < end; at++) {
      const kind = byteClasses[buffer[at] as number]
      if (kind === SEPARATOR) return at
      if (kind !== WIDE) continue
      const decoded = decode(buffer, at, end)
      if (decoded === CUT && !last) return -1 - at
      if (decoded === CUT || decoded === INVALID || !belongsToWord(decoded >>> 3)) return at
      at += (decoded & 7) - 1
    }
    return last ? end : -1 - end
  }

  /** Leaves the run from `start`, known up to `known`, to the next call. */
  #leave(start: number, known: number): number {
    if (known - start <= MAX_WORD_BYTES) return start
    this.#inLongRun = true
    return known
  }

  #skipLongRun(buffer: Buffer, end: number, last: boolean): number {
    const stop = this.#endOfRun(buffer, 0, end, last)
    if (stop < 0) return -1 - stop
    this.#inLongRun = false
    this.longRuns++
    return stop
  }

  /** Case outside ASCII needs the whole word: a Greek sigma is written differently at a word's end. */
  #noteWide(buffer: Buffer, start: number, end: number): void {
    const word = buffer.toString('utf8', start, end)
    const lowered = word.toLowerCase()
    const length = lowered === word ? end - start : Buffer.byteLength(lowered)
    if (length > end - start) {
      // Rare: it does not fit where it came from.
      const entries = new Int32Array(ENTRY_WIDTH)
      const bytes = Buffer.from(lowered)
      writeEntry(entries, 0, bytes, 0, length)
      this.#table.add({ size: 1, bytes, entries, counts: ones })
      this.words++
      return
    }
    if (lowered !== word) buffer.write(lowered, start, 'utf8')
    this.#note(buffer, start, start + length)
  }

  /** Notes one word that is in lower case already. */
  #note(buffer: Buffer, start: number, end: number): void {
    if (this.#foundSize === foundAtOnce) this.#count(buffer)
    writeEntry(this.#found, this.#foundSize++ * ENTRY_WIDTH, buffer, start, end)
  }
}

function writeEntry(entries: Int32Array, at: number, bytes: Buffer, start: number, end: number): void {
  let tail = 0
  let head = 0
  for (let index = Math.max(start, end - KEYED_BYTES); index < end; index++) {
    head = (head << 8) | (tail >>> 24)
    tail = (tail << 8) | (bytes[index] as number)
  }
  entries[at] = start
  entries[at + 1] = end
  entries[at + 2] = tail
  entries[at + 3] = end - start > KEYED_BYTES ? hashOf(bytes, start, end) : head
}

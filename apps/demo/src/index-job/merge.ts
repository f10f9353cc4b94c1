import { createHash } from 'node:crypto'
import type { Batch, BatchResult } from './index-batch.js'
import type { Notes } from './notes.js'
import { sortWords } from './sort-words.js'
import { endOf, startOf, type WordList, WordTable } from './word-table.js'

export interface WordCount {
  readonly word: string
  readonly count: number
}

export interface IndexResult {
  readonly files: number
  readonly bytes: number
  readonly words: number
  readonly distinctWords: number
  /** Of the whole result; see {@link Merger.finish}. */
  readonly sha256: string
  readonly top: readonly WordCount[]
  readonly notes: Notes
  /** Each file's path (bytes as Latin-1) and SHA-256, in order; empty unless it was asked for. */
  readonly fileHashes: ReadonlyMap<string, string>
  readonly table: WordTable
}

/** Puts the results of batches together, in the order of the batches. */
export class Merger {
  readonly #notes: Notes
  readonly #hash = createHash('sha256')
  readonly #table = new WordTable(1 << 17)
  readonly #fileHashes: Map<string, string> | undefined
  #files = 0
  #bytes = 0
  #words = 0

  /** @param keepFileHashes - whether the result shall hold each file's hash: memory for each file */
  constructor(notes: Notes, keepFileHashes: boolean) {
    this.#notes = notes
    this.#fileHashes = keepFileHashes ? new Map() : undefined
  }

  add(batch: Batch, result: BatchResult): void {
    const { buffer, byteOffset, byteLength } = result.hashes
    const hexadecimal = Buffer.from(buffer, byteOffset, byteLength).toString('hex')
    let lines = ''
    let indexed = 0
    for (const [index, path] of batch.paths.entries()) {
      const size = result.sizes[index] as number
      if (size < 0) continue
      const hash = hexadecimal.slice(indexed * 64, ++indexed * 64)
      lines += `${hash}  ${path}\0`
      this.#bytes += size
      this.#fileHashes?.set(path, hash)
    }
    this.#files += indexed
    this.#hash.update(lines, 'latin1')
    this.#words += result.wordCount
    this.#table.add(result.words)
    for (const note of result.notes) this.#notes.add(note)
  }

  /**
   * Closes the result. Its SHA-256 is that of these bytes: for each indexed file, in the order of the paths' bytes, its own
   * SHA-256 in hexadecimal, two spaces, its path and a NUL (what `sha256sum --zero` prints); then for each word, in the order
   * of its UTF-8 bytes, the word, a space, its count and a line feed.
   */
  finish(top: number): IndexResult {
    const words = this.#table.view()
    const order = sortWords(words)
    hashWords(this.#hash, words, order)
    return {
      files: this.#files,
      bytes: this.#bytes,
      words: this.#words,
      distinctWords: words.size,
      sha256: this.#hash.digest('hex'),
      top: mostFrequent(words, order, top),
      notes: this.#notes,
      fileHashes: this.#fileHashes ?? new Map(),
      table: this.#table,
    }
  }
}

const roomForCount = 32
const SPACE = 0x20
const LINE_FEED = 0x0a
const ZERO = 0x30

function hashWords(hash: { update(data: Uint8Array): unknown }, words: WordList, order: Uint32Array): void {
  const { bytes, counts } = words
  const lines = Buffer.allocUnsafe(1 << 18)
  let used = 0
  for (const word of order) {
    const start = startOf(words, word)
    const end = endOf(words, word)
    if (used + end - start + roomForCount > lines.length) {
      hash.update(lines.subarray(0, used))
      used = 0
    }
    for (let at = start; at < end; at++) lines[used++] = bytes[at] as number
    lines[used++] = SPACE
    used = writeDigits(lines, used, counts[word] as number)
    lines[used++] = LINE_FEED
  }
  hash.update(lines.subarray(0, used))
}

/** Writes a whole number in decimal digits; a string for each of them would take longer than the hash. */
function writeDigits(bytes: Uint8Array, at: number, number: number): number {
  let end = at + 1
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) end++
  for (let rest = number, place = end - 1; place >= at; place--) {
    bytes[place] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}

/** The words with the highest counts; of equal counts the one whose bytes come first. */
function mostFrequent(words: WordList, order: Uint32Array, limit: number): WordCount[] {
  const { bytes, counts } = words
  const best: number[] = []
  const countOf = (word: number | undefined) => (word === undefined ? 0 : (counts[word] as number))
  for (const word of order) {
    if (best.length === limit && countOf(word) <= countOf(best.at(-1))) continue
    let low = 0
    for (let high = best.length; low < high; ) {
      const middle = (low + high) >>> 1
      if (countOf(best[middle]) >= countOf(word)) low = middle + 1
      else high = middle
    }
    best.splice(low, 0, word)
    if (best.length > limit) best.pop()
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return best.map((word) => ({
    word: text.toString('utf8', startOf(words, word), endOf(words, word)),
    count: countOf(word),
  }))
}

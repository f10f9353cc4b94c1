import { ENTRY_WIDTH, hashOf, KEYED_BYTES, type WordList } from '../word-table.js'

const wordsPerList = 4_096

/** A list without words. */
export const noWords: WordList = {
  size: 0,
  bytes: new Uint8Array(),
  entries: new Int32Array(),
  counts: new Float64Array(),
}

/** Words and their counts as lists of some thousands each; see {@link WordList} for what its numbers are. */
export function* wordLists(counted: Iterable<readonly [word: string, count: number]>): Generator<WordList, void, void> {
  let words: Buffer[] = []
  let counts: number[] = []
  for (const [word, count] of counted) {
    words.push(Buffer.from(word))
    counts.push(count)
    if (words.length < wordsPerList) continue
    yield listOf(words, counts)
    words = []
    counts = []
  }
  yield listOf(words, counts)
}

function listOf(words: readonly Buffer[], counts: readonly number[]): WordList {
  const bytes = Buffer.concat(words)
  const entries = new Int32Array(words.length * ENTRY_WIDTH)
  let start = 0
  for (const [index, word] of words.entries()) {
    let tail = 0
    let head = 0
    for (const byte of word.subarray(-KEYED_BYTES)) {
      head = (head << 8) | (tail >>> 24)
      tail = (tail << 8) | byte
    }
    if (word.length > KEYED_BYTES) head = hashOf(word, 0, word.length)
    entries.set([start, start + word.length, tail, head], index * ENTRY_WIDTH)
    start += word.length
  }
  return { size: words.length, bytes, entries, counts: Float64Array.from(counts) }
}

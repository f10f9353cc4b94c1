import { endOf, startOf, type WordList } from '@heddle/demo/index-job/word-table.js'

/** The words of a list with their counts, as strings. */
export function wordsOf(words: WordList): Map<string, number> {
  const counts = new Map<string, number>()
  for (let word = 0; word < words.size; word++) {
    const text = Buffer.from(words.bytes.subarray(startOf(words, word), endOf(words, word))).toString()
    counts.set(text, words.counts[word] as number)
  }
  return counts
}

// Not for its types alone: a worker opens the handle of a shared object only if the object's package was imported there.
import '@heddle/shared-memory'
import type { SharedDict } from '@heddle/shared-memory'
import { defineTask } from '@heddle/worker-pool'
import { ENTRY_WIDTH, endOf, startOf, type WordList, WordTable } from '../word-table.js'

/**
 * Adds word counts to a dict that all threads share; each distinct word of the lists is one step on the dict.
 *
 * Not idempotent, so the pool never runs it twice: a thread that dies under it ends the job, and nothing is counted twice.
 *
 * @returns the words that found no room, from the first on that did: the search for room in full memory takes long, so it is
 * made once
 */
export const addCounts = defineTask(
  import.meta.url,
  'addCounts',
  (dict: SharedDict<number>, lists: readonly WordList[]): WordList => {
    const table = new WordTable()
    for (const list of lists) table.add(list)
    const { size, bytes, entries, counts } = table.pack()
    const text = Buffer.from(bytes.buffer)
    const words = { size, bytes, entries, counts }
    let word = 0
    try {
      for (; word < size; word++) {
        const count = counts[word] as number
        dict.update(text.toString('utf8', startOf(words, word), endOf(words, word)), (before = 0) => before + count)
      }
    } catch (error) {
      // The entry is as it was. All else that goes wrong is the job's end.
      if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
    }
    const from = word * ENTRY_WIDTH
    return { size: size - word, bytes, entries: entries.slice(from), counts: counts.slice(word) }
  },
)

import { printable, printablePath } from '../printable.js'
import type { IndexResult } from './merge.js'
import { type NoteKind, noteKinds } from './notes.js'
import { endOf, startOf, type WordTable } from './word-table.js'

const mostDifferences = 20

/**
 * Compares two runs in everything: totals, notes, each file's hash, each word's count and the hash of the whole.
 *
 * @returns the first differences, a line each; none: the runs agree
 */
export function compareResults(pool: IndexResult, single: IndexResult): string[] {
  const found: string[] = []
  const compare = (what: string, first: unknown, second: unknown) => {
    if (first !== second) found.push(`${what}: ${String(first)} in the pool, ${String(second)} in one thread`)
  }
  for (const what of ['sha256', 'files', 'bytes', 'words', 'distinctWords'] as const)
    compare(what, pool[what], single[what])
  for (const kind of Object.keys(noteKinds) as NoteKind[])
    compare(noteKinds[kind].many, pool.notes.count(kind), single.notes.count(kind))
  compare('top words', JSON.stringify(pool.top), JSON.stringify(single.top))
  for (const difference of differingFiles(pool, single)) {
    if (found.length === mostDifferences) break
    found.push(difference)
  }
  for (const difference of differingWords(pool.table, single.table)) {
    if (found.length === mostDifferences) break
    found.push(difference)
  }
  return found
}

function* differingFiles({ fileHashes: pool }: IndexResult, { fileHashes: single }: IndexResult): Generator<string> {
  for (const [path, hash] of pool) {
    const other = single.get(path)
    if (other === undefined) yield `only the pool indexed ${printablePath(path)}`
    else if (other !== hash) yield `the content of ${printablePath(path)} was different: did something write to it?`
  }
  for (const path of single.keys()) if (!pool.has(path)) yield `only the single thread indexed ${printablePath(path)}`
}

function* differingWords(pool: WordTable, single: WordTable): Generator<string> {
  for (const { word, count, other } of differingCounts(pool, single))
    yield `the pool counted "${word}" ${count} times, the single thread ${other} times`
  for (const { word, count, other } of differingCounts(single, pool))
    if (other === 0) yield `the pool never counted "${word}", the single thread ${count} times`
}

function* differingCounts(one: WordTable, two: WordTable): Generator<{ word: string; count: number; other: number }> {
  const words = one.view()
  const { size, bytes, counts } = words
  for (let word = 0; word < size; word++) {
    const count = counts[word] as number
    const other = two.countOf(words, word)
    if (other === count) continue
    const text = bytes.subarray(startOf(words, word), endOf(words, word))
    yield { word: printable(Buffer.from(text).toString()), count, other }
  }
}

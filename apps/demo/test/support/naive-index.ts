import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The words of some bytes, as the rule says it: the obvious way, slow, in memory all at once. */
export function naiveWords(bytes: Uint8Array): string[] {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return (text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).map((word) => word.toLowerCase())
}

export function countWords(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** The regular files below a folder, relative, in the order of their bytes. */
export function naiveWalk(root: string): string[] {
  const files: string[] = []
  const visit = (folder: string) => {
    for (const name of readdirSync(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`
      const stat = lstatSync(join(root, path))
      if (stat.isDirectory()) visit(path)
      else if (stat.isFile()) files.push(path)
    }
  }
  visit('')
  return files.sort(compareBytes)
}

export function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

/** What indexing a folder must result in. */
export function naiveIndex(root: string) {
  const hash = createHash('sha256')
  const words: string[] = []
  let files = 0
  let bytes = 0
  for (const path of naiveWalk(root)) {
    const content = readFileSync(join(root, path))
    if (content.includes(0)) continue
    files++
    bytes += content.length
    hash.update(`${createHash('sha256').update(content).digest('hex')}  ${path}\0`)
    for (const word of naiveWords(content)) words.push(word)
  }
  const counts = [...countWords(words)]
  for (const [word, count] of counts.sort(([left], [right]) => compareBytes(left, right)))
    hash.update(`${word} ${count}\n`)
  const top = counts.sort(([, left], [, right]) => right - left).map(([word, count]) => ({ word, count }))
  return { files, bytes, words: words.length, distinctWords: counts.length, sha256: hash.digest('hex'), top }
}

import { chmodSync, symlinkSync } from 'node:fs'
import { BatchIndexer, type BatchResult } from '@heddle/demo/index-job/index-batch.js'
import { afterEach, describe, expect, test } from '@jest/globals'
import { indexFolder, notesOf } from './support/index-folder.js'
import { naiveIndex } from './support/naive-index.js'
import { asOrdinaryUser } from './support/ordinary-user.js'
import { temporaryFolders } from './support/temporary-folder.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)

function indexPaths(root: string, paths: string[]): BatchResult {
  const steps = new BatchIndexer().index({ root, paths, bytes: 0 })
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** What became of each path: its size, or the notes about it. */
function fatesOf(paths: string[], { sizes, notes }: BatchResult) {
  return paths.map((path, index) => {
    const about = notes.filter((note) => note.path === path).map(({ kind, detail }) => detail ?? kind)
    return [path, ...((sizes[index] as number) < 0 ? [] : [sizes[index]]), ...about]
  })
}

async function expectNaiveResult(path: string): Promise<void> {
  const { top, ...figures } = naiveIndex(path)
  const result = await indexFolder(path)
  expect(result).toMatchObject(figures)
  expect(result.top.map(({ count }) => count)).toEqual(top.map(({ count }) => count))
  expect(new Map(result.top.map(({ word, count }) => [word, count]))).toEqual(
    new Map(top.map(({ word, count }) => [word, count])),
  )
}

describe('the result', () => {
  test('is the naive one, for files in folders', async () => {
    const folder = folders.make()
    folder.write('a.md', 'One two, TWO.')
    folder.write('a/z.md', 'three three Three')
    folder.write('a-b/c.md', 'one\n')
    folder.write('empty.md', '')
    folder.write('über/ΟΔΟΣ.md', 'Straße 42')
    await expectNaiveResult(folder.path)
  })

  test('is the naive one, for files larger than what is read at a time', async () => {
    const folder = folders.make()
    const line = 'The quick brown föx—jumps over 13 lazy dogs; ΟΔΟΣ 日本語 supercalifragilistic. '
    folder.write('large.txt', line.repeat(8_000))
    // Each chunk ends somewhere else in a word.
    for (let shift = 0; shift < 3; shift++)
      folder.write(`shifted-${shift}.txt`, 'x'.repeat(shift) + 'añb '.repeat(55_000))
    folder.write('exactly-one-chunk.txt', 'abcdefg '.repeat(1 << 15))
    folder.write('one-word-more.txt', `${'abcdefg '.repeat(1 << 15)}more`)
    folder.write('long-words.txt', `${'y'.repeat(60_000)} `.repeat(10))
    await expectNaiveResult(folder.path)
  })

  test('lists the most frequent words, of equally frequent ones those whose bytes come first', async () => {
    const folder = folders.make()
    folder.write('words.txt', 'd d d c b a é B 1')
    const { top } = await indexFolder(folder.path, { top: 4 })
    expect(top).toEqual([
      { word: 'd', count: 3 },
      { word: 'b', count: 2 },
      { word: '1', count: 1 },
      { word: 'a', count: 1 },
    ])
    expect((await indexFolder(folder.path, { top: 0 })).top).toEqual([])
  })

  test('changes with the content, the name and the place of a file, and with nothing else', async () => {
    const hashOf = async (name: string, content: string) => {
      const folder = folders.make()
      folder.write(name, content)
      return (await indexFolder(folder.path)).sha256
    }
    const first = await hashOf('name', 'one two')
    expect(await hashOf('name', 'one two')).toBe(first)
    const others = [
      await hashOf('name', 'one  two'),
      await hashOf('other', 'one two'),
      await hashOf('in/name', 'one two'),
    ]
    expect(new Set([first, ...others]).size).toBe(4)
  })
})

describe('a batch', () => {
  test('goes on past each file that cannot be indexed, and says what is wrong with it', () => {
    const folder = folders.make()
    folder.write('fine', 'one two')
    folder.write('binary', 'one\0two')
    folder.write('empty', '')
    folder.write('latin1', Buffer.from('caf\xe9 cr\xe8me', 'latin1'))
    folder.write('long', 'x'.repeat(100_000))
    folder.write('a-folder/file', '')
    folder.fifo('a-fifo')
    symlinkSync('fine', `${folder.path}/a-link`)
    const paths = [
      'fine',
      'binary',
      'empty',
      'latin1',
      'long',
      'gone',
      'gone/below',
      'fine/below',
      'a-folder',
      'a-fifo',
      'a-link',
    ]
    const result = indexPaths(folder.path, paths)
    expect(fatesOf(paths, result)).toEqual([
      ['fine', 7],
      ['binary', 'binary'],
      ['empty', 0, 'empty'],
      ['latin1', 10, 'invalid-utf8'],
      ['long', 100_000, 'long-run'],
      ['gone', 'ENOENT'],
      ['gone/below', 'ENOENT'],
      ['fine/below', 'ENOTDIR'],
      ['a-folder', 'no file any more'],
      ['a-fifo', 'no file any more'],
      ['a-link', 'ELOOP'],
    ])
    expect(result.wordCount).toBe(5)
    expect(result.hashes.length).toBe(4 * 32)
  })

  test('says so when a file may not be read', () => {
    const folder = folders.make()
    chmodSync(folder.path, 0o755)
    chmodSync(folder.write('closed', 'one'), 0o000)
    const result = asOrdinaryUser(() => indexPaths(folder.path, ['closed']))
    expect(result.notes).toEqual([{ kind: 'unreadable-file', path: 'closed', detail: 'EACCES' }])
  })

  test('leaves no word of a large file behind whose NUL byte comes late', () => {
    const folder = folders.make()
    folder.write('binary', `${'word '.repeat(200_000)}\0`)
    folder.write('fine', 'one')
    const result = indexPaths(folder.path, ['binary', 'fine'])
    expect([result.words.size, result.wordCount, result.notes.map(({ kind }) => kind)]).toEqual([1, 1, ['binary']])
  })

  test('does not hand words on to the next batch', () => {
    const folder = folders.make()
    folder.write('one', 'one')
    folder.write('two', 'two')
    const indexer = new BatchIndexer()
    const sizes = ['one', 'two'].map((path) => {
      const steps = indexer.index({ root: folder.path, paths: [path], bytes: 3 })
      let step = steps.next()
      while (!step.done) step = steps.next()
      return [step.value.words.size, step.value.wordCount]
    })
    expect(sizes).toEqual([
      [1, 1],
      [1, 1],
    ])
  })
})

test('notes of one kind are kept up to a limit and counted beyond it', async () => {
  const folder = folders.make()
  for (let index = 0; index < 8; index++) folder.write(`empty-${index}`, '')
  const result = await indexFolder(folder.path)
  expect(notesOf(result)).toEqual([0, 1, 2, 3, 4].map((index) => `empty empty-${index}`))
  expect(result.notes.count('empty')).toBe(8)
  expect(result.notes.skipped).toBe(0)
})

test('a job that is told to stop stops', async () => {
  const folder = folders.make()
  for (let index = 0; index < 20; index++) folder.write(`file-${index}`, 'one two three '.repeat(50_000))
  const stop = new AbortController()
  const reason = new Error('enough')
  const job = indexFolder(folder.path, { signal: stop.signal })
  stop.abort(reason)
  await expect(job).rejects.toBe(reason)
})

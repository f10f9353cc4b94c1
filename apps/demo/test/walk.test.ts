import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { newProgress } from '@heddle/demo/index-job/job.js'
import { type Note, Notes } from '@heddle/demo/index-job/notes.js'
import { walk } from '@heddle/demo/index-job/walk.js'
import { afterEach, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { naiveWalk } from './support/naive-index.js'
import { asOrdinaryUser } from './support/ordinary-user.js'
import { temporaryFolders } from './support/temporary-folder.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)

function start(root: string, selects: (name: string) => boolean = () => true) {
  const notes: Note[] = []
  const counts = newProgress()
  const steps = walk(Buffer.from(root).toString('latin1'), selects, new Notes((note) => notes.push(note)), counts)
  return { steps, notes, counts }
}

function walkAll(root: string, selects?: (name: string) => boolean) {
  const { steps, notes, counts } = start(root, selects)
  const files = [...steps].flatMap((file) => (file === undefined ? [] : [Buffer.from(file.path, 'latin1').toString()]))
  return { files, notes, counts }
}

test('the walk meets files in the order of their whole paths', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '0', 'é', '~'), minLength: 1, maxLength: 3 })
  const path = fc.array(
    name.filter((text) => !/^\.{1,2}$/.test(text)),
    { minLength: 1, maxLength: 3 },
  )
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), (paths) => {
      const folder = folders.make()
      // Files end in "f" and folders do not, so that neither stands in the other's way.
      for (const parts of paths) folder.write(`${parts.join('/')}f`, '')
      expect(walkAll(folder.path).files).toEqual(naiveWalk(folder.path))
      folder.remove()
    }),
    { numRuns: 40 },
  )
})

test('the walk reads a large folder in portions and a deep one without recursion', () => {
  const folder = folders.make()
  const one = folder.write('f', '')
  const large = folder.folder('large')
  // With names this long the folder's own size is past the limit.
  for (let index = 0; index < 1_500; index++) linkSync(one, `${large}/${String(index).padStart(240, '0')}`)
  const deep = folder.folder(`deep${'/d'.repeat(200)}`)
  linkSync(one, `${deep}/f`)
  const { files, counts } = walkAll(folder.path)
  expect(files).toEqual(naiveWalk(folder.path))
  expect(counts.folders).toBe(203)
})

test('the walk follows no link, and tells broken links from others', () => {
  const folder = folders.make()
  const outside = folders.make()
  outside.write('secret', '')
  folder.write('file', '')
  symlinkSync('file', `${folder.path}/to-file`)
  symlinkSync(outside.path, `${folder.path}/to-folder`)
  symlinkSync('.', `${folder.path}/to-itself`)
  symlinkSync('nowhere', `${folder.path}/broken`)
  symlinkSync('loop', `${folder.path}/loop`)
  symlinkSync('file/below', `${folder.path}/through-file`)
  const { files, notes, counts } = walkAll(folder.path)
  expect(files).toEqual(['file'])
  expect(notes).toEqual(['broken', 'loop', 'through-file'].map((path) => ({ kind: 'broken-link', path })))
  expect(counts.links).toBe(3)
})

test('the walk follows a link that is the input itself', () => {
  const folder = folders.make()
  folder.write('real/file', '')
  symlinkSync('real', `${folder.path}/link`)
  expect(walkAll(`${folder.path}/link`).files).toEqual(['file'])
})

test('the walk names special files and does not yield them', async () => {
  const folder = folders.make()
  folder.fifo('a-fifo')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${folder.path}/b-socket`, resolve))
  try {
    const { files, notes } = walkAll(folder.path)
    expect(files).toEqual([])
    expect(notes).toEqual([
      { kind: 'special', path: 'a-fifo', detail: 'fifo' },
      { kind: 'special', path: 'b-socket', detail: 'socket' },
    ])
  } finally {
    server.close()
  }
})

test('the walk looks at selected names only, and at every folder', () => {
  const folder = folders.make()
  folder.write('a.md', '')
  folder.write('b.txt', '')
  folder.write('c.txt/d.md', '')
  folder.fifo('e.txt')
  symlinkSync('nowhere', `${folder.path}/f.txt`)
  symlinkSync('nowhere', `${folder.path}/g.md`)
  const { files, notes } = walkAll(folder.path, (name) => name.endsWith('.md'))
  expect(files).toEqual(['a.md', 'c.txt/d.md'])
  expect(notes).toEqual([{ kind: 'broken-link', path: 'g.md' }])
})

test('the walk goes on when folders and files vanish or change under it', () => {
  const folder = folders.make()
  folder.write('a', '')
  folder.write('b', '')
  folder.write('c/file', '')
  folder.write('d/file', '')
  folder.write('e', '')
  const { steps, notes } = start(folder.path)
  const found: string[] = []
  for (const file of steps) {
    if (file === undefined) continue
    found.push(file.path)
    if (file.path !== 'a') continue
    for (const name of ['b', 'c', 'd']) rmSync(`${folder.path}/${name}`, { recursive: true })
    // What was a folder is a link now: to follow it would be to leave the input.
    symlinkSync('/', `${folder.path}/d`)
  }
  expect(found).toEqual(['a', 'e'])
  expect(notes).toEqual([
    { kind: 'vanished', path: 'b', detail: 'ENOENT' },
    { kind: 'vanished', path: 'c/', detail: 'ENOENT' },
    { kind: 'vanished', path: 'd/', detail: 'ENOTDIR' },
  ])
})

test('the walk notes a folder that may not be read and goes on', async () => {
  const folder = folders.make()
  chmodSync(folder.path, 0o755)
  folder.write('a', '')
  mkdirSync(`${folder.path}/closed`)
  folder.write('z', '')
  chmodSync(`${folder.path}/closed`, 0o000)
  const { files, notes } = asOrdinaryUser(() => walkAll(folder.path))
  expect(files).toEqual(['a', 'z'])
  expect(notes).toEqual([{ kind: 'unreadable-folder', path: 'closed/', detail: 'EACCES' }])
})

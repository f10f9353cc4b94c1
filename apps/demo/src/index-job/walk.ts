import { type Dirent, lstatSync, opendirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { codeOf, type Notes } from './notes.js'

export interface FoundFile {
  /** Relative to the input, with `/` between names, its bytes as Latin-1. */
  readonly path: string
  readonly bytes: number
}

/** What the walk has seen so far. */
export interface WalkCounts {
  folders: number
  /** Links to something that exists: not followed, and not worth a note each. */
  links: number
}

/** Whether a file with this name, its bytes as Latin-1, is wanted. */
export type Selects = (name: string) => boolean

type Kind = 'folder' | 'file' | 'link' | 'special'

interface Entry {
  /** A folder's name ends in `/`: so sorted, the walk meets all files in the order of their whole paths. */
  readonly name: string
  readonly kind: Kind
  readonly what: string
}

interface Level {
  /** Empty, or ends in `/`. */
  readonly path: string
  readonly entries: readonly Entry[]
  next: number
}

const entriesPerPause = 1024
/** Folders whose own size is less, some thousands of entries, are read at once. */
const largeFolderBytes = 1 << 18

/**
 * Finds the regular files below a folder, in the order of their paths' bytes, without following links and without opening
 * anything but folders. What cannot be read becomes a note, and the walk goes on.
 *
 * Names are bytes (as Latin-1 strings): not every file name is text. Blocks in short steps: the calls are synchronous because
 * asynchronous ones take five times the processor time for folders of a usual size. It yields undefined where a caller
 * may do something else in between. In memory are the names in the folders from the root to the present one.
 *
 * @param root - its bytes as Latin-1, without a final slash
 */
export function* walk(
  root: string,
  selects: Selects,
  notes: Notes,
  counts: WalkCounts,
): Generator<FoundFile | undefined, void, void> {
  const levels: Level[] = [yield* readLevel(root, '', notes, counts)]
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.entries[level.next++]
    if (level.next % entriesPerPause === 0) yield
    if (entry === undefined) {
      levels.pop()
      continue
    }
    const path = level.path + entry.name
    if (entry.kind === 'folder') levels.push(yield* readLevel(root, path, notes, counts))
    else if (entry.kind === 'link') examineLink(root, path, selects(entry.name), notes, counts)
    else if (!selects(entry.name)) continue
    else if (entry.kind === 'special') notes.add({ kind: 'special', path, detail: entry.what })
    else {
      const bytes = sizeOf(root, path, notes)
      if (bytes !== undefined) yield { path, bytes }
    }
  }
}

/** The bytes of a path that is kept as Latin-1, for the system. */
export function toBytes(root: string, path: string): Buffer {
  return Buffer.from(`${root}/${path}`, 'latin1')
}

function* readLevel(root: string, path: string, notes: Notes, counts: WalkCounts): Generator<undefined, Level, void> {
  const entries: Entry[] = []
  counts.folders++
  yield
  try {
    for (const dirent of readFolder(toBytes(root, path), folderSize(root, path))) {
      const entry = describeEntry(root, path, dirent, notes)
      if (entry !== undefined) entries.push(entry)
      if (entries.length % entriesPerPause === 0) yield
    }
  } catch (error) {
    const detail = codeOf(error)
    notes.add({ kind: detail === 'ENOENT' || detail === 'ENOTDIR' ? 'vanished' : 'unreadable-folder', path, detail })
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { path, entries, next: 0 }
}

/** How much the folder's own list takes. The folder that the user names may be a link, one below it may not become one. */
function folderSize(root: string, path: string): number {
  if (path === '') return statSync(toBytes(root, '')).size
  const stat = lstatSync(toBytes(root, path.slice(0, -1)))
  if (stat.isDirectory()) return stat.size
  throw Object.assign(new Error('no folder any more'), { code: 'ENOTDIR', syscall: 'scandir' })
}

function readFolder(path: Buffer, size: number): Iterable<Dirent> {
  // At once costs a fraction of opening the folder, but blocks for as long as there are entries.
  if (size < largeFolderBytes) {
    try {
      return readdirSync(path, { encoding: 'latin1', withFileTypes: true })
    } catch (error) {
      // Where the file system does not say what an entry is, Node asks for it, and cannot when the path is bytes.
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
    }
  }
  return openFolder(path)
}

function* openFolder(path: Buffer): Generator<Dirent, void, void> {
  const folder = opendirSync(path, { encoding: 'latin1', bufferSize: entriesPerPause })
  try {
    for (let dirent = folder.readSync(); dirent !== null; dirent = folder.readSync()) yield dirent
  } finally {
    folder.closeSync()
  }
}

function describeEntry(root: string, folder: string, dirent: Dirent, notes: Notes): Entry | undefined {
  const { name } = dirent
  let type: Dirent | Stats = dirent
  const known =
    dirent.isFile() || dirent.isDirectory() || dirent.isSymbolicLink() || describeSpecial(dirent) !== undefined
  if (!known) {
    // Some file systems do not say in the folder what an entry is.
    const stat = statOrNote(root, folder + name, notes)
    if (stat === undefined) return undefined
    type = stat
  }
  if (type.isFile()) return { name, kind: 'file', what: '' }
  if (type.isDirectory()) return { name: `${name}/`, kind: 'folder', what: '' }
  if (type.isSymbolicLink()) return { name, kind: 'link', what: '' }
  return { name, kind: 'special', what: describeSpecial(type) ?? 'unknown kind' }
}

function describeSpecial(type: Dirent | Stats): string | undefined {
  if (type.isFIFO()) return 'fifo'
  if (type.isSocket()) return 'socket'
  if (type.isCharacterDevice()) return 'character device'
  return type.isBlockDevice() ? 'block device' : undefined
}

function sizeOf(root: string, path: string, notes: Notes): number | undefined {
  return statOrNote(root, path, notes)?.size
}

function statOrNote(root: string, path: string, notes: Notes): Stats | undefined {
  try {
    const stat = lstatSync(toBytes(root, path), { throwIfNoEntry: false })
    if (stat === undefined) notes.add({ kind: 'vanished', path, detail: 'ENOENT' })
    return stat
  } catch (error) {
    notes.add({ kind: 'unreadable-file', path, detail: codeOf(error) })
    return undefined
  }
}

/** Tells a broken link, which is worth a note, from one that leads somewhere. Asks where it leads, and opens nothing. */
function examineLink(root: string, path: string, selected: boolean, notes: Notes, counts: WalkCounts): void {
  try {
    if (!selected || statSync(toBytes(root, path), { throwIfNoEntry: false }) !== undefined) {
      counts.links++
      return
    }
  } catch (error) {
    if (!brokenLinkCodes.has(codeOf(error))) {
      counts.links++
      return
    }
  }
  notes.add({ kind: 'broken-link', path })
}

const brokenLinkCodes = new Set(['ELOOP', 'ENOTDIR', 'ENAMETOOLONG'])

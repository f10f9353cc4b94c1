import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { invalidArgument } from '@heddle/sync-primitives/building-blocks'
import { SegmentError } from '../errors.js'
import { checkPlatform } from './kernel.js'

/**
 * The files of segments, in a folder of this user's own under the system's shared-memory folder:
 *
 * name                          · what
 * <name>                        · the memory of a segment
 * .new-<random>                 · one that is being made; it gets its name when it is whole
 * .bell-<identity>-<slot>-<gen> · a FIFO by which one participant's event loop is woken; its owner has it open while it lives
 * .ring-<native id>-<random>    · one that is being made; it gets its name when its owner has it open
 *
 * Names of segments do not begin with a dot, so that none of these is ever taken for another.
 *
 * Invariant: the folder and all in it belong to this user, and nobody else may enter it. What does not look so is refused and
 * left alone: it is somebody else's.
 */
const systemFolder = '/dev/shm'
const ownerOnlyFolder = 0o700
const ownerOnlyFile = 0o600
const groupAndOthers = 0o077

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants

const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/
const newPrefix = '.new-'
const bellPrefix = '.bell-'
const newBellPrefix = '.ring-'

/** @throws TypeError `ERR_INVALID_ARG`: not such a name */
export function checkName(name: unknown): string {
  if (typeof name !== 'string' || !namePattern.test(name))
    throw invalidArgument(
      'the name of a segment has 1 to 100 letters, digits, dots, underscores and dashes, and does not begin with a dot',
    )
  return name
}

export function randomName(): string {
  return `segment-${randomBytes(9).toString('base64url')}`
}

const userId = (): number => process.geteuid?.() ?? -1

const folderPath = (): string => `${systemFolder}/heddle-${userId()}`

/**
 * The folder, made if it is not there.
 *
 * @throws Error `ERR_UNSUPPORTED_PLATFORM`: not on Linux
 * @throws SegmentError `ERR_SEGMENT_UNTRUSTED`: somebody else could write to what is there
 */
export function folder(): string {
  checkPlatform()
  const path = folderPath()
  try {
    fs.mkdirSync(path, { mode: ownerOnlyFolder })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  checkFolder(path)
  return path
}

function checkFolder(path: string): void {
  const stat = fs.lstatSync(path)
  if (!stat.isDirectory() || stat.uid !== userId() || (stat.mode & groupAndOthers) !== 0)
    throw new SegmentError(
      'ERR_SEGMENT_UNTRUSTED',
      `${path} must be a folder that belongs to you and that nobody else may enter: remove it, or have it removed`,
    )
}

export const pathOf = (name: string): string => `${folder()}/${name}`

export const bellPath = (identity: string, slot: number, generation: number): string =>
  `${folderPath()}/${bellPrefix}${identity}-${slot}-${generation}`

/** A new file under a name of its own, to be renamed when it is whole. */
export function openNew(): { fd: number; path: string } {
  for (;;) {
    const path = `${folder()}/${newPrefix}${randomBytes(12).toString('base64url')}`
    try {
      const fd = fs.openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, ownerOnlyFile)
      // Whatever the umask has made of it.
      fs.fchmodSync(fd, ownerOnlyFile)
      return { fd, path }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/**
 * Opens a file that is there already. Nothing of it is mapped or believed before this has looked at it.
 *
 * @returns undefined: there is none
 * @throws SegmentError `ERR_SEGMENT_UNTRUSTED`: a link, not a plain file, somebody else's, open to others, or with another name
 */
export function openExisting(path: string): number | undefined {
  let fd: number
  try {
    // Without O_NONBLOCK a FIFO in the place of the file would block.
    fd = fs.openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw untrusted(path, 'is a symbolic link')
    if (code === 'EACCES' || code === 'EISDIR' || code === 'ENXIO')
      throw untrusted(path, 'cannot be opened as a plain file')
    throw error
  }
  try {
    checkFile(fd, path)
    return fd
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

function checkFile(fd: number, path: string): void {
  const stat = fs.fstatSync(fd)
  if (!stat.isFile()) throw untrusted(path, 'is no plain file')
  if (stat.uid !== userId()) throw untrusted(path, 'belongs to another user')
  if ((stat.mode & groupAndOthers) !== 0) throw untrusted(path, 'may be opened by other users')
  if (stat.nlink > 1) throw untrusted(path, 'has a second name')
}

function untrusted(path: string, what: string): SegmentError {
  return new SegmentError('ERR_SEGMENT_UNTRUSTED', `${path} ${what}: it is not opened`)
}

/** Whether the open file still has its name: the last one to leave it may have removed it. */
export const isLinked = (fd: number): boolean => fs.fstatSync(fd).nlink > 0

/** Removes the name if it still is that of the open file. */
export function unlinkIfSame(fd: number, path: string): void {
  try {
    if (!isSame(fd, path)) return
    // Out of the way first: between a look and a removal somebody else may have given the name to another segment.
    const aside = `${folder()}/${newPrefix}${randomBytes(12).toString('base64url')}`
    fs.renameSync(path, aside)
    if (isSame(fd, aside)) fs.unlinkSync(aside)
    else fs.renameSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function isSame(fd: number, path: string): boolean {
  const [open, named] = [fs.fstatSync(fd), fs.lstatSync(path)]
  return open.ino === named.ino && open.dev === named.dev
}

/** @returns false: there is no such file */
export function unlink(path: string): boolean {
  try {
    fs.unlinkSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** What is in the folder: names of segments, and of what only has a name of ours. */
export function listFiles(): Record<'segments' | 'unfinished' | 'bells' | 'unfinishedBells', string[]> {
  const names = fs.readdirSync(folder())
  return {
    segments: names.filter((name) => namePattern.test(name)),
    unfinished: names.filter((name) => name.startsWith(newPrefix)),
    bells: names.filter((name) => name.startsWith(bellPrefix)),
    unfinishedBells: names.filter((name) => name.startsWith(newBellPrefix)),
  }
}

/** The thread that was making this bell. */
export const bellMaker = (name: string): number => Number(name.slice(newBellPrefix.length).split('-')[0])

/** A name for a bell that is being made. */
export const newBellPath = (nativeId: number): string =>
  `${folder()}/${newBellPrefix}${nativeId}-${randomBytes(9).toString('base64url')}`

export function isFifo(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true
}

/**
 * Opens a FIFO to write to it. Never throws: who rings has done its work already.
 *
 * @returns 'unread': nobody has it open to read; undefined: it cannot be opened
 */
export function openBell(path: string): number | 'unread' | undefined {
  try {
    return fs.openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENXIO' ? 'unread' : undefined
  }
}

/** Opens one's own FIFO, as reader and writer, so that it never ends; and gives it its name. */
export function openOwnBell(made: string, path: string): number {
  // Whatever the umask has made of it.
  fs.chmodSync(made, ownerOnlyFile)
  const fd = fs.openSync(made, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
  try {
    fs.renameSync(made, path)
    return fd
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

import crypto from 'node:crypto'
import fs from 'node:fs'
import { SegmentError } from '../errors.js'
import { isLinked, openExisting, openNew, pathOf, randomName, unlink } from './files.js'
import { formatHeap, type Heap } from './heap.js'
import { type Kernel, loadKernel } from './kernel.js'
import {
  areasIndex,
  HEAP,
  type Header,
  IDENTITY,
  identityOf,
  identityWords,
  LAYOUT,
  layout,
  MAGIC,
  magic,
  SIZE,
  SLOTS,
} from './layout.js'
import { type Mapping, map, mapNew, readHeader } from './mapping.js'
import { findNeighbour } from './neighbours.js'
import type { CheckedOptions } from './options.js'
import { byteOf, Participants } from './participants.js'
import { removeIfDead, removeIfLast, sweepNowAndThen } from './sweep.js'

/** Each a millisecond, while somebody else removes what has the name. */
const mostAttempts = 2_000

/** A segment as one thread has joined it. */
export interface Joined extends Mapping {
  readonly name: string
  readonly identity: string
  readonly slots: number
  readonly participants: Participants
  readonly participant: number
  /** Undefined: the thread was handed the memory by another one, and does not call the kernel. */
  readonly kernel: Kernel | undefined
  readonly fd: number | undefined
}

export function heapOf(words: Int32Array, slots: number): Heap {
  return { index: HEAP, first: areasIndex(slots), end: words.length }
}

/**
 * Makes a segment, joins it, and then gives it its name: nobody sees it half made.
 *
 * @throws SegmentError `ERR_SEGMENT_EXISTS`, `ENOSPC`, `ERR_SEGMENT_UNTRUSTED`; nothing was made
 */
export function createFile({ name, bytes, slots }: CheckedOptions): Joined {
  const kernel = loadKernel()
  sweepNowAndThen(kernel)
  const { fd, path } = openReserved(kernel)
  let mapping: Mapping | undefined
  try {
    mapping = mapNew(kernel, fd, bytes)
    const { words } = mapping
    words[LAYOUT] = layout
    words[SLOTS] = slots
    words[SIZE] = words.length
    words.set(crypto.getRandomValues(new Int32Array(identityWords)), IDENTITY)
    formatHeap(words, heapOf(words, slots))
    Atomics.store(words, MAGIC, magic)
    const participants = new Participants(words, slots, fd)
    const participant = participants.join() as number
    const chosen = nameFile(kernel, path, name)
    return { ...mapping, name: chosen, identity: identityOf(words), slots, participants, participant, kernel, fd }
  } catch (error) {
    if (mapping) kernel.unmap(mapping.buffer)
    unlink(path)
    fs.closeSync(fd)
    throw error
  }
}

/** Gives the file its name, or one that nobody has. @throws SegmentError `ERR_SEGMENT_EXISTS` */
function nameFile(kernel: Kernel, path: string, name: string | undefined): string {
  for (;;) {
    const chosen = name ?? randomName()
    if (kernel.renameNew(path, pathOf(chosen))) return chosen
    // Whoever has it may have died.
    if (name !== undefined && !removeIfDead(kernel, pathOf(name))) throw exists(name)
  }
}

/** A new file that nobody takes for one that was left unfinished: its first participant's byte is locked. */
function openReserved(kernel: Kernel): { fd: number; path: string } {
  for (;;) {
    const file = openNew()
    // Somebody may have come by between the two, and removed it.
    if (kernel.lockBytes(file.fd, byteOf(1), 1) && isLinked(file.fd)) return file
    unlink(file.path)
    fs.closeSync(file.fd)
  }
}

function exists(name: string): SegmentError {
  return new SegmentError('ERR_SEGMENT_EXISTS', `there is a segment ${name} already: open it, or take another name`)
}

export function notFound(name: string): SegmentError {
  return new SegmentError(
    'ERR_SEGMENT_NOT_FOUND',
    `there is no segment ${name}: it was never made, was unlinked, or the last of its participants has ended`,
  )
}

/** What a thread that looks for a segment knows of it. */
export interface Search {
  readonly name: string
  /** The identity that it must have, if it is known. */
  readonly identity?: string | undefined
  /** Whether the main thread was asked for its mapping already. */
  readonly asked?: boolean
  /** Called with the identity before anything is mapped: what it returns ends the search. */
  readonly known: (identity: string) => boolean
}

/**
 * Joins a segment that is there.
 *
 * @returns the identity, if `known` has it
 * @throws SegmentError `ERR_SEGMENT_NOT_FOUND`, `ERR_SEGMENT_UNTRUSTED`; CorruptError; nothing was joined
 */
export function joinFile(search: Search): Joined | string {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const fd = openExisting(pathOf(search.name))
    if (fd === undefined) throw notFound(search.name)
    let keep = false
    try {
      const header = readHeader(fd, search.name)
      if (search.identity !== undefined && search.identity !== header.identity) throw notFound(search.name)
      if (search.known(header.identity)) return header.identity
      const neighbour = search.asked ? undefined : joinThroughNeighbour(search.name, header.identity)
      const joined = neighbour ?? joinByMapping(fd, search, header)
      keep = joined !== undefined && joined.fd === fd
      if (joined) return joined
    } finally {
      if (!keep) fs.closeSync(fd)
    }
    // The last participant is just leaving: in a moment there is no such name, or a new segment behind it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
  throw notFound(search.name)
}

/** Joins by the mapping that the main thread of this process has. @returns undefined: it has none */
export function joinThroughNeighbour(name: string, identity: string): Joined | undefined {
  const found = findNeighbour(identity)
  if (!found) return undefined
  const { buffer, home } = found
  const words = new Int32Array(buffer)
  const slots = words[SLOTS] as number
  // Closed in this very moment.
  if (words[MAGIC] !== magic) return undefined
  const participants = new Participants(words, slots, undefined, home)
  const participant = participants.join() as number
  return { buffer, words, name, identity, slots, participants, participant, kernel: undefined, fd: undefined }
}

/** @returns undefined: it is just being removed */
function joinByMapping(fd: number, { name }: Search, { slots, words, identity }: Header): Joined | undefined {
  const kernel = loadKernel()
  // All that took part have ended: what they left is nobody's.
  if (removeIfLast(kernel, fd, pathOf(name))) throw notFound(name)
  const mapping = map(kernel, fd, words * 4)
  try {
    const participants = new Participants(mapping.words, slots, fd)
    const participant = participants.join()
    if (participant !== undefined) {
      if (isLinked(fd)) return { ...mapping, name, identity, slots, participants, participant, kernel, fd }
      participants.leave(participant)
      throw notFound(name)
    }
  } catch (error) {
    kernel.unmap(mapping.buffer)
    throw error
  }
  kernel.unmap(mapping.buffer)
  return undefined
}

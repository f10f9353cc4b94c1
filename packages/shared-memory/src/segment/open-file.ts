import crypto from 'node:crypto'
import fs from 'node:fs'
import { badHandle } from '@heddle/sync-primitives/building-blocks'
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
import { findNeighbours } from './neighbours.js'
import type { CheckedOptions } from './options.js'
import { byteOf, Participants } from './participants.js'
import { removeIfLast, sweep } from './sweep.js'

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
  const living = sweep(kernel)
  if (name !== undefined && living.includes(name)) throw exists(name)
  const { fd, path } = openReserved(kernel)
  try {
    const mapping = mapNew(kernel, fd, bytes)
    const { words } = mapping
    words[LAYOUT] = layout
    words[SLOTS] = slots
    words[SIZE] = words.length
    words.set(crypto.getRandomValues(new Int32Array(identityWords)), IDENTITY)
    formatHeap(words, heapOf(words, slots))
    Atomics.store(words, MAGIC, magic)
    const participants = new Participants(words, slots, fd)
    const participant = participants.join() as number
    let chosen = name ?? randomName()
    while (!kernel.renameNew(path, pathOf(chosen))) {
      if (name !== undefined) throw exists(name)
      chosen = randomName()
    }
    return { ...mapping, name: chosen, identity: identityOf(words), slots, participants, participant, kernel, fd }
  } catch (error) {
    unlink(path)
    fs.closeSync(fd)
    throw error
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
  for (;;) {
    const fd = openExisting(pathOf(search.name))
    if (fd === undefined) throw notFound(search.name)
    let keep = false
    try {
      const header = readHeader(fd, search.name)
      if (search.identity !== undefined && search.identity !== header.identity) throw notFound(search.name)
      if (search.known(header.identity)) return header.identity
      const joined =
        joinThroughNeighbour(search.name, header.identity, header.slots) ?? joinByMapping(fd, search, header)
      keep = joined !== undefined && joined.fd === fd
      if (joined) return joined
    } finally {
      if (!keep) fs.closeSync(fd)
    }
    // The last participant is just leaving: in a moment there is no such name, or a new segment behind it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}

/** Joins by the mapping that another thread of this process has. @returns undefined: none has one */
export function joinThroughNeighbour(name: string, identity: string, slots?: number): Joined | undefined {
  const buffer = findNeighbours(identity)
  if (!buffer) return undefined
  const words = new Int32Array(buffer)
  // Closed since: its pages are zeros.
  if (words[MAGIC] !== magic) return undefined
  if (slots !== undefined && words[SLOTS] !== slots) throw badHandle(`the segment ${name} was damaged`)
  const participants = new Participants(words, words[SLOTS] as number, undefined)
  const participant = participants.join() as number
  return {
    buffer,
    words,
    name,
    identity,
    slots: words[SLOTS] as number,
    participants,
    participant,
    kernel: undefined,
    fd: undefined,
  }
}

/** @returns undefined: it is just being removed */
function joinByMapping(fd: number, { name }: Search, { slots, words, identity }: Header): Joined | undefined {
  const kernel = loadKernel()
  // All that took part have ended: what they left is nobody's.
  if (removeIfLast(kernel, fd, pathOf(name))) throw notFound(name)
  const mapping = map(kernel, fd, words * 4)
  const participants = new Participants(mapping.words, slots, fd)
  const participant = participants.join()
  if (participant === undefined) return undefined
  if (!isLinked(fd)) {
    participants.leave(participant)
    throw notFound(name)
  }
  return { ...mapping, name, identity, slots, participants, participant, kernel, fd }
}

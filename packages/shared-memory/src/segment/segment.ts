import fs from 'node:fs'
import { ClosedError, type Memory, type MemoryHandle, registerMemory } from '@heddle/sync-primitives'
import { badHandle, describe, invalidArgument, runWithoutWaiting } from '@heddle/sync-primitives/building-blocks'
import { CorruptError } from '../errors.js'
import { registerKind } from '../kinds.js'
import { Directory, type SharedObject } from './directory.js'
import { checkName, openExisting, pathOf, unlinkIfSame } from './files.js'
import {
  areaGeneration,
  CORRUPT,
  freeArea,
  type Heap,
  type HeapUse,
  isArea,
  linesFor,
  readUse,
  takeArea,
} from './heap.js'
import { IDENTITY, identityWords, MAGIC, magic } from './layout.js'
import { withFirstPage } from './mapping.js'
import { offer, withdraw } from './neighbours.js'
import { createFile, heapOf, type Joined, joinFile, joinThroughNeighbour, notFound } from './open-file.js'
import { type SegmentOptions, segmentOptions } from './options.js'
import { type ParticipantReport, Participants } from './participants.js'
import { listSegments, type SegmentReport } from './report.js'
import { removeIfLast } from './sweep.js'
import { KernelWaiting, PollingWaiting, type Waiting } from './waiting.js'

// More than 300 lines, most of them doc comments: this is the one class by which users, and all primitives, see a segment.

const memoryKind = 'segment'
const segmentKind = 'shared-memory/Segment'
const handleVersion = 1

/** A segment on its way to another thread or process: plain data, also as JSON. Only `fromHandle` reads its fields. */
export interface SegmentHandle extends MemoryHandle {
  readonly kind: string
  readonly version: number
  readonly segment: string
  readonly identity: string
}

/** What is in a segment, and who uses it. A snapshot: it may be stale when you read it. */
export interface SegmentStats extends HeapUse {
  readonly size: number
  readonly participants: readonly ParticipantReport[]
}

/** Those that this thread has joined, by identity. */
const joinedHere = new Map<string, Segment>()

/**
 * Memory that processes share: `new Mutex({ memory: segment })` is one lock for all of them, and so is every other object of
 * the family that takes a `memory`.
 *
 * It is a file of this user's own in the system's shared-memory folder, laid over memory of each process. Processes of other
 * users cannot open it; those of the same user are trusted. It lives as long as one participant lives: the last one that
 * closes it, or ends, takes it along. Where a participant is killed, the next call of `create`, `open` or `list` cleans up.
 *
 * A thread that opens a segment twice gets the same object, and closes it with the last `close`.
 */
export class Segment implements Memory {
  /** By which other processes open it. */
  readonly name: string
  /** In bytes. */
  readonly size: number
  readonly words: Int32Array
  readonly participant: number
  readonly slots: number
  readonly highestSlotIndex: number
  readonly identity: Int32Array
  /** Whether this process, or this thread of it, has closed the segment. */
  readonly isClosed: boolean = false
  readonly #joined: Joined
  readonly #heap: Heap
  readonly #waiting: Waiting
  readonly #directory = new Directory(this)
  /** How many `close` calls belong to it; a handle that opens it on its way takes none. */
  #openings = 0
  #left = false

  private constructor(joined: Joined) {
    const { words, participants } = joined
    this.name = joined.name
    this.size = words.length * 4
    this.words = words
    this.participant = joined.participant
    this.slots = joined.slots
    this.highestSlotIndex = participants.highestSlotIndex
    this.identity = words.slice(IDENTITY, IDENTITY + identityWords)
    this.#joined = joined
    this.#heap = heapOf(words, joined.slots)
    const place = {
      words,
      identity: joined.identity,
      participant: joined.participant,
      highestSlotIndex: this.highestSlotIndex,
      slots: joined.slots,
    }
    this.#waiting = joined.kernel ? new KernelWaiting(place, joined.kernel, joined.buffer) : new PollingWaiting(place)
    joinedHere.set(joined.identity, this)
    if (joined.kernel) offer(joined.identity, { buffer: joined.buffer, home: joined.participant })
    // Of another thread that may take it away: its first word is what tells. One's own needs no look at shared memory.
    else Object.defineProperty(this, 'isClosed', { get: () => this.#left || words[MAGIC] !== magic })
    leaveAtExit()
  }

  /**
   * Makes a new segment, and reserves its memory at once. Blocks while the system zeroes it, some milliseconds for 100 MB, and
   * longer the first time in a process: it loads native code.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   * @throws SegmentError `ERR_SEGMENT_EXISTS`: a living segment has the name; `ENOSPC`: there is not so much memory for shared
   * files; `ERR_SEGMENT_UNTRUSTED`: somebody else could write to the folder of the segments
   * @throws Error `ERR_UNSUPPORTED_PLATFORM`: not on Linux, or without the package koffi
   */
  static create(options: SegmentOptions): Segment {
    return new Segment(createFile(segmentOptions(options))).reopen()
  }

  /**
   * Opens the segment with this name, in this thread. Blocks for a moment, longer the first time in a process.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a name
   * @throws SegmentError `ERR_SEGMENT_NOT_FOUND`: there is none, or all that took part in it have ended;
   * `ERR_SEGMENT_UNTRUSTED`: a link, not a plain file, another user's, or open to other users; it was not opened
   * @throws CorruptError `ERR_CORRUPT`: the file is no segment of this version, or was damaged
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads take part already as there is room for
   * @throws Error `ERR_UNSUPPORTED_PLATFORM`: not on Linux, or without the package koffi
   */
  static open(name: string): Segment {
    return find({ name: checkName(name) }).reopen()
  }

  /**
   * Removes a segment's name: from now on nobody can open it. Who has it open goes on. Does not block.
   *
   * @throws SegmentError `ERR_SEGMENT_NOT_FOUND`: there is no such name; `ERR_SEGMENT_UNTRUSTED`: it is not yours
   * @throws TypeError `ERR_INVALID_ARG`: not a name
   */
  static unlink(name: string): void {
    const path = pathOf(checkName(name))
    const fd = openExisting(path)
    if (fd === undefined) throw notFound(name)
    try {
      unlinkIfSame(fd, path)
    } finally {
      fs.closeSync(fd)
    }
  }

  /**
   * The segments of this user that have a living participant. Removes what the dead have left. Does not block.
   *
   * @throws SegmentError `ERR_SEGMENT_UNTRUSTED`: somebody else could write to the folder of the segments
   * @throws Error `ERR_UNSUPPORTED_PLATFORM`: not on Linux, or without the package koffi
   */
  static list(): SegmentReport[] {
    return listSegments()
  }

  /**
   * Opens the segment that a handle names, in this thread. Otherwise as {@link Segment.open}; here `ERR_SEGMENT_NOT_FOUND` also
   * says that another segment has the name by now.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a segment
   */
  static fromHandle(handle: SegmentHandle): Segment {
    if (typeof handle !== 'object' || handle === null || handle.kind !== segmentKind)
      throw badHandle('not a handle of a segment')
    if (handle.version !== handleVersion)
      throw badHandle(`a handle of a segment in version ${describe(handle.version)}; this is version ${handleVersion}`)
    return openHandle(handle).reopen()
  }

  /** What is used, and by whom. Does not block. @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT` */
  stats(): SegmentStats {
    this.#throwIfClosed()
    // Who gives and takes meanwhile may make one walk fail.
    for (let attempt = 0; attempt < 100; attempt++) {
      const use = readUse(this.words, this.#heap)
      if (use) return { ...use, size: this.size, participants: this.#joined.participants.report() }
    }
    // Another thread may have closed it meanwhile: zeros are no sizes.
    this.#throwIfClosed()
    throw this.#corrupt()
  }

  /**
   * The object with this name, made by `create` if there is none: by one caller only, however many ask at once, in whatever
   * process. `create` must make it in this segment. Blocks while another one makes an object of the same name.
   *
   * Whoever opens it must have imported its package.
   *
   * @throws TypeError `ERR_INVALID_ARG`: a name that is no string, or `create` gave no object of this segment
   * @throws TypeError `ERR_BAD_HANDLE`: the object that has the name was freed, or its package was not imported
   * @throws RangeError `ERR_OUT_OF_RANGE`: no room; what `create` throws comes out as it is; the name is not taken then
   * @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT`
   */
  getOrCreate<Shared extends SharedObject>(name: string, create: () => Shared): Shared {
    this.#throwIfClosed()
    return this.#directory.getOrCreate(name, create) as Shared
  }

  /** The object with this name; undefined: there is none. Does not block. Otherwise as {@link Segment.getOrCreate}. */
  get<Shared extends SharedObject>(name: string): Shared | undefined {
    this.#throwIfClosed()
    const object = this.#directory.get(name) as Shared | undefined
    this.#throwIfClosed()
    return object
  }

  /** Takes a name off its object, which stays as it is. @returns whether there was one. Otherwise as {@link Segment.get} */
  delete(name: string): boolean {
    this.#throwIfClosed()
    const isDeleted = this.#directory.delete(name)
    this.#throwIfClosed()
    return isDeleted
  }

  /** The names of objects in this segment. Does not block. @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT` */
  names(): string[] {
    this.#throwIfClosed()
    const names = this.#directory.names()
    this.#throwIfClosed()
    return names
  }

  /**
   * Frees an object of this segment: handles of it are refused from now on, and its memory is given to others. Call it when
   * no thread uses the object any more; whoever still does works on what is not its own.
   *
   * @returns false: it was freed before
   * @throws TypeError `ERR_INVALID_ARG`: not an object of this segment
   * @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT`
   */
  dispose(object: SharedObject & { dispose?(): void }): boolean {
    this.#throwIfClosed()
    const handle = typeof object?.toHandle === 'function' ? object.toHandle() : undefined
    const index = handle?.index
    if (handle?.identity !== this.#joined.identity || index === undefined || !Number.isInteger(index))
      throw invalidArgument('not an object of this segment')
    // By its generation: another object may have its place.
    const isStill = () => areaGeneration(this.words, index) === handle.generation
    if (!isArea(this.words, this.#heap, index) || !isStill()) return false
    if (typeof object.dispose !== 'function') return this.free(index, isStill)
    object.dispose()
    return true
  }

  /** Plain data for other threads and processes, also as JSON. */
  toHandle(index?: number): SegmentHandle {
    const handle = {
      memory: memoryKind,
      kind: segmentKind,
      version: handleVersion,
      segment: this.name,
      identity: this.#joined.identity,
    }
    return index === undefined ? handle : { ...handle, generation: areaGeneration(this.words, index) }
  }

  /**
   * Lets go of the segment, if nobody else in this thread has it open: this process, and in a worker that was handed the
   * segment that worker. Other processes are not concerned; with the last participant the memory is gone. What waits in
   * it ends with `ERR_CLOSED`, and so does all later use of its objects; a typed array over it reads zeros, and what is
   * written to one is lost. Guards that are still held count as left by one who died.
   * A second call does nothing.
   */
  close(): void {
    if (this.#left || --this.#openings > 0) return
    const { participants, participant, kernel, fd, identity, buffer } = this.#joined
    const hasGuests = kernel !== undefined && participants.hasGuests(participant)
    this.#waiting.close()
    participants.leave(participant)
    this.#left = true
    if (kernel) (this as { isClosed: boolean }).isClosed = true
    joinedHere.delete(identity)
    if (kernel === undefined || fd === undefined) return
    withdraw(identity)
    try {
      kernel.unmap(buffer)
      // Only now, when none of them can write any more.
      if (hasGuests)
        withFirstPage(kernel, fd, (words) => new Participants(words, this.slots, fd).endGuests(participant))
    } finally {
      removeIfLast(kernel, fd, pathOf(this.name))
      fs.closeSync(fd)
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @internal */
  reopen(): this {
    this.#openings += 1
    return this
  }

  /** @internal Nobody can open it any more, as after {@link Segment.unlink}; another segment that has the name by now keeps it. */
  removeName(): void {
    const { fd } = this.#joined
    if (fd !== undefined) unlinkIfSame(fd, pathOf(this.name))
  }

  /**
   * @internal At the end of the thread. It still takes part: other listeners may have work to do. The system tells the others
   * when it has ended.
   */
  leave(): void {
    const { kernel, fd } = this.#joined
    this.#waiting.forget()
    if (kernel !== undefined && fd !== undefined) removeIfLast(kernel, fd, pathOf(this.name))
  }

  allocate(count: number): number {
    this.#throwIfClosed()
    const lines = linesFor(count)
    const index = runWithoutWaiting(this, takeArea(this.#heap, this.participant, lines, this.#clear))
    if (index === CORRUPT) throw this.#corrupt()
    return index
  }

  free(index: number, isStill: () => boolean = () => true): boolean {
    this.#throwIfClosed()
    if (!isArea(this.words, this.#heap, index)) return false
    return runWithoutWaiting(this, freeArea(this.#heap, this.participant, index, isStill, this.#clear))
  }

  readonly #clear = (from: number, to: number): void => {
    this.words.fill(0, from, to)
  }

  isAllocated(index: unknown, handle?: MemoryHandle): index is number {
    if (!isArea(this.words, this.#heap, index)) return false
    return handle === undefined || handle.generation === areaGeneration(this.words, index)
  }

  wait(index: number, expected: number, timeout: number): void {
    this.#throwIfClosed()
    this.#waiting.wait(index, expected, timeout)
  }

  waitAsync(index: number, expected: number): Promise<unknown> | undefined {
    this.#throwIfClosed()
    return this.#waiting.waitAsync(index, expected)
  }

  notify(index: number, count: number): void {
    if (!this.isClosed) this.#waiting.notify(index, count)
  }

  isDead(participant: number, fresh = false): boolean {
    this.#throwIfClosed()
    return participant !== this.participant && this.#joined.participants.isDead(participant, fresh)
  }

  setAwaited(ownerIndex: number): void {
    if (!this.isClosed) this.#joined.participants.setAwaited(this.participant, ownerIndex)
  }

  awaitedBy(participant: number): number {
    return this.#joined.participants.awaitedBy(participant)
  }

  threadIdOf(participant: number): number | undefined {
    return this.#joined.participants.threadIdOf(participant)
  }

  /** @internal Of this thread, if it has joined it. */
  static joined(identity: string): Segment | undefined {
    const segment = joinedHere.get(identity)
    // Another thread of this process may have closed it.
    return segment?.isClosed === false ? segment : undefined
  }

  /** @internal */
  static join(joined: Joined): Segment {
    return new Segment(joined)
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw new ClosedError(`the segment ${this.name} was closed by this process`)
  }

  #corrupt(): CorruptError {
    return new CorruptError(`the segment ${this.name} was damaged: the sizes of its areas do not add up`)
  }
}

function find(search: { readonly name: string; readonly identity?: string; readonly asked?: boolean }): Segment {
  const found = joinFile({ ...search, known: (identity) => Segment.joined(identity) !== undefined })
  return typeof found === 'string' ? (Segment.joined(found) as Segment) : Segment.join(found)
}

function openHandle(handle: MemoryHandle): Segment {
  const { segment: name, identity } = handle
  if (typeof identity !== 'string' || !/^[0-9a-f]{32}$/.test(identity)) throw badHandle('the handle names no segment')
  const known = Segment.joined(identity)
  if (known) return known
  const checked = checkName(name)
  const joined = joinThroughNeighbour(checked, identity)
  return joined ? Segment.join(joined) : find({ name: checked, identity, asked: true })
}

registerMemory(memoryKind, openHandle)
registerKind(segmentKind, { version: handleVersion, fromHandle: (handle: SegmentHandle) => Segment.fromHandle(handle) })

let leaves = false

/** Once in a thread. A worker that is terminated gets no event: then the kernel tells the others. */
function leaveAtExit(): void {
  if (leaves) return
  leaves = true
  process.on('exit', () => {
    for (const segment of joinedHere.values()) if (!segment.isClosed) segment.leave()
  })
}

import { badHandle } from '../errors.js'
import { objectOption, wholeNumber } from '../options.js'
import { type Memory, type MemoryHandle, registerMemory } from './memory.js'
import { mostSlots, Participants, participantTableWords } from './participants.js'

/**
 * Memory that the threads of one process share: a SharedArrayBuffer.
 *
 * index · name         · meaning
 * 0     · MAGIC        · tells a Heddle memory from any other buffer
 * 1     · LAYOUT       · version of this layout
 * 2     · SLOTS        · how many threads there can be at a time; written once
 * 3     · FIRST_FREE   · index of the first word that was not allocated yet
 * 4…7   · IDENTITY     · 128 random bits that tell this memory from every other; written once
 * 8     · ARENA        · 1: a thread's own memory, for objects of which nobody says where they should be; written once
 * 16…   · PARTICIPANTS · the table of `participants.ts`, then allocated lines of 16 words (64 bytes, one cache line)
 *
 * Invariant: FIRST_FREE only grows and is a multiple of 16, so no word has two users.
 * Invariant: a thread joins a memory once, on first use, in however many messages the buffer reaches it.
 */
const MAGIC = 0
const LAYOUT = 1
const SLOTS = 2
const FIRST_FREE = 3
const IDENTITY = 4
const ARENA = 8
const PARTICIPANTS = 16
const identityWords = 4

const magic = 0x4864646c // "Hddl"
const layout = 2
const wordsPerLine = 16

const threadMemoryKind = 'thread'

/** Room for thousands of mutexes; pages that nobody touched cost nothing. */
const defaultBytes = 256 * 1024
const defaultSlots = 127
const mostBytes = 2 ** 31 - 64

/** What this thread knows already, by buffer object: the quick way. */
const known = new WeakMap<SharedArrayBuffer, ThreadMemory>()

/**
 * The same by identity. Every message makes a new SharedArrayBuffer object for the same memory: without this, a thread would
 * join a memory once more per message, and would not know the locks it holds.
 */
const knownByIdentity = new Map<string, WeakRef<ThreadMemory>>()

/**
 * What this thread is in each memory that it has joined. Kept when the memory is collected: the buffer may come in another
 * message, and a thread that joined anew would not be the owner of what it holds, and would take up one more slot.
 */
const joined = new Map<string, number>()

const forget = new FinalizationRegistry<string>((identity) => {
  if (!knownByIdentity.get(identity)?.deref()) knownByIdentity.delete(identity)
})

export interface ThreadMemoryOptions {
  /** The size in bytes; it never grows. Default: 262,144. */
  readonly bytes?: number | undefined
  /** How many threads may use it at a time, 1 to 255. Default: 127. Objects with a record for each thread grow with it. */
  readonly participants?: number | undefined
}

/**
 * A memory of one's own for shared objects: `new Mutex({ memory })` takes its words from it. Without one, each thread has a
 * memory of its own for the objects that it makes. Objects in one memory go together: it is collected when no thread uses
 * any of them.
 */
export class ThreadMemory implements Memory {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly participant: number
  readonly slots: number
  readonly highestSlotIndex: number
  readonly identity: Int32Array
  readonly isClosed = false
  readonly #participants: Participants

  private constructor(buffer: SharedArrayBuffer, words: Int32Array) {
    this.buffer = buffer
    this.words = words
    this.slots = Atomics.load(words, SLOTS)
    this.#participants = new Participants(words, PARTICIPANTS, this.slots)
    this.highestSlotIndex = this.#participants.highestSlotIndex
    this.identity = words.subarray(IDENTITY, IDENTITY + identityWords)
    const identity = identityOf(words)
    this.participant = joined.get(identity) ?? this.#participants.join()
    joined.set(identity, this.participant)
    known.set(buffer, this)
    knownByIdentity.set(identity, new WeakRef(this))
    forget.register(this, identity)
  }

  /**
   * Makes a new memory. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  static create(options?: ThreadMemoryOptions): ThreadMemory {
    const { bytes = defaultBytes, participants = defaultSlots } = objectOption(options)
    const slots = wholeNumber('participants', participants, 1, mostSlots)
    const header = lines(PARTICIPANTS + participantTableWords(slots))
    const least = (header + wordsPerLine) * 4
    const size = lines(Math.ceil(wholeNumber('bytes', bytes, least, mostBytes) / 4)) * 4
    const buffer = new SharedArrayBuffer(size)
    const words = new Int32Array(buffer)
    words[LAYOUT] = layout
    words[SLOTS] = slots
    words[FIRST_FREE] = header
    words.set(crypto.getRandomValues(new Int32Array(identityWords)), IDENTITY)
    Atomics.store(words, MAGIC, magic)
    return new ThreadMemory(buffer, words)
  }

  /**
   * The memory in this buffer, as this thread sees it.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no SharedArrayBuffer, or not one that Heddle made
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use it already as it has room for
   */
  static of(buffer: SharedArrayBuffer): ThreadMemory {
    // By tag: a buffer that crossed a realm fails `instanceof`.
    if (Object.prototype.toString.call(buffer) !== '[object SharedArrayBuffer]')
      throw badHandle('the handle holds no SharedArrayBuffer: it must be sent between threads, not between processes')
    const existing = known.get(buffer)
    if (existing) return existing
    if (buffer.byteLength < wordsPerLine * 4 || buffer.byteLength % 4 !== 0)
      throw badHandle('the buffer of the handle is too small for a Heddle memory')
    const words = new Int32Array(buffer)
    if (Atomics.load(words, MAGIC) !== magic) throw badHandle('the buffer of the handle is no Heddle memory')
    if (Atomics.load(words, LAYOUT) !== layout)
      throw badHandle(`the memory has layout ${words[LAYOUT]}; this version of Heddle reads layout ${layout}`)
    const slots = Atomics.load(words, SLOTS)
    if (slots < 1 || slots > mostSlots || PARTICIPANTS + participantTableWords(slots) > words.length)
      throw badHandle('the buffer of the handle has no room for its participants')
    const sameMemory = knownByIdentity.get(identityOf(words))?.deref()
    if (!sameMemory) return new ThreadMemory(buffer, words)
    known.set(buffer, sameMemory)
    return sameMemory
  }

  allocate(count: number): number {
    const size = lines(count)
    for (;;) {
      const index = Atomics.load(this.words, FIRST_FREE)
      if (index + size > this.words.length) return -1
      if (Atomics.compareExchange(this.words, FIRST_FREE, index, index + size) === index) return index
    }
  }

  isAllocated(index: unknown): index is number {
    return (
      Number.isInteger(index) &&
      (index as number) >= PARTICIPANTS + participantTableWords(this.slots) &&
      (index as number) % wordsPerLine === 0 &&
      (index as number) < Atomics.load(this.words, FIRST_FREE)
    )
  }

  wait(index: number, expected: number, timeout: number): void {
    Atomics.wait(this.words, index, expected, timeout)
  }

  waitAsync(index: number, expected: number): Promise<unknown> | undefined {
    // A load first: a waitAsync that has nothing to wait for costs five times as much as this.
    if (Atomics.load(this.words, index) !== expected) return undefined
    const outcome = Atomics.waitAsync(this.words, index, expected)
    return outcome.async ? outcome.value : undefined
  }

  notify(index: number, count: number): void {
    Atomics.notify(this.words, index, count)
  }

  isDead(participant: number, fresh = false): boolean {
    return participant !== this.participant && this.#participants.isDead(participant, fresh)
  }

  setAwaited(ownerIndex: number): void {
    this.#participants.setAwaited(this.participant, ownerIndex)
  }

  awaitedBy(participant: number): number {
    return this.#participants.awaitedBy(participant)
  }

  threadIdOf(participant: number): number | undefined {
    return this.#participants.threadIdOf(participant)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process; {@link ThreadMemory.of} opens its buffer. */
  toHandle(): MemoryHandle & { readonly buffer: SharedArrayBuffer } {
    return { memory: threadMemoryKind, buffer: this.buffer }
  }

  /** @internal Whether it was made for objects of which nobody has said where they should be, by whichever thread. */
  get isArena(): boolean {
    return Atomics.load(this.words, ARENA) === 1
  }

  /** @internal Every memory that this thread uses learns that a thread has ended. */
  static markEnded(threadId: number): void {
    for (const reference of knownByIdentity.values()) {
      const memory = reference.deref()
      if (memory) memory.#participants.markEnded(threadId)
    }
  }
}

registerMemory(threadMemoryKind, (handle) => ThreadMemory.of(handle.buffer as SharedArrayBuffer))

function lines(words: number): number {
  return Math.ceil(words / wordsPerLine) * wordsPerLine
}

function identityOf(words: Int32Array): string {
  return words.subarray(IDENTITY, IDENTITY + identityWords).join()
}

let arena: ThreadMemory | undefined

/** The memory that this thread's own objects are made in; it is replaced when it is full, and collected with its last user. */
export function arenaFor(words: number): ThreadMemory {
  arena ??= newArena(defaultBytes)
  if (Atomics.load(arena.words, FIRST_FREE) + lines(words) <= arena.words.length) return arena
  const header = lines(PARTICIPANTS + participantTableWords(defaultSlots))
  const next = newArena(Math.max(defaultBytes, (lines(words) + header) * 4))
  // One large object does not end the arena of the small ones.
  if (words * 4 <= defaultBytes / 8) arena = next
  return next
}

function newArena(bytes: number): ThreadMemory {
  const memory = ThreadMemory.create({ bytes })
  Atomics.store(memory.words, ARENA, 1)
  return memory
}

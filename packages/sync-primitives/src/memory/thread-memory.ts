import { badHandle, InternalError } from '../errors.js'
import type { Memory } from './memory.js'

/**
 * Memory that the threads of one process share: a SharedArrayBuffer.
 *
 * index · name             · meaning
 * 0     · MAGIC            · tells a Heddle memory from any other buffer
 * 1     · LAYOUT           · version of this layout
 * 2     · LAST_PARTICIPANT · the highest participant number given out
 * 3     · FIRST_FREE       · index of the first word that was not allocated yet
 * 4…7   · IDENTITY         · 128 random bits that tell this memory from every other; written once
 * 16…   ·                  · allocated lines of 16 words (64 bytes, one cache line)
 *
 * Invariant: FIRST_FREE only grows and is a multiple of 16, so no word has two users.
 * Invariant: a participant number is given out once; a thread takes one per memory, on first use, in however many messages
 * the buffer reaches it.
 */
const MAGIC = 0
const LAYOUT = 1
const LAST_PARTICIPANT = 2
const FIRST_FREE = 3
const IDENTITY = 4
const identityWords = 4

const magic = 0x4864646c // "Hddl"
const layout = 1
const wordsPerLine = 16
const maxParticipant = 2 ** 30 - 1

/** Large enough for 1,023 locks, small enough to be thrown away with the last of them. */
const defaultBytes = 64 * 1024

/** What this thread knows already, by buffer object: the quick way. */
const known = new WeakMap<SharedArrayBuffer, ThreadMemory>()

/**
 * The same by identity. Every message makes a new SharedArrayBuffer object for the same memory: without this, a thread would
 * join a memory once more per message, and would not know the locks it holds.
 */
const knownByIdentity = new Map<string, WeakRef<ThreadMemory>>()

const forget = new FinalizationRegistry<string>((identity) => {
  if (!knownByIdentity.get(identity)?.deref()) knownByIdentity.delete(identity)
})

export class ThreadMemory implements Memory {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly participant: number

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.participant = Atomics.add(this.words, LAST_PARTICIPANT, 1) + 1
    if (this.participant > maxParticipant)
      throw new InternalError('a memory has given out all of its participant numbers')
    known.set(buffer, this)
    const identity = identityOf(this.words)
    knownByIdentity.set(identity, new WeakRef(this))
    forget.register(this, identity)
  }

  static create(bytes = defaultBytes): ThreadMemory {
    const buffer = new SharedArrayBuffer(bytes)
    const words = new Int32Array(buffer)
    words[LAYOUT] = layout
    words[FIRST_FREE] = wordsPerLine
    words.set(crypto.getRandomValues(new Int32Array(identityWords)), IDENTITY)
    Atomics.store(words, MAGIC, magic)
    return new ThreadMemory(buffer)
  }

  /**
   * The memory in this buffer, as this thread sees it.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no SharedArrayBuffer, or not one that Heddle made
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
    const sameMemory = knownByIdentity.get(identityOf(words))?.deref()
    if (!sameMemory) return new ThreadMemory(buffer)
    known.set(buffer, sameMemory)
    return sameMemory
  }

  allocate(count: number): number {
    const size = Math.ceil(count / wordsPerLine) * wordsPerLine
    for (;;) {
      const index = Atomics.load(this.words, FIRST_FREE)
      if (index + size > this.words.length) return -1
      if (Atomics.compareExchange(this.words, FIRST_FREE, index, index + size) === index) return index
    }
  }

  /** Whether `index` is the first word of something that was allocated. */
  isAllocated(index: unknown): index is number {
    return (
      Number.isInteger(index) &&
      (index as number) >= wordsPerLine &&
      (index as number) % wordsPerLine === 0 &&
      (index as number) < Atomics.load(this.words, FIRST_FREE)
    )
  }

  wait(index: number, expected: number, timeout: number): void {
    Atomics.wait(this.words, index, expected, timeout)
  }

  waitAsync(index: number, expected: number, timeout: number): Promise<unknown> | undefined {
    // A load first: a waitAsync that has nothing to wait for costs five times as much as this.
    if (Atomics.load(this.words, index) !== expected) return undefined
    const outcome = Atomics.waitAsync(this.words, index, expected, timeout)
    return outcome.async ? outcome.value : undefined
  }

  notify(index: number, count: number): void {
    Atomics.notify(this.words, index, count)
  }
}

function identityOf(words: Int32Array): string {
  return words.subarray(IDENTITY, IDENTITY + identityWords).join()
}

let arena: ThreadMemory | undefined

/** Takes words from this thread's own memory, which is replaced when it is full and collected with its last user. */
export function allocateInArena(count: number): { memory: ThreadMemory; index: number } {
  arena ??= ThreadMemory.create()
  let index = arena.allocate(count)
  if (index < 0) {
    arena = ThreadMemory.create(Math.max(defaultBytes, (count + 2 * wordsPerLine) * 4))
    index = arena.allocate(count)
  }
  return { memory: arena, index }
}

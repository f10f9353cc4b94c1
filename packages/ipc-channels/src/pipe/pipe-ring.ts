import { MessageAssembler, type MessageFrames } from '@heddle/codec'
import type { Memory } from '@heddle/sync-primitives'
import { InnerLock } from '@heddle/sync-primitives/building-blocks'
import {
  BYTES,
  entryWords,
  HEAD,
  ITEMS,
  PUT_LOCK,
  RECORDS,
  ROOM,
  START,
  TAIL,
  TAKE_LOCK,
  wordsOf,
} from '../ring/layout.js'
import { BROKEN, DAMAGED, EMPTY } from '../ring/outcomes.js'
import { close, put, type Ring, type Source, type Target, take } from '../ring/ring.js'
import { copyToScratch, decode, decodeTaken, type Writable } from '../ring/scratch.js'
import { BEGINS, headerBytes, headerWords, ringCapacity, ringParts } from './layout.js'

/** What is in the ring, or was taken out of it: a whole message; a part of one that is not whole yet. */
export const WHOLE = 1
export const PART = 2
/** The first of some parts that belong to no message whose beginning has come here: they are dropped. */
export const ORPHAN = 3

/**
 * One direction of a pipe, as one of its ends sees it. A message that has room in the ring is one frame; a longer one goes
 * through it in many, and is put together on the other side.
 */
export class PipeRing implements Ring, Source, Target {
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
  readonly capacityBytes: number
  readonly entries: number
  readonly mask: number
  readonly dataWords: number
  readonly record: number
  readonly generation = 1
  readonly putLock: InnerLock
  readonly takeLock: InnerLock
  /** The eventcounts of who waits for a frame, and for room. */
  readonly items: number
  readonly room: number
  readonly #data: number
  readonly #bytes: Uint8Array
  readonly #maxMessageBytes: number
  /** Throws if this end is not this object's any more; called under the lock. */
  readonly #check: () => void
  /** What is being put: a message, or a part of one with its header. */
  #message: Writable | undefined
  #part: MessageFrames | undefined
  #assembler: MessageAssembler
  /** What the last take came to, and what there is of it. */
  #found = WHOLE
  #scratchBytes = 0
  #assembled: Uint8Array | undefined
  #isDropping = false
  #failure: unknown

  constructor(memory: Memory, index: number, capacityBytes: number, maxMessageBytes: number, check: () => void) {
    const parts = ringParts(capacityBytes)
    this.words = memory.words
    this.index = index
    this.capacity = ringCapacity(capacityBytes)
    this.capacityBytes = capacityBytes
    this.entries = index + parts.entries
    this.mask = parts.mask
    this.dataWords = parts.dataWords
    this.record = index + RECORDS
    this.putLock = new InnerLock(memory, index + PUT_LOCK)
    this.takeLock = new InnerLock(memory, index + TAKE_LOCK)
    this.items = index + ITEMS
    this.room = index + ROOM
    this.#data = index + parts.data
    this.#bytes = new Uint8Array(memory.words.buffer, memory.words.byteOffset, memory.words.byteLength)
    this.#maxMessageBytes = maxMessageBytes
    this.#check = check
    this.#assembler = new MessageAssembler({ maxMessageBytes })
  }

  /** Puts a message in one piece. @returns as {@link put} */
  putWhole(message: Writable): number {
    this.#message = message
    this.#part = undefined
    return put(this, this)
  }

  /** Puts the part of a message that is next. @returns as {@link put} */
  putPart(frames: MessageFrames): number {
    this.#part = frames
    this.#message = undefined
    return put(this, this)
  }

  /** Of the frame that is being put. */
  get byteLength(): number {
    return this.#part ? this.#part.byteLength : headerBytes + (this.#message as Writable).byteLength
  }

  writeAt(start: number): void {
    this.#check()
    const at = this.#data + start
    if (this.#part) {
      this.#part.writeTo(this.#bytes, at * 4)
      return
    }
    const message = this.#message as Writable
    message.writeTo(this.#bytes, (at + headerWords) * 4)
    this.words[at] = message.byteLength
    this.words[at + 1] = message.byteLength | BEGINS
  }

  /**
   * Takes one frame. After WHOLE there is a message to {@link PipeRing.decode}.
   *
   * @returns WHOLE, PART, ORPHAN; or EMPTY, OVER, BROKEN, DAMAGED
   */
  take(): number {
    this.#found = DAMAGED
    this.#failure = undefined
    const taken = take(this, this)
    if (taken === DAMAGED || (taken > 0 && this.#found === DAMAGED)) {
      this.forgetPart()
      this.#isDropping = true
    }
    return taken > 0 ? this.#found : taken
  }

  readFrom(start: number, byteLength: number): void {
    this.#check()
    const at = this.#data + start
    const size = this.words[at] as number
    const left = this.words[at + 1] as number
    if (size < 1 || size !== byteLength - headerBytes) return
    if (left === (size | BEGINS)) {
      copyToScratch(this.words, at + headerWords, wordsOf(size))
      this.#scratchBytes = size
      this.#assembled = undefined
      this.#found = WHOLE
      this.forgetPart()
    } else if (left >= 0 && this.#assembler.isBetweenMessages) {
      this.#found = this.#isDropping ? PART : ORPHAN
      this.#isDropping = true
    } else this.#assemble(this.#bytes.subarray(at * 4, at * 4 + byteLength))
  }

  #assemble(frame: Uint8Array): void {
    try {
      this.#assembled = this.#assembler.push(frame)[0]
      this.#isDropping = false
      this.#found = this.#assembled ? WHOLE : PART
    } catch (failure) {
      // DAMAGED, or longer than any message may be, or than there is memory for.
      this.#failure = failure
    }
  }

  /** The message that was taken. It must be called before anything else is taken in this thread. @throws as `decodeTaken` */
  decode(): unknown {
    const bytes = this.#assembled
    if (bytes === undefined) return decodeTaken(this.#scratchBytes)
    this.#assembled = undefined
    return decode(bytes, 0, bytes.length)
  }

  /** Why the last take came to DAMAGED, where there is something to say. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether a message has come in part. */
  get hasPart(): boolean {
    return !this.#assembler.isBetweenMessages
  }

  /** Drops the part that has come. */
  forgetPart(): void {
    this.#isDropping = false
    if (this.hasPart) this.#assembler = new MessageAssembler({ maxMessageBytes: this.#maxMessageBytes })
  }

  /** What the next take would come to: WHOLE, PART, EMPTY, or DAMAGED for all that is an error. */
  peek(): number {
    const { words, index, entries, mask, dataWords } = this
    this.takeLock.lock()
    try {
      this.#check()
      const head = Atomics.load(words, index + HEAD)
      const inside = (Atomics.load(words, index + TAIL) - head) >>> 0
      if (inside === 0) return EMPTY
      const entry = entries + (head & mask) * entryWords
      const start = words[entry + START] as number
      const byteLength = words[entry + BYTES] as number
      if (inside > this.capacity) return BROKEN
      if (start < 0 || byteLength < headerBytes || start + wordsOf(byteLength) > dataWords) return DAMAGED
      const size = byteLength - headerBytes
      const left = words[this.#data + start + 1] as number
      // Of a message that has begun here, the last part stays in the ring until somebody receives it.
      return left === (size | BEGINS) || (this.hasPart && left === size) ? WHOLE : PART
    } finally {
      this.takeLock.unlock()
    }
  }

  close(): void {
    close(this)
  }

  get isEmpty(): boolean {
    return Atomics.load(this.words, this.index + TAIL) === Atomics.load(this.words, this.index + HEAD)
  }

  /** Changes with each frame that is taken. */
  get head(): number {
    return Atomics.load(this.words, this.index + HEAD)
  }
}

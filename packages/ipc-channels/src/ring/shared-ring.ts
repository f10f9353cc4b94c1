import type { Memory } from '@heddle/sync-primitives'
import { badHandle, generationOf, InnerLock, type Place, slotOf } from '@heddle/sync-primitives/building-blocks'
import type { QueueStore } from '../queue-core.js'
import {
  CAPACITY,
  CAPACITY_BYTES,
  ERRORS,
  HEAD,
  HEAD_HALVES,
  mostCapacity,
  mostCapacityBytes,
  PUT_LOCK,
  partsOf,
  RECORDS,
  recordWords,
  TAIL,
  TAIL_HALVES,
  TAKE_LOCK,
  wordsOf,
} from './layout.js'
import {
  close,
  type ManyTarget,
  put,
  putMany,
  type Source,
  type Target,
  take,
  takeAllAndClose,
  takeMany,
} from './ring.js'
import { copyToScratch, type TakenBytes, type Writable } from './scratch.js'

/** One queue's ring in a memory, as this thread sees it, with its items as bytes. */
export class SharedRing implements QueueStore, Source, Target {
  readonly memory: Memory
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
  readonly capacityBytes: number
  readonly entries: number
  readonly mask: number
  readonly dataWords: number
  readonly record: number
  readonly generation: number
  readonly putLock: InnerLock
  readonly takeLock: InnerLock
  readonly #data: number
  readonly #bytes: Uint8Array
  /** What is being put: this thread puts one at a time. */
  #item: Writable | undefined

  /** @throws TypeError `ERR_BAD_HANDLE`: the words hold no queue, or not all of it */
  constructor({ memory, index }: Place) {
    const { words, participant, slots } = memory
    const capacity = Atomics.load(words, index + CAPACITY)
    const capacityBytes = Atomics.load(words, index + CAPACITY_BYTES)
    const isPossible =
      capacity >= 1 && capacity <= mostCapacity && capacityBytes >= 1 && capacityBytes <= mostCapacityBytes
    const parts = isPossible ? partsOf(slots, capacity, capacityBytes) : undefined
    if (!parts || index + parts.end > words.length) throw badHandle('the handle names a damaged queue')
    this.memory = memory
    this.words = words
    this.index = index
    this.capacity = capacity
    this.capacityBytes = capacityBytes
    this.entries = index + parts.entries
    this.mask = parts.mask
    this.dataWords = parts.dataWords
    this.record = index + RECORDS + slotOf(participant) * recordWords
    this.generation = generationOf(participant)
    this.putLock = new InnerLock(memory, index + PUT_LOCK)
    this.takeLock = new InnerLock(memory, index + TAKE_LOCK)
    this.#data = index + parts.data
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  static format({ memory, index }: Place, capacity: number, capacityBytes: number): void {
    Atomics.store(memory.words, index + CAPACITY, capacity)
    Atomics.store(memory.words, index + CAPACITY_BYTES, capacityBytes)
  }

  put(item: Writable): number {
    this.#item = item
    return put(this, this)
  }

  putMany(items: readonly Writable[], from: number): number {
    const length = items.length - from
    const at = (index: number): Source => {
      this.#item = items[from + index]
      return this
    }
    return putMany(this, { length, at })
  }

  take(): number {
    return take(this, this)
  }

  takeMany(taken: TakenBytes, most: number): number {
    return takeMany(this, this.#manyTarget(taken), most)
  }

  takeAllAndClose(taken: TakenBytes): number {
    return takeAllAndClose(this, this.#manyTarget(taken))
  }

  close(): void {
    close(this)
  }

  /** Of the item that is being put. */
  get byteLength(): number {
    return (this.#item as Writable).byteLength
  }

  writeAt(start: number): void {
    this.#item?.writeTo(this.#bytes, (this.#data + start) * 4)
  }

  /** To the scratch. */
  readFrom(start: number, byteLength: number): void {
    copyToScratch(this.words, this.#data + start, wordsOf(byteLength))
  }

  #manyTarget(taken: TakenBytes): ManyTarget {
    return {
      prepare: (byteLength) => taken.prepare(byteLength),
      readFrom: (start, byteLength) => {
        taken.append(this.#bytes, (this.#data + start) * 4, byteLength)
      },
    }
  }

  /** The items inside: a snapshot. */
  get size(): number {
    const { words, index } = this
    // In this order: it is never more than there were.
    const tail = Atomics.load(words, index + TAIL)
    return Math.min(this.capacity, Math.max(0, (tail - Atomics.load(words, index + HEAD)) | 0))
  }

  get putCount(): number {
    return this.#total(TAIL, TAIL_HALVES)
  }

  get getCount(): number {
    return this.#total(HEAD, HEAD_HALVES)
  }

  /** In this order: the halves that were read cannot be more than those of the counter. */
  #total(counter: number, halves: number): number {
    const { words, index } = this
    let seenHalves = Atomics.load(words, index + halves)
    const seen = Atomics.load(words, index + counter)
    if ((seenHalves & 1) !== seen >>> 31) seenHalves += 1
    return (seenHalves >>> 0) * 2 ** 31 + (seen & 0x7fff_ffff)
  }

  get errors(): number {
    const { words, index } = this
    return (Atomics.load(words, index + ERRORS + 1) >>> 0) * 2 ** 32 + (Atomics.load(words, index + ERRORS) >>> 0)
  }

  countError(): void {
    const { words, index } = this
    if (Atomics.add(words, index + ERRORS, 1) === -1) Atomics.add(words, index + ERRORS + 1, 1)
  }
}

import type { Memory } from '@heddle/sync-primitives'
import { badHandle, generationOf, type Place, slotOf } from '@heddle/sync-primitives/building-blocks'
import {
  CAPACITY,
  CAPACITY_BYTES,
  ERRORS,
  HEAD,
  HEAD_HALVES,
  mostCapacity,
  mostCapacityBytes,
  RECORDS,
  recordWords,
  TAIL,
  TAIL_HALVES,
} from '../ring/layout.js'

/** The words that every queue has, as this thread sees them, and what they count; `ring/layout.ts` has them. */
export class QueueWords {
  readonly memory: Memory
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
  readonly capacityBytes: number
  readonly record: number
  readonly generation: number

  /** @throws TypeError `ERR_BAD_HANDLE`: no queue can be of this size */
  constructor({ memory, index }: Place) {
    const { words, participant } = memory
    const capacity = Atomics.load(words, index + CAPACITY)
    const capacityBytes = Atomics.load(words, index + CAPACITY_BYTES)
    if (capacity < 1 || capacity > mostCapacity || capacityBytes < 1 || capacityBytes > mostCapacityBytes)
      throw badHandle('the handle names a damaged queue')
    this.memory = memory
    this.words = words
    this.index = index
    this.capacity = capacity
    this.capacityBytes = capacityBytes
    this.record = index + RECORDS + slotOf(participant) * recordWords
    this.generation = generationOf(participant)
  }

  static format({ memory, index }: Place, capacity: number, capacityBytes: number): void {
    Atomics.store(memory.words, index + CAPACITY, capacity)
    Atomics.store(memory.words, index + CAPACITY_BYTES, capacityBytes)
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
    return seenHalves * 2 ** 31 + (seen & 0x7fff_ffff)
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

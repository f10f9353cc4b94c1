import type { Memory } from '@heddle/sync-primitives'
import { badHandle, generationOf, InnerLock, type Place, slotOf } from '@heddle/sync-primitives/building-blocks'
import { readCount } from './counts.js'
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
  SIZE_CHECK,
  TAIL,
  TAIL_HALVES,
  TAKE_LOCK,
} from './layout.js'
import type { Records } from './records.js'
import { sizeCheck } from './size-check.js'

/** The words that every queue has, as this thread sees them, and what they count; `layout.ts` has them. */
export class QueueWords implements Records {
  readonly memory: Memory
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
  readonly capacityBytes: number
  readonly record: number
  readonly generation: number
  readonly takeLock: InnerLock

  /** @throws TypeError `ERR_BAD_HANDLE`: no queue can be of this size */
  constructor({ memory, index }: Place) {
    const { words, participant } = memory
    const capacity = Atomics.load(words, index + CAPACITY)
    const capacityBytes = Atomics.load(words, index + CAPACITY_BYTES)
    const isPossible =
      capacity >= 1 && capacity <= mostCapacity && capacityBytes >= 1 && capacityBytes <= mostCapacityBytes
    if (!isPossible || Atomics.load(words, index + SIZE_CHECK) !== sizeCheck(capacity, capacityBytes))
      throw badHandle('the handle names a damaged queue')
    this.memory = memory
    this.words = words
    this.index = index
    this.capacity = capacity
    this.capacityBytes = capacityBytes
    this.record = index + RECORDS + slotOf(participant) * recordWords
    this.generation = generationOf(participant)
    this.takeLock = new InnerLock(memory, index + TAKE_LOCK)
  }

  static format({ memory, index }: Place, capacity: number, capacityBytes: number): void {
    Atomics.store(memory.words, index + CAPACITY, capacity)
    Atomics.store(memory.words, index + CAPACITY_BYTES, capacityBytes)
    Atomics.store(memory.words, index + SIZE_CHECK, sizeCheck(capacity, capacityBytes))
  }

  /** The items inside: a snapshot. */
  get size(): number {
    const { words, index } = this
    // In this order: it is never more than there were.
    const tail = Atomics.load(words, index + TAIL)
    return Math.min(this.capacity, Math.max(0, (tail - Atomics.load(words, index + HEAD)) | 0))
  }

  get putCount(): number {
    return readCount(this, this.index + TAIL, this.index + TAIL_HALVES)
  }

  get getCount(): number {
    return readCount(this, this.index + HEAD, this.index + HEAD_HALVES)
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

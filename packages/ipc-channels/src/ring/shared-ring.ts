import { badHandle, InnerLock, type Place } from '@heddle/sync-primitives/building-blocks'
import type { QueueStore } from '../queue-store.js'
import { PUT_LOCK, partsOf, wordsOf } from './layout.js'
import { QueueWords } from './queue-words.js'
import {
  close,
  type ManyTarget,
  put,
  putMany,
  type Ring,
  type Source,
  type Target,
  take,
  takeAllAndClose,
  takeMany,
} from './ring.js'
import { copyToScratch, type TakenBytes, type Writable } from './scratch.js'

/** One queue's ring in a memory, as this thread sees it, with its items as bytes. */
export class SharedRing extends QueueWords implements QueueStore, Ring, Source, Target {
  readonly entries: number
  readonly mask: number
  readonly dataWords: number
  readonly putLock: InnerLock
  readonly #data: number
  readonly #bytes: Uint8Array
  /** What is being put: this thread puts one at a time. */
  #item: Writable | undefined

  /** @throws TypeError `ERR_BAD_HANDLE`: the words hold no queue, or not all of it */
  constructor(place: Place) {
    super(place)
    const { words, index, memory } = this
    const parts = partsOf(memory.slots, this.capacity, this.capacityBytes)
    if (index + parts.end > words.length) throw badHandle('the handle names a damaged queue')
    this.entries = index + parts.entries
    this.mask = parts.mask
    this.dataWords = parts.dataWords
    this.putLock = new InnerLock(memory, index + PUT_LOCK)
    this.#data = index + parts.data
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
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
      prepare: (items, byteLength) => taken.prepare(items, byteLength),
      readFrom: (start, byteLength) => taken.append(this.words, this.#data + start, byteLength),
    }
  }
}

import { badHandle, InnerLock, type Place } from '@heddle/sync-primitives/building-blocks'
import type { QueueStore } from '../queue-core.js'
import { TAKE_LOCK } from '../ring/layout.js'
import type { TakenBytes, Writable } from '../ring/scratch.js'
import { close, type HeapQueue, put, rebuild, take, takeAllAndClose } from './heap-queue.js'
import { priorityPartsOf } from './layout.js'
import { ManyTarget, PieceSource, ScratchTarget } from './pieces.js'
import { QueueWords } from './queue-words.js'

/** One queue with priorities in a memory, as this thread sees it, with its items as bytes. */
export class SharedHeap extends QueueWords implements QueueStore, HeapQueue {
  readonly order: number
  readonly cells: number
  readonly blocks: number
  readonly blockCount: number
  readonly takeLock: InnerLock
  readonly #bytes: Uint8Array

  /** @throws TypeError `ERR_BAD_HANDLE`: the words hold no queue, or not all of it */
  constructor(place: Place) {
    super(place)
    const { words, index, memory } = this
    const parts = priorityPartsOf(memory.slots, this.capacity, this.capacityBytes)
    if (index + parts.end > words.length) throw badHandle('the handle names a damaged queue')
    this.order = index + parts.order
    this.cells = index + parts.cells
    this.blocks = index + parts.blocks
    this.blockCount = parts.blockCount
    this.takeLock = new InnerLock(memory, index + TAKE_LOCK)
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  /** Before anybody else can see the words. */
  static override format(place: Place, capacity: number, capacityBytes: number): void {
    QueueWords.format(place, capacity, capacityBytes)
    rebuild(new SharedHeap(place))
  }

  put(item: Writable): number {
    return put(this, [this.#sourceOf(item)])
  }

  putMany(items: readonly Writable[], from: number): number {
    return put(
      this,
      items.slice(from, from + this.capacity).map((item) => this.#sourceOf(item)),
    )
  }

  take(): number {
    const target = new ScratchTarget(this.words)
    const taken = take(this, target, 1)
    return taken > 0 ? target.byteLength : taken
  }

  takeMany(taken: TakenBytes, most: number): number {
    return take(this, new ManyTarget(this.words, this.#bytes, taken), most)
  }

  takeAllAndClose(taken: TakenBytes): number {
    return takeAllAndClose(this, new ManyTarget(this.words, this.#bytes, taken))
  }

  close(): void {
    close(this)
  }

  #sourceOf(item: Writable): PieceSource {
    return new PieceSource(item, this.words, this.#bytes)
  }

  // What else a ring has; a heap has no use for it.
  get putLock(): InnerLock {
    return this.takeLock
  }
  readonly entries = 0
  readonly mask = 0
  readonly dataWords = 0
}

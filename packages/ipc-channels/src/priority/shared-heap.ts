import { badHandle, type Place } from '@heddle/sync-primitives/building-blocks'
import type { QueueStore } from '../queue-store.js'
import { QueueWords } from '../ring/queue-words.js'
import type { TakenBytes, Writable } from '../ring/scratch.js'
import { close, type HeapQueue, put, rebuild, take, takeAllAndClose } from './heap-queue.js'
import { priorityPartsOf } from './layout.js'
import { ManyTarget, PieceSource, ScratchTarget } from './pieces.js'

/** One queue with priorities in a memory, as this thread sees it, with its items as bytes. */
export class SharedHeap extends QueueWords implements QueueStore, HeapQueue {
  readonly order: number
  readonly cells: number
  readonly blocks: number
  readonly blockCount: number
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
    return take(this, new ManyTarget(this.words, taken), most)
  }

  takeAllAndClose(taken: TakenBytes): number {
    return takeAllAndClose(this, new ManyTarget(this.words, taken))
  }

  close(): void {
    close(this)
  }

  #sourceOf(item: Writable): PieceSource {
    return new PieceSource(item, this.words, this.#bytes)
  }
}

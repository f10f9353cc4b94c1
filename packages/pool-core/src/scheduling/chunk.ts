import { type Boundary, type Encoded, encodeValue } from '@heddle/codec'
import type { Job } from './job.js'

/** Items that a map has pulled: they travel together, and settle one by one. */
export class Chunk {
  /** Where the first one stands among those that the sink knows. */
  readonly offset: number
  readonly items: readonly unknown[] | Float64Array
  readonly sink: ChunkSink
  /** They are numbers, which are packed when they are sent. */
  readonly #arePacked: boolean

  private constructor(offset: number, items: readonly unknown[] | Float64Array, sink: ChunkSink, arePacked: boolean) {
    this.offset = offset
    this.items = items
    this.sink = sink
    this.#arePacked = arePacked
  }

  /**
   * Undefined: some of them hold what has to be encoded one by one, such as a shared object.
   *
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`
   */
  static of(
    offset: number,
    items: readonly unknown[] | Float64Array,
    sink: ChunkSink,
    boundary: Boundary,
  ): Chunk | undefined {
    if (areNumbers(items)) return new Chunk(offset, items, sink, true)
    return encodeValue(items, boundary).specials ? undefined : new Chunk(offset, items, sink, false)
  }

  get count(): number {
    return this.items.length
  }

  /** What is sent. A list of numbers is copied, and the copy moved. */
  wire(): Encoded | Float64Array {
    return this.#arePacked ? Float64Array.from(this.items as ArrayLike<number>) : { value: this.items }
  }

  /** The items from `from` on, before `to`. They are not looked at again: this happens when a worker ends, or by a timer. */
  part(from: number, to: number): Chunk {
    return new Chunk(this.offset + from, this.items.slice(from, to), this.sink, this.#arePacked)
  }
}

/** Who has pulled the items. Is told of each of them exactly once, by value or by failure. */
export interface ChunkSink {
  /** So many values from `offset` on; those that failed instead are listed by their place among these. */
  onValues(
    offset: number,
    values: ArrayLike<unknown>,
    count: number,
    failures: readonly (readonly [place: number, error: unknown])[],
  ): void
  /** So many items from `offset` on have failed together. */
  onFailure(offset: number, count: number, error: unknown): void
  /** A job for a part of a chunk was made; the chunk's own job will be forgotten, or keeps the rest. */
  onPart(part: Job): void
  /** This job has nothing more to tell. */
  onForgotten(job: Job): void
}

function areNumbers(items: ArrayLike<unknown>): boolean {
  if (ArrayBuffer.isView(items)) return true
  for (let index = 0; index < items.length; index += 1) if (typeof items[index] !== 'number') return false
  return true
}

import { corrupt } from '../errors.js'
import type { Chunks } from './chunks.js'
import {
  BINS,
  binCount,
  binOf,
  EARLIER,
  FILLED,
  FREE,
  granuleWords,
  HEAD,
  headOf,
  LATER,
  sizeOf,
  stateOf,
} from './layout.js'

/** How many blocks of about the wanted size are looked at before a larger one is taken. */
const mostLooks = 16

/** The free blocks of a store by size. Everything here is volatile, and for whoever holds the store's lock. */
export class Bins {
  readonly #words: Int32Array
  readonly #root: number
  readonly #chunks: Chunks

  constructor(words: Int32Array, root: number, chunks: Chunks) {
    this.#words = words
    this.#root = root
    this.#chunks = chunks
  }

  /** Forgets them all. */
  empty(): void {
    this.#words.fill(0, this.#root + BINS, this.#root + BINS + binCount)
    this.#words.fill(0, this.#root + FILLED, this.#root + FILLED + 2)
  }

  /** A free block of `granules` or more, no longer in its bin; 0: there is none. */
  take(granules: number): number {
    const bin = binOf(granules)
    const block = this.#search(bin, granules, mostLooks) || this.#firstAbove(bin)
    if (block !== 0) {
      this.remove(block)
      return block
    }
    // All that is left is what was passed over: whether one of the many in the bin is large enough.
    const last = this.#search(bin, granules, this.#words.length / granuleWords)
    if (last !== 0) this.remove(last)
    return last
  }

  add(block: number, granules: number): void {
    const words = this.#words
    const bin = binOf(granules)
    const first = this.#firstOf(bin)
    if (first === 0) words[this.#root + FILLED + (bin >>> 5)] = this.#filled(bin >>> 5) | (1 << (bin & 31))
    else {
      this.#checked(first, bin)
      words[first + EARLIER] = block
    }
    words[block + LATER] = first
    words[block + EARLIER] = 0
    words[this.#root + BINS + bin] = block
  }

  remove(block: number): void {
    const words = this.#words
    const bin = binOf(sizeOf(words[block + HEAD] as number))
    const later = words[block + LATER] as number
    const earlier = words[block + EARLIER] as number
    if (later !== 0 && words[this.#checked(later, bin) + EARLIER] !== block)
      throw corrupt(`the free block at ${later} does not follow the one at ${block}`)
    if (earlier !== 0) {
      if (words[this.#checked(earlier, bin) + LATER] !== block)
        throw corrupt(`the free block at ${earlier} does not lead to the one at ${block}`)
      words[earlier + LATER] = later
    } else {
      if (this.#firstOf(bin) !== block) throw corrupt(`the free block at ${block} is in no bin`)
      words[this.#root + BINS + bin] = later
      if (later === 0) words[this.#root + FILLED + (bin >>> 5)] = this.#filled(bin >>> 5) & ~(1 << (bin & 31))
    }
    if (later !== 0) words[later + EARLIER] = earlier
  }

  #search(bin: number, granules: number, most: number): number {
    const words = this.#words
    let block = this.#firstOf(bin)
    for (let looks = 0; block !== 0 && looks < most; looks++) {
      this.#checked(block, bin)
      if (sizeOf(words[block + HEAD] as number) >= granules) return block
      block = words[block + LATER] as number
    }
    return 0
  }

  /** A block of a higher bin: each of them is large enough for all of this one. */
  #firstAbove(bin: number): number {
    const above = bin + 1
    for (let half = above >>> 5; half < 2; half++) {
      let filled = this.#filled(half)
      if (half === above >>> 5) filled &= -1 << (above & 31)
      if (filled === 0) continue
      const found = half * 32 + (31 - Math.clz32(filled & -filled))
      return this.#checked(this.#firstOf(found), found)
    }
    return 0
  }

  #firstOf(bin: number): number {
    return this.#words[this.#root + BINS + bin] as number
  }

  #filled(half: number): number {
    return this.#words[this.#root + FILLED + half] as number
  }

  #checked(block: number, bin: number): number {
    const granules = this.#chunks.sizeAt(block)
    if (this.#words[block + HEAD] !== headOf(granules, FREE) || binOf(granules) !== bin)
      throw corrupt(`the block at ${block} does not belong into its bin`)
    return block
  }
}

export const isFree = (head: number): boolean => stateOf(head) === FREE

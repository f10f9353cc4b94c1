import type { Memory } from '@heddle/sync-primitives'
import { corrupt } from '../errors.js'
import {
  BEFORE,
  CHUNKS,
  chunkMagic,
  END,
  FREE,
  firstBlock,
  granuleWords,
  HEAD,
  headOf,
  MAGIC,
  mostChunks,
  ROOT,
  SIZE,
  SIZES,
  sizeOf,
} from './layout.js'

/** The first chunk: small, so that a structure with little in it fits into a small memory. */
const firstChunkWords = 1024
const wordsPerLine = 16
/** What a chunk needs beside its blocks. */
const overheadWords = firstBlock + granuleWords

/** A further chunk is not smaller than all others together divided by this. */
const leastShare = 16

/** The chunks of one store. Everything here is for whoever holds its lock. */
export class Chunks {
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #root: number
  /** Where the last block was found: the next one is likely to be there too. */
  #lastSlot = 0

  constructor(memory: Memory, root: number) {
    this.#memory = memory
    this.#words = memory.words
    this.#root = root
  }

  /** The first block of chunk number `slot`; 0: there is no such chunk. */
  firstOf(slot: number): number {
    const index = this.#words[this.#root + CHUNKS + slot] as number
    return index === 0 ? 0 : index + firstBlock
  }

  /** The END of the chunk that holds `block`. @throws CorruptError `ERR_CORRUPT`: no chunk can hold a block there */
  endAround(block: number): number {
    if (block % granuleWords === 0) {
      const end = this.#endIn(this.#lastSlot, block)
      if (end !== 0) return end
      for (let slot = 0; slot < mostChunks; slot++) {
        const found = this.#endIn(slot, block)
        if (found === 0) continue
        this.#lastSlot = slot
        return found
      }
    }
    throw corrupt(`${block} is no block of the structure`)
  }

  #endIn(slot: number, block: number): number {
    const words = this.#words
    const index = words[this.#root + CHUNKS + slot] as number
    const end = index + (words[this.#root + SIZES + slot] as number) - granuleWords
    return index > 0 && block >= index + firstBlock && block < end && end < words.length ? end : 0
  }

  /** The size of a block in granules. @throws CorruptError `ERR_CORRUPT`: there is none */
  sizeAt(block: number): number {
    const end = this.endAround(block)
    const size = sizeOf(this.#words[block + HEAD] as number)
    if (size < 1 || block + size * granuleWords > end) throw corrupt(`the block at ${block} has no size`)
    return size
  }

  /**
   * Takes one more chunk from the memory, with room for a block of `granules` at least: the more chunks there are, the larger.
   *
   * @returns its one free block, which is in no bin; 0: the memory has no room, or there are as many chunks as there can be
   */
  add(granules: number): number {
    const words = this.#words
    let slot = 0
    while (slot < mostChunks && words[this.#root + CHUNKS + slot] !== 0) slot++
    if (slot === mostChunks) return 0
    const wanted = Math.min(firstChunkWords * 2 ** slot, words.length)
    const needed = lines(granules * granuleWords + overheadWords)
    // No scraps: there are so many places for chunks, and what is small now would be in the way later.
    const least = Math.max(needed, lines(Math.floor(this.#total() / leastShare)))
    // By few questions: each looks at everything in the memory.
    let size = Math.max(least, wanted)
    let index = this.#memory.allocate(size)
    while (index < 0 && size > least) {
      size = Math.max(least, lines(Math.floor(size / 8)))
      index = this.#memory.allocate(size)
    }
    if (index < 0) return 0
    const block = index + firstBlock
    const end = index + size - granuleWords
    const free = (end - block) / granuleWords
    words[index + ROOT] = this.#root
    words[index + SIZE] = size
    words[block + BEFORE] = 0
    words[block + HEAD] = headOf(free, FREE)
    words[end + BEFORE] = free
    words[end + HEAD] = headOf(1, END)
    words[this.#root + SIZES + slot] = size
    words[this.#root + CHUNKS + slot] = index
    // Last: from now on it stays if this thread dies.
    Atomics.store(words, index + MAGIC, chunkMagic)
    return block
  }

  /** The words of all chunks. */
  #total(): number {
    let total = 0
    for (let slot = 0; slot < mostChunks; slot++)
      if (this.#words[this.#root + CHUNKS + slot] !== 0) total += this.#words[this.#root + SIZES + slot] as number
    return total
  }

  /**
   * Drops from the list what was never linked whole, or is somebody else's by now: only the last one can be.
   *
   * @throws CorruptError `ERR_CORRUPT`: the list is damaged
   */
  check(): void {
    const words = this.#words
    let last = true
    for (let slot = mostChunks - 1; slot >= 0; slot--) {
      const index = words[this.#root + CHUNKS + slot] as number
      const size = words[this.#root + SIZES + slot] as number
      if (index === 0) continue
      const isPossible =
        index > 0 && size >= overheadWords && index % wordsPerLine === 0 && index + size <= words.length
      const isOurs =
        isPossible &&
        this.#memory.isAllocated(index) &&
        words[index + MAGIC] === chunkMagic &&
        words[index + ROOT] === this.#root
      if (!isPossible || (isOurs ? words[index + SIZE] !== size : !last))
        throw corrupt(`chunk number ${slot} at ${index} is no chunk of the structure`)
      if (!isOurs) words[this.#root + CHUNKS + slot] = 0
      last = false
    }
  }

  /** Gives all back, where the memory takes it. The blocks must be of no use to anybody. */
  freeAll(): void {
    this.check()
    for (let slot = mostChunks - 1; slot >= 0; slot--) {
      const index = this.#words[this.#root + CHUNKS + slot] as number
      if (index === 0) continue
      // Freed first: if this thread dies before the next line, `check` finds that the chunk is no longer ours.
      this.#memory.free?.(index)
      this.#words[this.#root + CHUNKS + slot] = 0
    }
  }
}

function lines(words: number): number {
  return Math.ceil(words / wordsPerLine) * wordsPerLine
}

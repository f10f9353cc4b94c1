import { copyWords } from '../ring/copy-words.js'
import { wordsOf } from '../ring/layout.js'
import { copyToScratch, type TakenBytes, type Writable } from '../ring/scratch.js'
import type { Source, Target } from './bytes.js'

/** A buffer that is longer than this is not kept. */
const mostKeptWords = 16_384

/** Where the pieces of one item come together, or come from: this thread moves one at a time. */
let pieces = new Int32Array(1024)
let pieceBytes = new Uint8Array(pieces.buffer)

/** @throws RangeError: there is no memory for so many bytes */
function makeRoom(byteLength: number): void {
  const count = wordsOf(byteLength)
  if (count <= pieces.length && (pieces.length <= mostKeptWords || count > mostKeptWords)) return
  pieces = new Int32Array(Math.max(count, 1024))
  pieceBytes = new Uint8Array(pieces.buffer)
}

/** An item in one piece, and where it goes: to a cell, or to a cell and blocks. */
export class PieceSource implements Source {
  readonly byteLength: number
  readonly priority: number
  readonly #item: Writable
  readonly #words: Int32Array
  readonly #bytes: Uint8Array

  /** @param bytes - the same memory as `words` */
  constructor(item: Writable, words: Int32Array, bytes: Uint8Array) {
    this.byteLength = item.byteLength
    this.priority = item.priority ?? 0
    this.#item = item
    this.#words = words
    this.#bytes = bytes
  }

  writeAt(index: number, from: number, count: number): void {
    if (count === this.byteLength) {
      this.#item.writeTo(this.#bytes, index * 4)
      return
    }
    if (from === 0) {
      makeRoom(this.byteLength)
      this.#item.writeTo(pieceBytes, 0)
    }
    copyWords(pieces, from >>> 2, this.#words, index, wordsOf(count))
  }
}

/** Puts the pieces of an item together. */
abstract class PieceTarget {
  protected readonly words: Int32Array

  constructor(words: Int32Array) {
    this.words = words
  }

  readFrom(index: number, from: number, count: number, byteLength: number): void {
    if (count === byteLength) {
      this.take(this.words, index, byteLength)
      return
    }
    if (from === 0) makeRoom(byteLength)
    copyWords(this.words, index, pieces, from >>> 2, wordsOf(count))
    if (from + count === byteLength) this.take(pieces, 0, byteLength)
  }

  /** Takes a whole item from one place. */
  protected abstract take(words: Int32Array, index: number, byteLength: number): void
}

/** One item goes to this thread's scratch. */
export class ScratchTarget extends PieceTarget implements Target {
  byteLength = 0

  prepare(_items: number, byteLength: number): void {
    this.byteLength = byteLength
  }

  protected override take(words: Int32Array, index: number, byteLength: number): void {
    copyToScratch(words, index, wordsOf(byteLength))
  }
}

/** Items that are taken at one moment. */
export class ManyTarget extends PieceTarget implements Target {
  readonly #taken: TakenBytes

  constructor(words: Int32Array, taken: TakenBytes) {
    super(words)
    this.#taken = taken
  }

  prepare(items: number, byteLength: number): void {
    this.#taken.prepare(items, byteLength)
  }

  protected override take(words: Int32Array, index: number, byteLength: number): void {
    this.#taken.append(words, index, byteLength)
  }
}

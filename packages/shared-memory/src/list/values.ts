import { copyWords } from '../store/copy-words.js'
import { decode, encode, scratchWords } from '../store/values.js'
import { wordsOfBytes } from './layout.js'

/** Encoded values in a row, in words of this thread's own. */
export class Values {
  #words: Int32Array
  readonly #begins: number[] = []
  readonly #lengths: number[] = []
  #used = 0

  constructor(words: Int32Array = new Int32Array(64)) {
    this.#words = words
  }

  /** One value, which stays in the scratch: no other may be encoded or copied there before it was used. */
  static encodeOne(value: unknown): Values {
    const byteLength = encode(value)
    const one = new Values(scratchWords(wordsOfBytes(byteLength)))
    one.#begins.push(0)
    one.#lengths.push(byteLength)
    return one
  }

  /** All values of an iterable. Whatever it or they throw comes out as it is. */
  static encodeAll(values: Iterable<unknown>): Values {
    const all = new Values()
    for (const value of values) {
      const byteLength = encode(value)
      all.add(scratchWords(wordsOfBytes(byteLength)), 0, byteLength)
    }
    return all
  }

  get count(): number {
    return this.#lengths.length
  }

  /** How many words all of them take up. */
  get wordCount(): number {
    return this.#used
  }

  byteLengthAt(place: number): number {
    return this.#lengths[place] as number
  }

  /** Copies one more to the end. */
  add(from: Int32Array, begin: number, byteLength: number): void {
    const count = wordsOfBytes(byteLength)
    const least = this.#used + count
    if (least > this.#words.length) {
      const words = new Int32Array(Math.max(least, this.#words.length * 2))
      words.set(this.#words.subarray(0, this.#used))
      this.#words = words
    }
    copyWords(from, begin, this.#words, this.#used, count)
    this.#begins.push(this.#used)
    this.#lengths.push(byteLength)
    this.#used = least
  }

  copyTo(place: number, to: Int32Array, at: number): void {
    copyWords(this.#words, this.#begins[place] as number, to, at, wordsOfBytes(this.byteLengthAt(place)))
  }

  /** Makes the value again. */
  decodeAt(place: number): unknown {
    const byteLength = this.byteLengthAt(place)
    this.copyTo(place, scratchWords(wordsOfBytes(byteLength)), 0)
    return decode(byteLength)
  }
}

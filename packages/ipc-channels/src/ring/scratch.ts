import { readBytes } from '@heddle/codec'
import { badHandle } from '@heddle/sync-primitives/building-blocks'
import { copyWords } from './copy-words.js'
import { wordsOf } from './layout.js'

/** A value as bytes, before it has a place: what codec's `encodeBytes` gives. */
export interface Writable {
  readonly byteLength: number
  /** Of a queue with priorities. */
  readonly priority?: number
  writeTo(target: Uint8Array, offset: number): void
}

/** The same as it is now: nothing that happens to the value later changes it. */
export function copyOf(item: Writable): Writable {
  const bytes = new Uint8Array(item.byteLength)
  item.writeTo(bytes, 0)
  const { priority } = item
  const writeTo = (target: Uint8Array, offset: number): void => target.set(bytes, offset)
  return { byteLength: bytes.length, writeTo, ...(priority === undefined ? {} : { priority }) }
}

/** A scratch that is longer than this is not kept. */
const mostKeptWords = 16_384

let scratchWords = new Int32Array(1024)
let scratchBytes = new Uint8Array(scratchWords.buffer)

/** Copies to the scratch, a place of this thread's own; {@link decodeTaken} reads it before anything else is copied there. */
export function copyToScratch(words: Int32Array, from: number, count: number): void {
  if (count > scratchWords.length || (scratchWords.length > mostKeptWords && count <= mostKeptWords)) {
    scratchWords = new Int32Array(Math.max(count, 1024))
    scratchBytes = new Uint8Array(scratchWords.buffer)
  }
  copyWords(words, from, scratchWords, 0, count)
}

/** The value of what was copied to the scratch. It keeps nothing of it. @throws as {@link decode} */
export function decodeTaken(byteLength: number): unknown {
  return decode(scratchBytes, 0, byteLength)
}

/**
 * @throws CorruptError `ERR_CORRUPT`: the bytes are no value; TypeError `ERR_BAD_HANDLE`: it holds a shared object that cannot
 * be opened here, for whatever reason: that of the object is no news about the queue
 */
export function decode(bytes: Uint8Array, offset: number, byteLength: number): unknown {
  try {
    return readBytes(bytes, offset, byteLength)
  } catch (error) {
    const code = (error as { code?: unknown } | undefined)?.code
    if (code === 'ERR_CORRUPT' || code === 'ERR_BAD_HANDLE') throw error
    throw badHandle('an item holds a shared object that cannot be opened here', { cause: error })
  }
}

/** The bytes of several items that were taken at one moment, each from a word of its own on. */
export class TakenBytes {
  readonly #lengths: number[] = []
  #words = new Int32Array(0)
  #used = 0

  /** For so many items, and so many bytes in all. @throws RangeError: there is no memory for them */
  prepare(items: number, byteLength: number): void {
    this.#words = new Int32Array(wordsOf(byteLength) + items)
  }

  /** Copies the next item from this word on. */
  append(words: Int32Array, from: number, byteLength: number): void {
    const count = wordsOf(byteLength)
    copyWords(words, from, this.#words, this.#used, count)
    this.#used += count
    this.#lengths.push(byteLength)
  }

  /** @throws as {@link decode}, for the first one that is no value here; `items` of the error are the others */
  decode<T>(): T[] {
    const values: T[] = []
    let failure: { readonly error: unknown } | undefined
    const bytes = new Uint8Array(this.#words.buffer)
    let begin = 0
    for (const byteLength of this.#lengths) {
      try {
        values.push(decode(bytes, begin, byteLength) as T)
      } catch (error) {
        failure ??= { error }
      }
      begin += wordsOf(byteLength) * 4
    }
    if (failure) throw Object.assign(failure.error as Error, { items: values })
    return values
  }
}

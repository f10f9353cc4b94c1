import { readBytes } from '@heddle/codec'
import { badHandle } from '@heddle/sync-primitives/building-blocks'

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

/** How many words are copied one by one: more are faster at once. */
const mostSingleWords = 32

/** A scratch that is longer than this is not kept. */
const mostKeptWords = 16_384

let scratchWords = new Int32Array(1024)
let scratchBytes = new Uint8Array(scratchWords.buffer)

/** Copies to the scratch, a place of this thread's own; {@link decodeTaken} reads it before anything else is copied there. */
export function copyToScratch(words: Int32Array, from: number, count: number): void {
  if (count > mostSingleWords) {
    if (count > scratchWords.length || (scratchWords.length > mostKeptWords && count <= mostKeptWords)) {
      scratchWords = new Int32Array(Math.max(count, 1024))
      scratchBytes = new Uint8Array(scratchWords.buffer)
    }
    scratchWords.set(words.subarray(from, from + count))
  } else for (let word = 0; word < count; word++) scratchWords[word] = words[from + word] as number
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

/** Up to here a loop is done before a call of native code has begun. */
const longestLoop = 96

/** The bytes of several items that were taken at one moment. */
export class TakenBytes {
  readonly #ends: number[] = []
  #all = new Uint8Array(0)
  #used = 0

  /** For so many bytes in all. @throws RangeError: there is no memory for them */
  prepare(byteLength: number): void {
    this.#all = new Uint8Array(byteLength)
  }

  /** Copies the next item's bytes out of `source`. */
  append(source: Uint8Array, from = 0, byteLength = source.length): void {
    const at = this.#used
    if (byteLength > longestLoop) this.#all.set(source.subarray(from, from + byteLength), at)
    else for (let byte = 0; byte < byteLength; byte++) this.#all[at + byte] = source[from + byte] as number
    this.#used += byteLength
    this.#ends.push(this.#used)
  }

  /** @throws as {@link decode}, for the first one that is no value here; `items` of the error are the others */
  decode<T>(): T[] {
    const values: T[] = []
    let failure: { readonly error: unknown } | undefined
    let begin = 0
    for (const end of this.#ends) {
      try {
        values.push(decode(this.#all, begin, end - begin) as T)
      } catch (error) {
        failure ??= { error }
      }
      begin = end
    }
    if (failure) throw Object.assign(failure.error as Error, { items: values })
    return values
  }
}

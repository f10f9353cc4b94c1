import { readBytes } from '@heddle/codec'

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

/** The value of what was copied to the scratch. It keeps nothing of it. @throws as codec's `readBytes` */
export function decodeTaken(byteLength: number): unknown {
  return readBytes(scratchBytes, 0, byteLength)
}

/** The bytes of several items that were taken at one moment. */
export class TakenBytes {
  readonly #items: Uint8Array[] = []
  #all = new Uint8Array(0)
  #used = 0

  /** For so many bytes in all. @throws RangeError: there is no memory for them */
  prepare(byteLength: number): void {
    this.#all = new Uint8Array(byteLength)
  }

  append(bytes: Uint8Array): void {
    this.#all.set(bytes, this.#used)
    this.#items.push(this.#all.subarray(this.#used, this.#used + bytes.length))
    this.#used += bytes.length
  }

  /** @throws what codec's `readBytes` throws for the first one that is no value here; `items` of the error are the others */
  decode<T>(): T[] {
    const values: T[] = []
    let failure: { readonly error: unknown } | undefined
    for (const bytes of this.#items)
      try {
        values.push(readBytes(bytes, 0, bytes.length) as T)
      } catch (error) {
        failure ??= { error }
      }
    if (failure) throw Object.assign(failure.error as Error, { items: values })
    return values
  }
}

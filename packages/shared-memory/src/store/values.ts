import { encodeBytes, readBytes } from '@heddle/codec'

/** A scratch that is longer than this is not kept. */
const mostKeptWords = 16_384

let words = new Int32Array(1024)
let bytes = new Uint8Array(words.buffer)

/**
 * A place of this thread's own for one value, as words and as bytes. It may be another one after each call, and its content
 * holds until the next value is encoded or copied here.
 */
export function scratchWords(count: number): Int32Array {
  if (count > words.length || (words.length > mostKeptWords && count <= mostKeptWords)) {
    words = new Int32Array(Math.max(count, 1024))
    bytes = new Uint8Array(words.buffer)
  }
  return words
}

/**
 * Writes a value to the scratch. What a getter or a `toHandle` of the value throws comes out as it is.
 *
 * @returns its length in bytes
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`: it holds what cannot be shared
 */
export function encode(value: unknown): number {
  const encoded = encodeBytes(value)
  const { byteLength } = encoded
  scratchWords((byteLength + 3) >>> 2)
  encoded.writeTo(bytes, 0)
  return byteLength
}

/**
 * The value of `byteLength` bytes that stand in the scratch. It keeps nothing of the scratch.
 *
 * @throws CorruptError `ERR_CORRUPT`: they are none; TypeError `ERR_BAD_HANDLE`: a shared object that cannot be opened here
 */
export function decode(byteLength: number): unknown {
  return readBytes(bytes, 0, byteLength)
}

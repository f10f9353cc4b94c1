import { types } from 'node:util'
import {
  type BufferClass,
  bufferClassOf,
  cellBigInt64,
  cellBytes,
  cellFloat64,
  cellInt32,
  tags,
  textMethods,
} from './byte-form.js'
import { CorruptError, invalidArgument } from './errors.js'
import { readRecord } from './read-record.js'
import { deserializeValue } from './v8-bytes.js'

/**
 * The value whose bytes lie in `source`, from `offset` on: those that {@link encodeBytes} wrote or {@link toBytes} gave, from
 * the first to the last. It shares no memory with them. Does not block.
 *
 * The bytes may be memory that others write to meanwhile, and `offset` and `byteLength` may come out of it. Then this gives
 * some value or throws one of the errors below; it reads no byte outside, takes no memory that so many bytes do not ask for,
 * and comes to an end. Whether the bytes held still is for the caller to find out afterwards, and until then neither the value
 * nor the error says anything. A shared object may have been opened by a handle that never was: its kind checks it.
 *
 * @throws CorruptError `ERR_CORRUPT`: there is no value, or no such place in `source`
 * @throws TypeError `ERR_BAD_HANDLE`: as {@link decodeValue}
 * @throws TypeError `ERR_INVALID_ARG`: `source` is no Uint8Array
 */
export function readBytes(source: Uint8Array, offset: number, byteLength: number): unknown {
  if (!types.isUint8Array(source)) throw invalidArgument('the source of bytes must be a Uint8Array')
  if (!isPlace(source, offset, byteLength)) throw corrupt()
  return read(source, offset, byteLength, corrupt)
}

/**
 * The value that {@link toBytes} was given. It shares no memory with the bytes. Does not block.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the bytes are not those of one value, by a Heddle and a Node with the same format
 * @throws TypeError `ERR_BAD_HANDLE`: as {@link decodeValue}
 */
export function fromBytes(bytes: Uint8Array): unknown {
  if (!types.isUint8Array(bytes) || bytes.length === 0) throw noValue()
  return read(bytes, 0, bytes.length, noValue)
}

function corrupt(cause?: unknown): CorruptError {
  return new CorruptError('these bytes hold no value', cause === undefined ? undefined : { cause })
}

function noValue(cause?: unknown): TypeError {
  return Object.assign(invalidArgument('these bytes hold no value'), cause === undefined ? undefined : { cause })
}

function isPlace(source: Uint8Array, offset: number, byteLength: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(byteLength) &&
    offset >= 0 &&
    byteLength > 0 &&
    offset + byteLength <= source.length
  )
}

/** Reads each byte once, but for those that `deserializeValue` copies first: nothing that was checked can change after. */
function read(source: Uint8Array, offset: number, byteLength: number, damaged: (cause?: unknown) => Error): unknown {
  const tag = source[offset] as number
  const start = offset + 1
  switch (byteLength) {
    case 1:
      if (tag === tags.undefined) return undefined
      if (tag === tags.null) return null
      if (tag === tags.false) return false
      if (tag === tags.true) return true
      break
    case 5:
      if (tag !== tags.int32) break
      fillCell(source, start, 4)
      return cellInt32[0]
    case 9:
      if (tag !== tags.float64 && tag !== tags.bigint64) break
      fillCell(source, start, 8)
      return tag === tags.float64 ? cellFloat64[0] : cellBigInt64[0]
  }
  const end = offset + byteLength
  if (tag >= tags.text8 && tag <= tags.json16) return readText(source, tag, start, end, damaged)
  if (tag === tags.record) {
    const object = readRecord(source, start, end)
    if (object !== undefined) return object
    throw damaged()
  }
  if (tag === tags.v8) return deserializeValue(source.subarray(offset, end), damaged)
  const bufferClass = bufferClassOf(tag)
  if (bufferClass === undefined) throw damaged()
  return readBuffer(source, tag, bufferClass, start, end, damaged)
}

function fillCell(source: Uint8Array, start: number, length: number): void {
  for (let index = 0; index < length; index += 1) cellBytes[index] = source[start + index] as number
}

function readText(
  source: Uint8Array,
  tag: number,
  start: number,
  end: number,
  damaged: (cause?: unknown) => Error,
): unknown {
  const isWide = tag === tags.text16 || tag === tags.json16
  if (isWide && (end - start) % 2 !== 0) throw damaged()
  try {
    const text = isWide
      ? textMethods.ucs2Slice.call(source, start, end)
      : textMethods.latin1Slice.call(source, start, end)
    return tag === tags.json8 || tag === tags.json16 ? JSON.parse(text) : text
  } catch (cause) {
    throw damaged(cause)
  }
}

function readBuffer(
  source: Uint8Array,
  tag: number,
  bufferClass: BufferClass,
  start: number,
  end: number,
  damaged: (cause?: unknown) => Error,
): object {
  const length = end - start
  if (length === 0 || length % (bufferClass.BYTES_PER_ELEMENT ?? 1) !== 0) throw damaged()
  if (tag === tags.uint8Array && length > longestLoop && isPlainArray(source))
    return Uint8Array.prototype.slice.call(source, start, end)
  // With memory of its own: Buffer.from and its like cut small ones from a pool.
  const bytes = tag === tags.buffer ? Buffer.allocUnsafeSlow(length) : new Uint8Array(length)
  if (length > longestLoop) bytes.set(source.subarray(start, end))
  else for (let index = 0; index < length; index += 1) bytes[index] = source[start + index] as number
  if (tag === tags.buffer || tag === tags.uint8Array) return bytes
  return tag === tags.arrayBuffer ? bytes.buffer : new bufferClass(bytes.buffer)
}

/** Up to here a loop is done before a view or a call of native code has begun. */
const longestLoop = 32

/** Whether its `slice` is a Uint8Array: that of a Buffer is a Buffer, and a class may say what its own is. */
function isPlainArray(source: Uint8Array): boolean {
  return Object.getPrototypeOf(source) === Uint8Array.prototype && source.constructor === Uint8Array
}

import { types } from 'node:util'
import { bufferTags, cellBigInt64, cellBytes, cellFloat64, cellInt32, tags, textMethods } from './byte-form.js'
import { invalidArgument, NotCloneableError, outOfRange } from './errors.js'
import { treeText } from './tree-text.js'
import { serializeValue } from './v8-bytes.js'
import { type PackedRecord, packRecord } from './write-record.js'

/**
 * The value as bytes that are not yet anywhere: {@link EncodedBytes.byteLength} says how many they are, and
 * {@link EncodedBytes.writeTo} puts them into their place, such as a block of shared memory, without a copy between.
 * {@link readBytes} reads them there. Does not block. All code of the value's own, its getters and every `toHandle`, runs here
 * and none of it in `writeTo`.
 *
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`: it holds something that cannot leave this process; nothing was written
 * @throws RangeError without a code: it nests too deep for the stack of this thread
 */
export function encodeBytes(value: unknown): EncodedBytes {
  switch (typeof value) {
    case 'string':
      return wide.test(value)
        ? new EncodedBytes(tags.text16, 1 + 2 * value.length, value)
        : new EncodedBytes(tags.text8, 1 + value.length, value)
    case 'number':
      return (value | 0) === value && !Object.is(value, -0)
        ? new EncodedBytes(tags.int32, 5, value)
        : new EncodedBytes(tags.float64, 9, value)
    case 'boolean':
      return value ? yes : no
    case 'undefined':
      return nothing
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? new EncodedBytes(tags.bigint64, 9, value) : anyOther(value)
    case 'object':
      return value === null ? nil : encodeObject(value)
    default:
      return anyOther(value)
  }
}

/**
 * The value as bytes, for a file, a socket or a ring of shared memory. Views of one buffer arrive each with memory of its
 * own, and only with the bytes they show. Does not block.
 *
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`: it holds something that cannot leave this process
 * @throws RangeError without a code: it nests too deep for the stack of this thread
 */
export function toBytes(value: unknown): Uint8Array {
  return EncodedBytes.alone(encodeBytes(value))
}

/**
 * A value on its way into bytes; made by {@link encodeBytes}.
 *
 * What a buffer or a view by itself holds is read when it is written; every other value is what it was when it was encoded.
 * Those of small objects lie in blocks of 16 KiB until all of a block are forgotten.
 */
export class EncodedBytes {
  /** How many bytes {@link EncodedBytes.writeTo} writes; 1 or more. */
  readonly byteLength: number
  readonly #tag: number
  /** A number, a text, bytes, or a record. */
  readonly #content: unknown

  /** @internal */
  constructor(tag: number, byteLength: number, content: unknown) {
    this.byteLength = byteLength
    this.#tag = tag
    this.#content = content
  }

  /** The bytes in memory of their own. @internal */
  static alone(encoded: EncodedBytes): Uint8Array {
    if (encoded.#tag === tags.v8) return encoded.#content as Uint8Array
    const bytes = Buffer.allocUnsafeSlow(encoded.byteLength)
    encoded.writeTo(bytes, 0)
    return bytes
  }

  /**
   * Writes the bytes to `target`, from `offset` on, at any alignment, and touches no byte beside them. May be called more than
   * once. Does not block. Other threads may see some of the bytes before others.
   *
   * @throws TypeError `ERR_INVALID_ARG`: `target` is no Uint8Array; nothing was written
   * @throws RangeError `ERR_OUT_OF_RANGE`: there are fewer than `byteLength` bytes from `offset` on; nothing was written
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the buffer was transferred away or has another size since; nothing was
   * written
   */
  writeTo(target: Uint8Array, offset: number): void {
    const { byteLength } = this
    if (!types.isUint8Array(target)) throw invalidArgument('the target of bytes must be a Uint8Array')
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + byteLength > target.length)
      throw outOfRange(`${byteLength} bytes do not fit at ${offset}: the target has ${target.length}`)
    const tag = this.#tag
    const start = offset + 1
    switch (tag) {
      case tags.text8:
      case tags.json8:
        writeText8(this.#content as string, target, start)
        break
      case tags.text16:
      case tags.json16:
        textMethods.ucs2Write.call(target, this.#content as string, start, byteLength - 1)
        break
      case tags.int32:
        cellInt32[0] = this.#content as number
        writeCell(target, start, 4)
        break
      case tags.float64:
        cellFloat64[0] = this.#content as number
        writeCell(target, start, 8)
        break
      case tags.bigint64:
        cellBigInt64[0] = this.#content as bigint
        writeCell(target, start, 8)
        break
      case tags.record:
        writeRecord(this.#content as PackedRecord, target, start)
        break
      case tags.v8:
        target.set(this.#content as Uint8Array, offset)
        break
      default:
        if (byteLength > 1) writeBuffer(this.#content as Uint8Array, byteLength - 1, target, start)
    }
    target[offset] = tag
  }
}

/** A unit that takes two bytes. Of a string that V8 keeps with one byte a unit it knows the answer without a look. */
const wide = /[\u0100-\uffff]/

const nothing = new EncodedBytes(tags.undefined, 1, undefined)
const nil = new EncodedBytes(tags.null, 1, undefined)
const yes = new EncodedBytes(tags.true, 1, undefined)
const no = new EncodedBytes(tags.false, 1, undefined)

function encodeObject(value: object): EncodedBytes {
  if (ArrayBuffer.isView(value)) return encodeView(value) ?? anyOther(value)
  if (types.isArrayBuffer(value)) return encodeBuffer(value) ?? anyOther(value)
  const record = packRecord(value)
  if (record !== undefined)
    return new EncodedBytes(tags.record, 1 + record.list.length + record.end - record.start, record)
  const tree = treeText(value)
  if (tree === undefined) return anyOther(value)
  const { text, isWide } = tree
  return isWide
    ? new EncodedBytes(tags.json16, 1 + 2 * text.length, text)
    : new EncodedBytes(tags.json8, 1 + text.length, text)
}

/** Undefined for all that a clone may refuse or treat apart: classes of the user's, detached and growing memory. */
function encodeBuffer(value: ArrayBuffer): EncodedBytes | undefined {
  const tag = bufferTags.get(Object.getPrototypeOf(value))
  if (tag === undefined || (value as { toHandle?: unknown }).toHandle !== undefined) return undefined
  const { byteLength } = value
  if (byteLength === 0 || value.resizable) return undefined
  return new EncodedBytes(tag, 1 + byteLength, new Uint8Array(value))
}

/** The same; shared memory is refused here or there. */
function encodeView(value: ArrayBufferView): EncodedBytes | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  const tag = prototype === Uint8Array.prototype ? tags.uint8Array : bufferTags.get(prototype)
  if (tag === undefined || (value as { toHandle?: unknown }).toHandle !== undefined) return undefined
  if (tag === tags.uint8Array || tag === tags.buffer) {
    // One that was only made to look like bytes is something else to a clone.
    if (!types.isUint8Array(value)) return undefined
    const byteLength = byteLengthOf(value)
    if (byteLength === 0) return undefined
    if (types.isSharedArrayBuffer(bufferOf(value)))
      throw new NotCloneableError('', 'a view of a SharedArrayBuffer', 'process')
    return new EncodedBytes(tag, 1 + byteLength, value)
  }
  const { byteLength } = value
  if (byteLength === 0 || types.isSharedArrayBuffer(value.buffer)) return undefined
  return new EncodedBytes(tag, 1 + byteLength, new Uint8Array(value.buffer, value.byteOffset, byteLength))
}

function anyOther(value: unknown): EncodedBytes {
  const bytes = serializeValue(value)
  return new EncodedBytes(tags.v8, bytes.byteLength, bytes)
}

/** Up to here a loop is done before a call of native code has begun. */
const longestLoop = 10

function writeText8(text: string, target: Uint8Array, start: number): void {
  const { length } = text
  if (length > longestLoop) textMethods.latin1Write.call(target, text, start, length)
  else for (let index = 0; index < length; index += 1) target[start + index] = text.charCodeAt(index)
}

function writeCell(target: Uint8Array, start: number, length: number): void {
  for (let index = 0; index < length; index += 1) target[start + index] = cellBytes[index] as number
}

function writeBuffer(bytes: Uint8Array, length: number, target: Uint8Array, start: number): void {
  if (byteLengthOf(bytes) !== length)
    throw new NotCloneableError('', 'a buffer that was transferred away or resized before it was written', 'process')
  Uint8Array.prototype.set.call(target, bytes, start)
}

function writeRecord({ list, block, start, end }: PackedRecord, target: Uint8Array, at: number): void {
  for (let index = 0; index < list.length; index += 1) target[at + index] = list[index] as number
  const rest = at + list.length
  if (end - start > longestCopy) Uint8Array.prototype.set.call(target, block.subarray(start, end), rest)
  else for (let index = start; index < end; index += 1) target[rest + index - start] = block[index] as number
}

/** Up to here a loop is done before there is a view for a call of native code. */
const longestCopy = 128

/** A getter of every view, whatever property of its own would hide it. */
function getterOf<Value>(key: 'buffer' | 'byteLength'): (view: Uint8Array) => Value {
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), key) as {
    get: (this: Uint8Array) => Value
  }
  return Function.prototype.call.bind(get) as (view: Uint8Array) => Value
}

/** 0 where the buffer was transferred away, or has shrunk to before the view's end. */
const byteLengthOf = getterOf<number>('byteLength')
const bufferOf = getterOf<ArrayBufferLike>('buffer')

/**
 * The bytes of a value: one tag, then what the tag says, up to the end. There is no length inside: whoever keeps the bytes
 * knows where they end, and no damaged length can lead past it.
 *
 * | tag | value | bytes behind the tag |
 * | --- | --- | --- |
 * | 0x00 | none: memory that was only cleared holds no value | |
 * | 0x01 to 0x04 | undefined, null, false, true | 0 |
 * | 0x05 | a whole number of 32 bits, but for -0 | 4 |
 * | 0x06 | any other number, as a float of 64 bits | 8 |
 * | 0x07 | a bigint of 64 bits with its sign | 8 |
 * | 0x08 | a string of units below 256 | one for each unit |
 * | 0x09 | any other string; a lone surrogate is a unit as any other | two for each unit, the lower first |
 * | 0x0a, 0x0b | a tree of plain objects and arrays, as JSON | as 0x08, 0x09 |
 * | 0x0c | a small plain object, whose parts may be others and arrays | its record: see `record-form.ts` |
 * | 0x10 to 0x1d | a buffer or a view, its class by the tag: see `bufferTags` | its bytes |
 * | 0xff | everything else: what `encodeValue` made of it, by V8's serialiser | its format; 0xff is the format's own first byte |
 *
 * Numbers, and the elements of typed arrays, lie in the byte order of the machine, as in V8's format. All other tags are free;
 * a new meaning takes a new tag, so that an older reader refuses it.
 *
 * Invariant: a value that arrives by a tag of its own is the one that would arrive by 0xff.
 */
export const tags = {
  undefined: 0x01,
  null: 0x02,
  false: 0x03,
  true: 0x04,
  int32: 0x05,
  float64: 0x06,
  bigint64: 0x07,
  text8: 0x08,
  text16: 0x09,
  json8: 0x0a,
  json16: 0x0b,
  record: 0x0c,
  uint8Array: 0x10,
  buffer: 0x11,
  arrayBuffer: 0x12,
  v8: 0xff,
} as const

export interface BufferClass {
  new (buffer: ArrayBuffer): object
  readonly BYTES_PER_ELEMENT?: number
}

/** By tag, from `uint8Array` on: the order is part of the form. */
const bufferClasses: readonly { readonly prototype: object }[] = [
  Uint8Array,
  Buffer,
  ArrayBuffer,
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** The tag of each class of buffers and views, by its prototype: what inherits from one of them has none. */
export const bufferTags: ReadonlyMap<unknown, number> = new Map(
  bufferClasses.map(({ prototype }, index) => [prototype, tags.uint8Array + index]),
)

/** The class that a tag means, undefined where it means none. */
export function bufferClassOf(tag: number): BufferClass | undefined {
  return bufferClasses[tag - tags.uint8Array] as BufferClass | undefined
}

const cell = new ArrayBuffer(8)

/** Eight bytes of this thread by which numbers become bytes at any alignment. Used within one call that runs no other code. */
export const cellBytes: Uint8Array = new Uint8Array(cell)
export const cellInt32: Int32Array = new Int32Array(cell)
export const cellFloat64: Float64Array = new Float64Array(cell)
export const cellBigInt64: BigInt64Array = new BigInt64Array(cell)

interface TextMethods {
  latin1Slice(this: Uint8Array, start: number, end: number): string
  ucs2Slice(this: Uint8Array, start: number, end: number): string
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number
  ucs2Write(this: Uint8Array, text: string, offset: number, length: number): number
}

/**
 * The methods behind `buffer.toString` and `buffer.write`, for bytes that are no Buffer and may be shared: a Buffer over them
 * for each call takes longer than the text does. Each byte is read once and nothing is derived from it but the unit, so bytes
 * that change meanwhile give a wrong string and nothing worse; a decoder of UTF-8 reads twice.
 */
export const textMethods: TextMethods = Buffer.prototype as unknown as TextMethods

import { types } from 'node:util'
import { DefaultDeserializer, serialize } from 'node:v8'
import { isHandle, isRecord } from './classify.js'
import { decodeValue } from './decode.js'
import { encodeByCopy, encodeValue } from './encode.js'
import type { Encoded, Special } from './encoded.js'
import { NotCloneableError } from './errors.js'

/** Any value in V8's format. Throws as `encodeValue` does. */
export function serializeValue(value: unknown): Uint8Array {
  const bytes = serializeAny(value)
  // Whoever reads may have less stack left than this thread: what is accepted here must be readable there.
  if (bytes.length > 2 * mostDepth && isDeeper(value, mostDepth, new Set()))
    throw new NotCloneableError('', `nested more than ${mostDepth} levels deep`, 'process')
  return bytes
}

function serializeAny(value: unknown): Uint8Array {
  const encoded = encodeValue(value, 'process')
  try {
    return serialize(encoded)
  } catch (error) {
    if (encoded.specials) throw error
    // Named properties of arrays were not looked at: what cannot be sent among them is found, and named, by the copy.
    return serialize(encodeByCopy(value, 'process'))
  }
}

/** V8 reads what nests 1,900 levels deep on the stack of a main thread that has done nothing else. */
const mostDepth = 1_000

function isDeeper(value: unknown, levels: number, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return false
  if (levels === 0) return true
  seen.add(value)
  const deeper = (item: unknown): boolean => isDeeper(item, levels - 1, seen)
  if (types.isMap(value)) return [...value].some(([key, item]) => deeper(key) || deeper(item))
  if (types.isSet(value)) return [...value].some(deeper)
  return Object.values(value).some(deeper)
}

/**
 * The value of bytes in V8's format. Bytes that others may write to are copied first: V8 looks at some twice.
 *
 * @param damaged - makes the error for bytes that hold no value
 */
export function deserializeValue(bytes: Uint8Array, damaged: (cause?: unknown) => Error): unknown {
  let encoded: unknown
  try {
    const own = types.isSharedArrayBuffer(bytes.buffer) ? new Uint8Array(bytes) : bytes
    const deserializer = new OwningDeserializer(own)
    deserializer.readHeader()
    encoded = deserializer.readValue()
  } catch (cause) {
    throw damaged(cause)
  }
  if (!isEncoded(encoded)) throw damaged()
  try {
    return decodeValue(encoded)
  } catch (error) {
    // A kind refuses with a code. Without one it tripped over a handle that never was, or this is the end of the stack.
    throw typeof (error as { code?: unknown } | undefined)?.code === 'string' ? error : damaged(error)
  }
}

/** With the method that Node documents and its type declarations lack. */
const ViewDeserializer = DefaultDeserializer as unknown as new (
  bytes: Uint8Array,
) => DefaultDeserializer & { _readHostObject(): ArrayBufferView }

/**
 * Gives each typed array memory of its own. The default one lays it over the bytes it reads: it would change with them, and
 * show the whole of them through its `buffer`.
 */
class OwningDeserializer extends ViewDeserializer {
  override _readHostObject(): ArrayBufferView {
    const view = super._readHostObject()
    // A copy by the typed array: the slice of a Buffer would be the same memory again.
    const { buffer } = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
    if (Buffer.isBuffer(view)) return Buffer.from(buffer)
    return new (view.constructor as new (buffer: ArrayBuffer) => ArrayBufferView)(buffer)
  }
}

/** The bytes may be anybody's: nothing of the shape is taken for granted. */
function isEncoded(data: unknown): data is Encoded {
  if (!isRecord(data) || !Object.hasOwn(data, 'value')) return false
  const specials = data.specials
  if (specials === undefined) return true
  // The keys first: a list with gaps may claim four thousand million places.
  if (!Array.isArray(specials) || Object.keys(specials).length !== specials.length) return false
  // One hole, one special: an error's fields must not be laid upon a shared object.
  return specials.every(isSpecial) && new Set(specials.map((special) => special.hole)).size === specials.length
}

function isSpecial(special: unknown): special is Special {
  if (!isRecord(special) || !isRecord(special.hole)) return false
  if ('handle' in special) return !('error' in special) && isHandle(special.handle)
  const error = special.error
  return (
    isRecord(error) &&
    typeof error.name === 'string' &&
    typeof error.message === 'string' &&
    (error.stack === undefined || typeof error.stack === 'string') &&
    isRecord(error.fields)
  )
}

import { DefaultDeserializer, serialize } from 'node:v8'
import { isHandle, isRecord } from './classify.js'
import { decodeValue } from './decode.js'
import { encodeValue } from './encode.js'
import type { Encoded, Special } from './encoded.js'
import { invalidArgument } from './errors.js'

/**
 * The value as bytes, for a file, a socket or a ring of shared memory. Views of one buffer arrive each with memory of its
 * own, and only with the bytes they show. Does not block.
 *
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`: it holds something that cannot leave this process
 * @throws RangeError without a code: it nests too deep for the stack of this thread
 */
export function toBytes(value: unknown): Uint8Array {
  return serialize(encodeValue(value, 'process'))
}

/**
 * The value that {@link toBytes} was given. It shares no memory with the bytes. Does not block.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the bytes did not come from `toBytes` of a Node with the same format
 * @throws TypeError `ERR_BAD_HANDLE`: as {@link decodeValue}
 */
export function fromBytes(bytes: Uint8Array): unknown {
  let encoded: unknown
  try {
    const deserializer = new OwningDeserializer(bytes)
    deserializer.readHeader()
    encoded = deserializer.readValue()
  } catch (cause) {
    throw Object.assign(invalidArgument('these bytes hold no value'), { cause })
  }
  if (!isEncoded(encoded)) throw invalidArgument('these bytes hold no value')
  return decodeValue(encoded)
}

/** With the method that Node documents and its type declarations lack. */
const ViewDeserializer = DefaultDeserializer as unknown as new (
  bytes: Uint8Array,
) => DefaultDeserializer & { _readHostObject(): ArrayBufferView }

/**
 * Gives each typed array memory of its own. The default one lays it over the bytes it reads: what came out of a ring would
 * change with the ring's next message, and show the whole of this one through its `buffer`.
 */
class OwningDeserializer extends ViewDeserializer {
  override _readHostObject(): ArrayBufferView {
    const view = super._readHostObject()
    // A copy by the typed array: of a SharedArrayBuffer, its own slice would be shared memory again.
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

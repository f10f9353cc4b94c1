import { fromBytes, toBytes } from '@heddle/codec'
import { outOfRange } from '@heddle/pool-core/building-blocks'

/** n */
const numberTag = 0x6e
/** b */
const bytesTag = 0x62

const mostBytes = 64 * 2 ** 20

/**
 * A value as it is stored: `n` and the digits of a safe integer, which the server can add to, or `b` and the bytes of any other.
 *
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`; RangeError `ERR_OUT_OF_RANGE`: more than 64 MiB
 */
export function encodeEntry(value: unknown): Uint8Array {
  if (Number.isSafeInteger(value)) return Buffer.from(`n${Object.is(value, -0) ? '-0' : String(value)}`, 'latin1')
  const bytes = toBytes(value)
  if (bytes.length > mostBytes)
    throw outOfRange(`a value in a dict may take ${mostBytes} bytes, and this one takes ${bytes.length}`)
  const entry = Buffer.allocUnsafeSlow(1 + bytes.length)
  entry[0] = bytesTag
  entry.set(bytes, 1)
  return entry
}

/** @throws TypeError `ERR_INVALID_ARG`: there is no value; `ERR_BAD_HANDLE`: it holds a shared object of another machine */
export function decodeEntry(bytes: Uint8Array): unknown {
  if (bytes[0] === numberTag) return Number(Buffer.from(bytes).toString('latin1', 1))
  return fromBytes(bytes.subarray(1))
}

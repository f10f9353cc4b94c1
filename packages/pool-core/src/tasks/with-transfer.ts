import { types } from 'node:util'
import { invalidArgument } from '../errors.js'

/** What can be moved instead of copied: an ArrayBuffer, a MessagePort and the like. */
export type Transferable = object

const lists = new WeakMap<object, readonly Transferable[]>()

/**
 * Marks the result of a task: the listed buffers in it are moved to the caller, not copied. Between processes they are copied
 * all the same. Does not block.
 *
 * @param value - the result, an object
 * @param transfer - the ArrayBuffers and ports in it that move
 * @returns the value
 * @throws TypeError `ERR_INVALID_ARG`: no object, or no list
 */
export function withTransfer<Value extends object>(value: Value, transfer: readonly Transferable[]): Value {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument('only an object can have parts that are transferred')
  if (!Array.isArray(transfer)) throw invalidArgument('transfer must be an array of ArrayBuffers or ports')
  lists.set(value, transfer)
  return value
}

/**
 * Node lets a buffer that was moved away before pass in a list, and an empty one arrives.
 *
 * @throws DataCloneError
 */
export function refuseDetached(transfer: readonly Transferable[]): void {
  for (const item of transfer) {
    if (!types.isArrayBuffer(item) || item.byteLength > 0) continue
    try {
      new Uint8Array(item)
    } catch {
      throw new DOMException('a buffer in the transfer list was moved away before', 'DataCloneError')
    }
  }
}

export function transferListOf(value: unknown): readonly Transferable[] | undefined {
  return typeof value === 'object' && value !== null ? lists.get(value) : undefined
}

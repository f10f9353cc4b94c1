import { types } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import type { Boundary } from './encoded.js'

export type Category =
  | 'leaf' // goes as it is
  | 'array'
  | 'object' // own enumerable properties
  | 'fields' // the same, but no clone takes the object itself: arguments, the namespace of a module
  | 'map'
  | 'set'
  | 'error'
  | 'handle' // a shared object: has toHandle()
  | 'refused'

interface HasHandle {
  toHandle(): unknown
}

/** How an object crosses the boundary. Never by `instanceof`: objects may come from another realm. */
export function classify(object: object, boundary: Boundary): Category {
  // First: every other question would run a trap of the user's, and even Array.isArray throws for a revoked Proxy.
  if (types.isProxy(object)) return 'refused'
  if (typeof (object as Partial<HasHandle>).toHandle === 'function') return 'handle'
  if (Object.getPrototypeOf(object) === Object.prototype) return isArguments(object) ? 'fields' : 'object'
  if (Array.isArray(object)) return 'array'
  if (ArrayBuffer.isView(object)) return canCross(object.buffer, boundary) ? 'leaf' : 'refused'
  if (types.isAnyArrayBuffer(object)) return canCross(object, boundary) ? 'leaf' : 'refused'
  if (types.isMap(object)) return 'map'
  if (types.isSet(object)) return 'set'
  if (isError(object)) return 'error'
  if (types.isDate(object) || types.isRegExp(object)) return 'leaf'
  if (types.isBoxedPrimitive(object)) return types.isSymbolObject(object) ? 'refused' : 'leaf'
  if (types.isPromise(object) || types.isWeakMap(object) || types.isWeakSet(object) || types.isGeneratorObject(object))
    return 'refused'
  // What is left: instances of classes, whose own fields travel, and host objects, where only a try can tell.
  const hasFields = Object.keys(object).length > 0
  if (hasFields && tagOf(object) === 'Object') return 'object'
  try {
    if (isRecord(structuredClone(object))) return 'object'
    // A host object. From Node 22 on, the serialiser makes an empty object of one that it does not know.
    if (boundary === 'process' && isRecord(deserialize(serialize(object)))) return 'refused'
    return 'leaf'
  } catch {
    return hasFields ? 'fields' : 'refused'
  }
}

/** Also of the kind made before there were classes: a function whose prototype inherits from Error.prototype. */
function isError(value: object): value is Error {
  return (
    types.isNativeError(value) ||
    Object.prototype.isPrototypeOf.call(Error.prototype, value) ||
    tagOf(value) === 'DOMException'
  )
}

/** A SharedArrayBuffer is memory of this process; of a buffer that was transferred away nothing is left. */
function canCross(buffer: ArrayBufferLike, boundary: Boundary): boolean {
  if (types.isSharedArrayBuffer(buffer)) return boundary === 'thread'
  return buffer.byteLength > 0 || !isDetached(buffer)
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length > 0
  } catch {
    return true
  }
}

/** Looks for their iterator before the costly question: this is asked of every plain object. */
function isArguments(object: object): boolean {
  return (object as Partial<Iterable<unknown>>)[Symbol.iterator] !== undefined && types.isArgumentsObject(object)
}

/** Whether an object has no class, whichever realm it comes from. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || tagOf(value) !== 'Object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** The handle of a shared object, or undefined where a class of another family has a `toHandle` of its own. */
export function handleOf(object: object): { readonly kind: string } | undefined {
  const handle = (object as HasHandle).toHandle()
  return isHandle(handle) ? handle : undefined
}

export function isHandle(value: unknown): value is { readonly kind: string } {
  return isRecord(value) && typeof value.kind === 'string'
}

/** Names what cannot be sent, for a message. Never throws, whatever the value's own code does. */
export function describeRefused(value: unknown): string {
  try {
    if (types.isProxy(value)) return 'a Proxy'
    if (typeof value === 'function') {
      const name: unknown = value.name
      return typeof name === 'string' && name !== '' ? `the function ${name}` : 'a function'
    }
    if (typeof value === 'symbol') return String(value)
    if (ArrayBuffer.isView(value)) return `a view of ${describeRefused(value.buffer)}`
    if (types.isArrayBuffer(value)) return 'a detached ArrayBuffer'
    const tag = tagOf(value)
    return /^[AEIOU]/.test(tag) ? `an ${tag}` : `a ${tag}`
  } catch {
    return 'an object'
  }
}

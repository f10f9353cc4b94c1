import { cellBigInt64, cellBytes, cellFloat64, textMethods } from './byte-form.js'
import { readKeys } from './key-lists.js'
import { heads, objectsAreBare } from './record-form.js'

/** Deeper than any writer goes, and no more than any stack takes. */
const mostDepth = 64

/** Where the next byte is, and where the record's place ends. Nothing of the user's runs between two uses. */
let position = 0
let limit = 0

/**
 * The object whose record fills the place from `start` to `end`; undefined where there is none. The bytes may change
 * meanwhile: each is read once, but for those of a key list, which `readKeys` makes sure of.
 */
export function readRecord(source: Uint8Array, start: number, end: number): object | undefined {
  position = start
  limit = end
  const object = readObject(source, mostDepth)
  return position === limit ? object : undefined
}

/** Given for a value by what finds none; no record holds a symbol. */
const none = Symbol('no value')

function readObject(source: Uint8Array, depth: number): object | undefined {
  const known = readKeys(source, position, limit)
  if (known === undefined) return undefined
  position += known.list.length
  const start = position
  const end = limit
  if (!known.isInherited && isAssignable && objectsAreBare()) {
    try {
      const object = readAssigned(source, known.keys, depth)
      if (object === undefined || hasKeys(object, known.keys)) return object
    } catch (error) {
      if (!isTaken(known.keys)) throw error
    }
    isAssignable = false
    position = start
    limit = end
  }
  return readDefined(source, known.keys, depth)
}

/** Until somebody puts a key into `Object.prototype` that takes, or refuses, what is assigned to the key of an object. */
let isAssignable = true

function isTaken(keys: readonly string[]): boolean {
  return keys.some((key) => key in Object.prototype)
}

/** By assignment, which is the quickest way to make an object of keys that are not known in advance. */
function readAssigned(source: Uint8Array, keys: readonly string[], depth: number): object | undefined {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < keys.length; index += 1) {
    const value = readValue(source, depth)
    if (value === none) return undefined
    object[keys[index] as string] = value
  }
  return object
}

function hasKeys(object: object, keys: readonly string[]): boolean {
  let index = 0
  for (const key in object) {
    if (key !== keys[index]) return isReordered(object, keys)
    index += 1
  }
  return index === keys.length
}

/** Keys that are numbers come first, in whatever order they were put in. */
function isReordered(object: object, keys: readonly string[]): boolean {
  return keys.every((key) => Object.hasOwn(object, key))
}

/** A key of `Object.prototype`, such as `__proto__`, stays a key. */
function readDefined(source: Uint8Array, keys: readonly string[], depth: number): object | undefined {
  const object = {}
  for (const key of keys) {
    const value = readValue(source, depth)
    if (value === none) return undefined
    Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true })
  }
  return object
}

function readValue(source: Uint8Array, depth: number): unknown {
  if (position >= limit) return none
  const head = source[position] as number
  position += 1
  if (head >= heads.smallInt) return head - heads.smallInt
  if (head >= heads.shortText) return readText(source, head - heads.shortText)
  switch (head) {
    case heads.undefined:
      return undefined
    case heads.null:
      return null
    case heads.false:
      return false
    case heads.true:
      return true
    case heads.int16: {
      const at = take(2)
      return at < 0 ? none : (((source[at] as number) | ((source[at + 1] as number) << 8)) << 16) >> 16
    }
    case heads.int32: {
      const at = take(4)
      if (at < 0) return none
      const low = (source[at] as number) | ((source[at + 1] as number) << 8)
      return low | ((source[at + 2] as number) << 16) | ((source[at + 3] as number) << 24)
    }
    case heads.float64:
      return fillCell(source) ? cellFloat64[0] : none
    case heads.bigint64:
      return fillCell(source) ? cellBigInt64[0] : none
    case heads.text8: {
      const at = take(1)
      return at < 0 ? none : readText(source, source[at] as number)
    }
    case heads.text16: {
      const counted = take(1)
      const at = counted < 0 ? counted : take(2 * (source[counted] as number))
      return at < 0 ? none : textMethods.ucs2Slice.call(source, at, position)
    }
    case heads.record:
      return depth === 1 ? none : (readObject(source, depth - 1) ?? none)
    case heads.list: {
      const at = take(1)
      return at < 0 || depth === 1 ? none : readList(source, source[at] as number, depth - 1)
    }
    default:
      return none
  }
}

/** Where the next bytes are; -1 where there are not so many. */
function take(count: number): number {
  const start = position
  if (limit - start < count) return -1
  position = start + count
  return start
}

function fillCell(source: Uint8Array): boolean {
  const at = take(8)
  if (at < 0) return false
  for (let index = 0; index < 8; index += 1) cellBytes[index] = source[at + index] as number
  return true
}

function readList(source: Uint8Array, count: number, depth: number): unknown {
  const list: unknown[] = []
  for (let index = 0; index < count; index += 1) {
    const value = readValue(source, depth)
    if (value === none) return none
    list.push(value)
  }
  return list
}

function readText(source: Uint8Array, length: number): unknown {
  const at = take(length)
  if (at < 0) return none
  if (length <= 8) return shortText(source, at, length)
  if (length > 16) return textMethods.latin1Slice.call(source, at, at + length)
  return shortText(source, at, 8) + shortText(source, at + 8, length - 8)
}

/** Of up to 8 units: it is there before a call of native code has begun. */
function shortText(source: Uint8Array, at: number, length: number): string {
  const unit = source[at] as number
  switch (length) {
    case 0:
      return ''
    case 1:
      return String.fromCharCode(unit)
    case 2:
      return String.fromCharCode(unit, source[at + 1] as number)
    case 3:
      return String.fromCharCode(unit, source[at + 1] as number, source[at + 2] as number)
  }
  const first = String.fromCharCode(unit, source[at + 1] as number, source[at + 2] as number, source[at + 3] as number)
  return length === 4 ? first : first + shortText(source, at + 4, length - 4)
}

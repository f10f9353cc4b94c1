import { types } from 'node:util'
import { cellBigInt64, cellBytes, cellFloat64, textMethods } from './byte-form.js'
import { emptyPath, type KeyPath } from './key-lists.js'
import { heads, mostCounted, objectsAreBare, shortTextEnd, smallIntEnd } from './record-form.js'

/** The most bytes of a record, its tag not counted. */
export const mostRecordBytes = 1024
/** The most objects and arrays in one record: each is compared with all before it. */
const mostContainers = 8
/** The most values in one record. From there on V8's serialiser is as fast. */
const mostValues = 32

/** A record on its way: its key list, then the bytes of `block` from `start` to `end`, which never change there. */
export interface PackedRecord {
  readonly list: Uint8Array
  readonly block: Uint8Array
  readonly start: number
  readonly end: number
}

/** Records lie one behind the other in a block, and what is left of it is used: a view for each takes longer than to fill it. */
const blockBytes = 16 * mostRecordBytes
let block = new Uint8Array(blockBytes)
let top = 0

/** While this runs: a getter of the object may come here again. */
let isPacking = false
let values = 0
/** The objects and arrays met so far, where there is more than one. */
const met: object[] = []

/**
 * The record of a small plain object; undefined for all that the form does not hold, and for an object that has one part at two
 * places, which a clone keeps. Each property is read once.
 */
export function packRecord(object: object): PackedRecord | undefined {
  // The Proxy first: every other question would run a trap of the user's.
  if (isPacking || types.isProxy(object)) return undefined
  if (blockBytes - top < mostRecordBytes) {
    block = new Uint8Array(blockBytes)
    top = 0
  }
  const start = top
  isPacking = true
  values = 0
  try {
    const path = pathOf(object)
    if (path === undefined) return undefined
    const end = packFields(object, path.length, block, start, object)
    if (end === misfit) return undefined
    top = end
    return { list: path.list, block, start, end }
  } finally {
    isPacking = false
    if (met.length > 0) met.length = 0
  }
}

/** Given for a position by what cannot pack its value. */
const misfit = -1

/** Where the block has no more room for this record; `top` is where the record began. */
function room(): number {
  return top + mostRecordBytes
}

/** The keys of a plain object; undefined for any other, and where they do not fit into a list. Runs no code but `toHandle`. */
function pathOf(object: object): KeyPath | undefined {
  if (Object.getPrototypeOf(object) !== Object.prototype) return undefined
  if ((object as { toHandle?: unknown }).toHandle !== undefined || !objectsAreBare()) return undefined
  let path = emptyPath()
  let count = 0
  for (const key in object) {
    path = path.step(key)
    count += 1
    if (count > mostValues) return undefined
  }
  return path.list.length === 0 ? undefined : path
}

function packFields(object: object, count: number, block: Uint8Array, start: number, root: object): number {
  let position = start
  let seen = 0
  // Once more, and not by the keys of the path: within such a loop V8 knows where the fields are.
  for (const key in object) {
    position = packValue((object as Record<string, unknown>)[key], block, position, root)
    if (position === misfit) return misfit
    seen += 1
  }
  // Fewer where a getter has deleted some; no loop over keys goes to one that was added meanwhile.
  return seen === count ? position : misfit
}

function packValue(value: unknown, block: Uint8Array, position: number, root: object): number {
  values += 1
  // The longest but for texts, which look again: a head and eight bytes.
  if (values > mostValues || position + 9 > room()) return misfit
  switch (typeof value) {
    case 'number':
      return packNumber(value, block, position)
    case 'string':
      return packText(value, block, position)
    case 'boolean':
      block[position] = value ? heads.true : heads.false
      return position + 1
    case 'undefined':
      block[position] = heads.undefined
      return position + 1
    case 'object':
      if (value !== null) return packContainer(value, block, position, root)
      block[position] = heads.null
      return position + 1
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) return misfit
      cellBigInt64[0] = value
      return packCell(heads.bigint64, block, position)
    default:
      return misfit
  }
}

function packNumber(value: number, block: Uint8Array, position: number): number {
  const whole = value | 0
  if (whole !== value || (whole === 0 && Object.is(value, -0))) {
    cellFloat64[0] = value
    return packCell(heads.float64, block, position)
  }
  if (whole >= 0 && whole < smallIntEnd) {
    block[position] = heads.smallInt | whole
    return position + 1
  }
  block[position + 1] = whole
  block[position + 2] = whole >> 8
  if ((whole << 16) >> 16 === whole) {
    block[position] = heads.int16
    return position + 3
  }
  block[position] = heads.int32
  block[position + 3] = whole >> 16
  block[position + 4] = whole >> 24
  return position + 5
}

function packCell(head: number, block: Uint8Array, position: number): number {
  block[position] = head
  for (let index = 0; index < 8; index += 1) block[position + 1 + index] = cellBytes[index] as number
  return position + 9
}

/** Up to here a loop is done before a call of native code has begun. */
const longestLoop = 24

function packText(text: string, block: Uint8Array, position: number): number {
  const { length } = text
  if (length > mostCounted || position + 2 + length > room()) return misfit
  let start = position + 1
  if (length < shortTextEnd) block[position] = heads.shortText | length
  else {
    block[position] = heads.text8
    block[start] = length
    start += 1
  }
  if (length > longestLoop) {
    if (wide.test(text)) return packWideText(text, block, position)
    textMethods.latin1Write.call(block, text, start, length)
    return start + length
  }
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit > 0xff) return packWideText(text, block, position)
    block[start + index] = unit
  }
  return start + length
}

const wide = /[\u0100-\uffff]/

function packWideText(text: string, block: Uint8Array, position: number): number {
  if (position + 2 + 2 * text.length > room()) return misfit
  block[position] = heads.text16
  block[position + 1] = text.length
  textMethods.ucs2Write.call(block, text, position + 2, 2 * text.length)
  return position + 2 + 2 * text.length
}

function packContainer(container: object, block: Uint8Array, position: number, root: object): number {
  if (met.length === 0) met.push(root)
  if (met.length === mostContainers || met.includes(container)) return misfit
  met.push(container)
  if (types.isProxy(container)) return misfit
  if (Array.isArray(container)) return packList(container, block, position, root)
  const path = pathOf(container)
  if (path === undefined || position + 1 + path.list.length > room()) return misfit
  block[position] = heads.record
  block.set(path.list, position + 1)
  return packFields(container, path.length, block, position + 1 + path.list.length, root)
}

function packList(array: readonly unknown[], block: Uint8Array, start: number, root: object): number {
  const { length } = array
  if (length > mostValues || (array as { toHandle?: unknown }).toHandle !== undefined) return misfit
  // More keys: it has named properties, which a clone takes. As many, with a gap: that is no value below.
  if (Object.keys(array).length !== length) return misfit
  block[start] = heads.list
  block[start + 1] = length
  let position = start + 2
  for (let index = 0; index < length; index += 1) {
    const item = array[index]
    // A gap, if it is no item: a getter may have made one too.
    if (item === undefined && !Object.hasOwn(array, index)) return misfit
    position = packValue(item, block, position, root)
    if (position === misfit) return misfit
  }
  return position
}

import { Mutex, type SharedObjectHandle } from '@heddle/sync-primitives'
import { type Cells, cellsOf } from './cells.js'
import { type ElementOf, type ElementType, type ElementViews, elementRules, isElementType } from './element-types.js'
import { badHandle, describe, outOfRange } from './errors.js'
import { registerKind } from './kinds.js'

/**
 * The memory of one shared array or value: a SharedArrayBuffer of its own, and a lock that lives elsewhere.
 *
 * byte · int32 word · name   · meaning
 * 0    · 0          · TAG    · the class that the buffer belongs to
 * 4    · 1          · LAYOUT · version of this layout
 * 8    · 2          · TYPE   · the number of the element type
 * 12   · 3          · LENGTH · number of elements, as uint32
 * 64…  ·            ·        · the elements; the end is padded to a multiple of 64 bytes
 *
 * Invariant: the words of the header are written before a handle can exist, and never again.
 * Invariant: the buffer is exactly as long as TYPE and LENGTH ask for, so that no view reaches past its end.
 * Invariant: the first element lies at a multiple of 8, so that each element is one aligned word for `Atomics`.
 */
const TAG = 0
const LAYOUT = 1
const TYPE = 2
const LENGTH = 3

const layout = 1
const lineBytes = 64
/** A cache line further than the header, so that whoever opens handles does not disturb whoever writes elements. */
const firstElement = lineBytes

export const mostElements = 2 ** 32 - 1

function bytesFor(type: ElementType, length: number): number {
  return firstElement + Math.ceil((length * elementRules[type].bytes) / lineBytes) * lineBytes
}

/** Shared elements with their lock, as this thread sees them. */
export class Block<Type extends ElementType> {
  readonly type: Type
  readonly length: number
  readonly buffer: SharedArrayBuffer
  readonly cells: Cells<ElementOf<Type>>
  readonly lock: Mutex

  constructor(type: Type, length: number, buffer: SharedArrayBuffer, cells: Cells<ElementOf<Type>>, lock: Mutex) {
    this.type = type
    this.length = length
    this.buffer = buffer
    this.cells = cells
    this.lock = lock
  }

  /** A typed array over the elements. Of fixed length: a length-tracking one costs 18 to 36 times as much. */
  view(): ElementViews[Type] {
    return new elementRules[this.type].View(this.buffer, firstElement, this.length) as ElementViews[Type]
  }
}

/** What `fromHandle` reads of a handle. */
interface BlockHandle<Type extends ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly buffer: SharedArrayBuffer
  readonly lock: SharedObjectHandle
}

/** One class over blocks: how its memory is made, checked and found again. */
export class BlockKind {
  readonly name: string
  readonly version: number
  readonly #tag: number

  constructor(options: { name: string; version: number; tag: number; fromHandle: (handle: never) => unknown }) {
    this.name = options.name
    this.version = options.version
    this.#tag = options.tag
    registerKind(options.name, { version: options.version, fromHandle: options.fromHandle })
  }

  /**
   * New elements, zero where `fill` does not write. The lock comes last: its words are never given back, so that they must
   * not be taken for a block that `fill` refuses.
   *
   * @throws RangeError `ERR_OUT_OF_RANGE`: there is no memory of that size
   */
  create<Type extends ElementType>(
    type: Type,
    length: number,
    fill: (cells: Cells<ElementOf<Type>>) => void,
  ): Block<Type> {
    const buffer = allocate(bytesFor(type, length))
    const header = new Int32Array(buffer, 0, firstElement / 4)
    header[LAYOUT] = layout
    header[TYPE] = elementRules[type].id
    header[LENGTH] = length
    Atomics.store(header, TAG, this.#tag)
    const cells = cellsOf(type, buffer, firstElement, length)
    fill(cells)
    return new Block(type, length, buffer, cells, new Mutex())
  }

  handleOf<Type extends ElementType>(block: Block<Type>): BlockHandle<Type> {
    return {
      kind: this.name,
      version: this.version,
      type: block.type,
      buffer: block.buffer,
      lock: block.lock.toHandle(),
    }
  }

  /**
   * The block that a handle names. Everything is checked before the lock is opened.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: not a handle of this kind, version and type, of `length` elements, with a lock
   */
  open<Type extends ElementType>(handle: BlockHandle<Type>, statedLength: () => unknown): Block<Type> {
    if (typeof handle !== 'object' || handle === null || handle.kind !== this.name)
      throw badHandle(`not a handle of kind ${this.name}`)
    const { version, type, buffer, lock } = handle
    if (version !== this.version)
      throw badHandle(`a handle of kind ${this.name} in version ${describe(version)}; this is version ${this.version}`)
    if (!isElementType(type)) throw badHandle(`the handle has the unknown element type ${describe(type)}`)
    const bytes = byteLengthOf(buffer)
    if (bytes === undefined)
      throw badHandle('the handle holds no SharedArrayBuffer: it must be sent between threads, not between processes')
    if (bytes < firstElement) throw badHandle(`the buffer of the handle is too small for a ${this.name}`)
    const header = new Int32Array(buffer, 0, firstElement / 4)
    if (Atomics.load(header, TAG) !== this.#tag) throw badHandle(`the buffer of the handle holds no ${this.name}`)
    if (header[LAYOUT] !== layout)
      throw badHandle(`the buffer has layout ${header[LAYOUT]}; this version of Heddle reads layout ${layout}`)
    if (header[TYPE] !== elementRules[type].id) throw badHandle(`the elements of the buffer are not of type ${type}`)
    const stated = statedLength()
    const elements = (header[LENGTH] as number) >>> 0
    if (stated !== elements)
      throw badHandle(`the handle states ${describe(stated)} elements; the buffer holds ${elements}`)
    if (bytes !== bytesFor(type, elements)) throw badHandle(`${bytes} bytes cannot be ${elements} elements of ${type}`)
    return new Block(type, elements, buffer, cellsOf(type, buffer, firstElement, elements), Mutex.fromHandle(lock))
  }
}

function allocate(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes)
  } catch (cause) {
    throw outOfRange(`no shared memory of ${bytes} bytes can be had`, { cause })
  }
}

/**
 * Undefined: no SharedArrayBuffer. The getter looks at the object itself, where `instanceof` fails for a buffer that came
 * from another realm, and any object can bear the tag.
 */
function byteLengthOf(buffer: unknown): number | undefined {
  try {
    return Reflect.get(SharedArrayBuffer.prototype, 'byteLength', buffer)
  } catch {
    return undefined
  }
}

import { ClosedError, type Memory, Mutex, type SharedObjectHandle } from '@heddle/sync-primitives'
import { badHandle, describe, ObjectKind, outOfRange, type Place } from '@heddle/sync-primitives/building-blocks'
import { type Cells, cellsOf } from './cells.js'
import { type ElementOf, type ElementType, type ElementViews, elementRules, isElementType } from './element-types.js'

/**
 * The memory of one shared array or value: a SharedArrayBuffer of its own, or words of a {@link Memory}. Its lock lies
 * elsewhere: in the same memory, or in this thread's own.
 *
 * word · name   · meaning
 * 0    · TAG    · the class that the words belong to; 0: none yet
 * 1    · TYPE   · the number of the element type
 * 2    · LENGTH · number of elements, as uint32
 * 3    · STAMP  · a random number, never 0, that tells this block from an earlier or later one in the same place
 * 4    · LOCK   · where the lock begins in the same memory; 0: it is not there
 * 16…  ·        · the elements; the end is padded to a multiple of 16 words (64 bytes, a cache line)
 *
 * Invariant: TYPE, LENGTH and LOCK are written before a handle can exist, and never again.
 * Invariant: STAMP changes once, to 0: whoever changes it disposes of the block, and nobody else does. So whoever finds the
 * stamp that it has seen at first finds the block, and in a memory whose words read as zeros nobody finds one.
 * Invariant: a buffer of its own is exactly as long as TYPE and LENGTH ask for, so that no view reaches past its end.
 * Invariant: the first element lies at a multiple of 64 bytes, so that each element is one aligned word for `Atomics`.
 */
const TAG = 0
const TYPE = 1
const LENGTH = 2
const STAMP = 3
const LOCK = 4

const lineWords = 16
const lineBytes = 64

export const mostElements = 2 ** 32 - 1

function wordsFor(type: ElementType, length: number): number {
  // A cache line further than the header, so that whoever opens handles does not disturb whoever writes elements.
  return lineWords + Math.ceil((length * elementRules[type].bytes) / lineBytes) * lineWords
}

/** Where a block is. */
interface Ground {
  readonly words: Int32Array
  /** The index of TAG. */
  readonly at: number
  /** Undefined: the block has a buffer of its own. */
  readonly place: Place | undefined
}

/** Shared elements with their lock, as this thread sees them. */
export class Block<Type extends ElementType> {
  readonly type: Type
  readonly length: number
  readonly cells: Cells<ElementOf<Type>>
  readonly ground: Ground
  readonly #lock: Mutex
  readonly #words: Int32Array
  readonly #stampAt: number
  readonly #stamp: number
  /** Undefined where nobody can close it. */
  readonly #memory: Memory | undefined

  constructor(type: Type, length: number, ground: Ground, stamp: number, lock: Mutex) {
    this.type = type
    this.length = length
    this.ground = ground
    this.cells = cellsOf(type, bufferOf(ground), firstElementOf(ground), length)
    this.#lock = lock
    this.#words = ground.words
    this.#stampAt = ground.at + STAMP
    this.#stamp = stamp
    this.#memory = ground.place?.memory
  }

  get lock(): Mutex {
    this.mustBeThere()
    return this.#lock
  }

  /**
   * To be called before an element changes, and after one was read: what was found then counts.
   *
   * @throws ClosedError `ERR_CLOSED`: the memory was closed, or somebody has disposed of the block
   */
  mustBeThere(): void {
    // A plain load: an atomic one costs as much as the element's. It stands before or behind that one, never in its place.
    if (this.#words[this.#stampAt] !== this.#stamp || this.#memory?.isClosed) throw this.#gone()
  }

  #gone(): ClosedError {
    const what = this.#memory?.isClosed ? 'the memory of this object was closed' : 'this object was disposed'
    return new ClosedError(what)
  }

  /** A typed array over the elements. Of fixed length: a length-tracking one costs 18 to 36 times as much. */
  view(): ElementViews[Type] {
    const { View } = elementRules[this.type]
    return new View(bufferOf(this.ground), firstElementOf(this.ground), this.length) as ElementViews[Type]
  }

  /** @throws ClosedError `ERR_CLOSED`: the memory was closed */
  dispose(): void {
    if (this.#memory?.isClosed) throw this.#gone()
    const { at } = this.ground
    const lock = Atomics.load(this.#words, at + LOCK)
    const isStill = (): boolean => Atomics.load(this.#words, this.#stampAt) === this.#stamp
    if (!this.#memory?.free) Atomics.compareExchange(this.#words, this.#stampAt, this.#stamp, 0)
    // The memory clears the stamp, and decides between two who dispose of it.
    else if (this.#memory.free(at, isStill)) this.#memory.free(lock)
  }
}

/** What `fromHandle` reads of a handle. */
interface BlockHandle<Type extends ElementType> {
  readonly kind: string
  readonly version: number
  readonly type: Type
  readonly lock: SharedObjectHandle
  /** Its memory, and where it is there; or its own buffer. */
  readonly [field: string]: unknown
}

/** One class over blocks: how its memory is made, checked and found again. */
export class BlockKind {
  readonly #kind: ObjectKind
  readonly #tag: number

  constructor(options: { name: string; version: number; tag: number; fromHandle: (handle: never) => unknown }) {
    this.#kind = new ObjectKind({ ...options, fromHandle: (handle) => options.fromHandle(handle as never) })
    this.#tag = options.tag
  }

  /**
   * New elements in `memory`, or in a buffer of their own; zero where there are no `values`.
   *
   * @param values - as {@link Cells.check} has let them pass
   * @throws TypeError `ERR_INVALID_ARG`: not a memory
   * @throws RangeError `ERR_OUT_OF_RANGE`: there is no memory of that size
   * @throws ClosedError `ERR_CLOSED`: the memory was closed
   */
  create<Type extends ElementType>(
    type: Type,
    length: number,
    values: readonly ElementOf<Type>[],
    memory: Memory | undefined,
  ): Block<Type> {
    const words = wordsFor(type, length)
    const ground = memory === undefined ? this.#newBuffer(words) : this.#newPlace(words, memory)
    const lock = this.#newLock(ground)
    const write = (word: number, value: number) => Atomics.store(ground.words, ground.at + word, value)
    write(TYPE, elementRules[type].id)
    write(LENGTH, length)
    const stamp = newStamp()
    write(STAMP, stamp)
    write(LOCK, ground.place ? lock.toHandle().index : 0)
    const block = new Block(type, length, ground, stamp, lock)
    for (const [index, value] of values.entries()) block.cells.store(index, value)
    if (ground.place) this.#kind.publish(ground.place)
    else write(TAG, this.#tag)
    return block
  }

  #newBuffer(words: number): Ground {
    const bytes = words * 4
    try {
      return { words: new Int32Array(new SharedArrayBuffer(bytes), 0, lineWords), at: 0, place: undefined }
    } catch (cause) {
      throw outOfRange(`no shared memory of ${bytes} bytes can be had`, { cause })
    }
  }

  #newPlace(words: number, memory: Memory): Ground {
    // The tag is a word more.
    const place = this.#kind.allocate(() => words - 1, memory)
    return { words: memory.words, at: place.index, place }
  }

  /** The last of what may fail: the elements go back then, where words can be given back. */
  #newLock({ place }: Ground): Mutex {
    try {
      return new Mutex({ memory: place?.memory })
    } catch (error) {
      if (place && !place.memory.isClosed) place.memory.free?.(place.index)
      throw error
    }
  }

  handleOf<Type extends ElementType>(block: Block<Type>): BlockHandle<Type> {
    const { ground, lock, type } = block
    const { name: kind, version } = this.#kind
    const where = ground.place ? this.#kind.handleOf(ground.place) : { buffer: bufferOf(ground) }
    return { ...where, kind, version, type, lock: lock.toHandle() }
  }

  /**
   * The block that a handle names. Everything is checked before the lock is opened.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: not a handle of this kind, version and type, of `length` elements, with a lock; or of
   * one that somebody has disposed of
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   */
  open<Type extends ElementType>(handle: BlockHandle<Type>, statedLength: () => unknown): Block<Type> {
    const { name } = this.#kind
    if (typeof handle !== 'object' || handle === null || handle.kind !== name)
      throw badHandle(`not a handle of kind ${name}`)
    const { version, type, lock } = handle
    if (version !== this.#kind.version)
      throw badHandle(`a handle of kind ${name} in version ${describe(version)}; this is version ${this.#kind.version}`)
    if (!isElementType(type)) throw badHandle(`the handle has the unknown element type ${describe(type)}`)
    const ground = handle.memory === undefined ? this.#ownBuffer(handle.buffer) : this.#inMemory(handle)
    const read = (word: number) => Atomics.load(ground.words, ground.at + word)
    if (read(TYPE) !== elementRules[type].id) throw badHandle(`the elements are not of type ${type}`)
    const stated = statedLength()
    const length = read(LENGTH) >>> 0
    if (stated !== length) throw badHandle(`the handle states ${describe(stated)} elements; there are ${length}`)
    const room = (bufferOf(ground).byteLength - ground.words.byteOffset) / 4 - ground.at
    const words = wordsFor(type, length)
    if (length === 0 || (ground.place ? words > room : words !== room))
      throw badHandle(`${room * 4} bytes cannot be ${length} elements of ${type}`)
    const stamp = read(STAMP)
    if (stamp === 0) throw badHandle(`somebody has disposed of the ${name} that the handle names`)
    if (ground.place && lock?.index !== read(LOCK)) throw badHandle(`the handle has not the lock of the ${name}`)
    return new Block(type, length, ground, stamp, Mutex.fromHandle(lock))
  }

  #inMemory(handle: BlockHandle<ElementType>): Ground {
    const place = this.#kind.open(handle as unknown as SharedObjectHandle)
    return { words: place.memory.words, at: place.index, place }
  }

  #ownBuffer(buffer: unknown): Ground {
    const bytes = byteLengthOf(buffer)
    if (bytes === undefined)
      throw badHandle('the handle holds no SharedArrayBuffer: it must be sent between threads, not between processes')
    if (bytes < lineBytes) throw badHandle(`the buffer of the handle is too small for a ${this.#kind.name}`)
    const words = new Int32Array(buffer as SharedArrayBuffer, 0, lineWords)
    if (Atomics.load(words, TAG) !== this.#tag) throw badHandle(`the buffer of the handle holds no ${this.#kind.name}`)
    return { words, at: 0, place: undefined }
  }
}

let [lastStamp = 0] = crypto.getRandomValues(new Int32Array(1))

/** A random walk of each thread's own. @returns a number that is not 0 */
function newStamp(): number {
  lastStamp = (lastStamp + 0x9e3779b9) | 0
  return lastStamp || newStamp()
}

const bufferOf = ({ words }: Ground): SharedArrayBuffer => words.buffer as SharedArrayBuffer

/** In bytes of the buffer. */
const firstElementOf = ({ words, at }: Ground): number => words.byteOffset + (at + lineWords) * 4

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

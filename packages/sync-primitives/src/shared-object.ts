import { badHandle } from './errors.js'
import { registerKind } from './kinds.js'
import { allocateInArena, ThreadMemory } from './memory/thread-memory.js'
import { describe } from './options.js'

/**
 * What a shared object is on its way to another thread: plain data that `postMessage` and `workerData` carry as it is.
 * Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedObjectHandle {
  readonly kind: string
  readonly version: number
  readonly buffer: SharedArrayBuffer
  readonly index: number
}

/**
 * Each shared object begins with one word that says what it is, so that a handle with a wrong index is refused instead of
 * taking somebody else's words for a lock.
 *
 * index · name  · meaning
 * 0     · TAG   · the kind's tag
 * 1     · STATE · the first word of the object's own layout
 */
const TAG = 0
export const STATE = 1

/** Where an object's words are: its state begins at `index + STATE`. */
export class Place {
  readonly memory: ThreadMemory
  readonly index: number

  constructor(memory: ThreadMemory, index: number) {
    this.memory = memory
    this.index = index
  }
}

/** One class of shared object: how its words are made, checked and found again. */
export class ObjectKind {
  readonly name: string
  readonly version: number
  readonly #tag: number
  readonly #words: number

  constructor(options: {
    name: string
    version: number
    tag: number
    words: number
    fromHandle: (handle: SharedObjectHandle) => unknown
  }) {
    this.name = options.name
    this.version = options.version
    this.#tag = options.tag
    this.#words = STATE + options.words
    registerKind(options.name, { version: options.version, fromHandle: options.fromHandle })
  }

  /** New words for one object, zeroed and tagged, in this thread's arena. */
  allocate(): Place {
    const { memory, index } = allocateInArena(this.#words)
    Atomics.store(memory.words, index + TAG, this.#tag)
    return new Place(memory, index)
  }

  /** Tells a constructor whether it was called by `fromHandle`. */
  isPlace(argument: unknown): argument is Place {
    return argument instanceof Place
  }

  handleOf(place: Place): SharedObjectHandle {
    return { kind: this.name, version: this.version, buffer: place.memory.buffer, index: place.index }
  }

  /**
   * The words that a handle names.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: not a handle of this kind and version, or its words hold something else
   */
  open(handle: SharedObjectHandle): Place {
    if (typeof handle !== 'object' || handle === null || handle.kind !== this.name)
      throw badHandle(`not a handle of kind ${this.name}`)
    if (handle.version !== this.version)
      throw badHandle(
        `a handle of kind ${this.name} in version ${describe(handle.version)}; this is version ${this.version}`,
      )
    const memory = ThreadMemory.of(handle.buffer)
    const { index } = handle
    if (!memory.isAllocated(index) || Atomics.load(memory.words, index + TAG) !== this.#tag)
      throw badHandle(`the handle names no ${this.name} in its memory`)
    return new Place(memory, index)
  }
}

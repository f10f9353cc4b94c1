import { badHandle, invalidArgument, outOfRange } from './errors.js'
import { registerKind } from './kinds.js'
import { throwIfClosed } from './memory/closed.js'
import { type Memory, type MemoryHandle, memoryOpenerOf } from './memory/memory.js'
import { arenaFor } from './memory/thread-memory.js'
import { describe } from './options.js'

/**
 * What a shared object is on its way to another thread: plain data that `postMessage` and `workerData` carry as it is.
 * Its fields may change between versions; only `fromHandle` reads them.
 */
export interface SharedObjectHandle extends MemoryHandle {
  readonly kind: string
  readonly version: number
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
  readonly memory: Memory
  readonly index: number
  /** Its memory's part of the object's handle: of this object, also when it was freed and another one has its words. */
  readonly memoryHandle: MemoryHandle

  constructor(memory: Memory, index: number) {
    this.memory = memory
    this.index = index
    this.memoryHandle = memory.toHandle(index)
  }

  /** The index of the object's own word number `offset`. */
  at(offset: number): number {
    return this.index + STATE + offset
  }

  /** @throws ClosedError `ERR_CLOSED`: the memory was closed */
  load(offset: number): number {
    const value = Atomics.load(this.memory.words, this.at(offset))
    throwIfClosed(this.memory)
    return value
  }

  store(offset: number, value: number): void {
    Atomics.store(this.memory.words, this.at(offset), value)
  }
}

/** One class of shared object: how its words are made, checked and found again. */
export class ObjectKind {
  readonly name: string
  readonly version: number
  readonly #tag: number

  constructor(options: {
    name: string
    version: number
    tag: number
    fromHandle: (handle: SharedObjectHandle) => unknown
  }) {
    this.name = options.name
    this.version = options.version
    this.#tag = options.tag
    registerKind(options.name, { version: options.version, fromHandle: options.fromHandle })
  }

  /**
   * New words for one object, zeroed: in `memory`, or in this thread's arena. They are no object before {@link ObjectKind.publish}.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a memory; RangeError `ERR_OUT_OF_RANGE`: no room in it
   * @throws ClosedError `ERR_CLOSED`: it was closed
   */
  allocate(words: (slots: number) => number, memory?: Memory): Place {
    if (memory !== undefined && !isMemory(memory))
      throw invalidArgument(`memory must be a ThreadMemory or a Segment, not ${describe(memory)}`)
    if (memory) throwIfClosed(memory)
    const size = STATE + words((memory ?? arenaFor(0)).slots)
    const place = memory ?? arenaFor(size)
    const index = place.allocate(size)
    if (index < 0) throw outOfRange(`the memory has no room for ${size * 4} more bytes`)
    return new Place(place, index)
  }

  /** Tags the words, when their first values are written. */
  publish(place: Place): Place {
    Atomics.store(place.memory.words, place.index + TAG, this.#tag)
    return place
  }

  /** Tells a constructor whether it was called by `fromHandle`. */
  isPlace(argument: unknown): argument is Place {
    return argument instanceof Place
  }

  handleOf(place: Place): SharedObjectHandle {
    return { ...place.memoryHandle, kind: this.name, version: this.version, index: place.index }
  }

  /**
   * The words that a handle names.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: not a handle of this kind and version, or its words hold something else
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   */
  open(handle: SharedObjectHandle): Place {
    if (typeof handle !== 'object' || handle === null || handle.kind !== this.name)
      throw badHandle(`not a handle of kind ${this.name}`)
    if (handle.version !== this.version)
      throw badHandle(
        `a handle of kind ${this.name} in version ${describe(handle.version)}; this is version ${this.version}`,
      )
    const open = memoryOpenerOf(handle.memory)
    if (!open)
      throw badHandle(`the handle is of a memory of kind ${describe(handle.memory)}: import the package that has it`)
    const memory = open(handle)
    throwIfClosed(memory)
    const { index } = handle
    if (!memory.isAllocated(index, handle) || Atomics.load(memory.words, index + TAG) !== this.#tag)
      throw badHandle(`the handle names no ${this.name} in its memory`)
    return new Place(memory, index)
  }
}

/** By shape: a memory may come from another package. */
function isMemory(value: unknown): value is Memory {
  if (typeof value !== 'object' || value === null) return false
  const { words, allocate, waitAsync } = value as Partial<Memory>
  return words !== undefined && typeof allocate === 'function' && typeof waitAsync === 'function'
}

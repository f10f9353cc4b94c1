import { invalidArgument, objectOption } from '@heddle/sync-primitives/building-blocks'
import { type CanonicalType, canonicalType, type ElementOf, type ElementTypeOrCode } from './element-types.js'
import { SegmentError } from './errors.js'
import type { SharedObject } from './segment/directory.js'
import { Segment, type SegmentHandle } from './segment/segment.js'
import { SharedArray } from './shared-array.js'
import { SharedDict } from './shared-dict.js'
import { SharedList } from './shared-list.js'
import { SharedValue } from './shared-value.js'

/** How a manager makes its segment. */
export interface SharedMemoryManagerOptions {
  /** By which other processes attach: as the name of a {@link Segment}. Default: a random one, see `manager.name`. */
  readonly name?: string | undefined
  /** The size of its segment in bytes; it never grows. Default: 16 MiB. */
  readonly size?: number | undefined
}

const defaultBytes = 16 * 1024 * 1024

const dictName = 'dict'
const listName = 'list'
const arrayName = (name: string): string => `array ${name}`
const valueName = (name: string): string => `value ${name}`

/**
 * One segment with named arrays and values, a dict and a list: shared memory for programs that do not want to think of where
 * it is. Other processes attach by its name, or get its handle.
 *
 * What is in it goes with the last process that has it; {@link SharedMemoryManager.dispose} of its maker takes the name away.
 */
export class SharedMemoryManager {
  readonly segment: Segment
  readonly #isMaker: boolean
  #isDisposed = false

  /**
   * Makes a new segment. Blocks as {@link Segment.create}, and throws what it throws.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  constructor(options?: SharedMemoryManagerOptions)
  /** @internal */
  constructor(segment: Segment)
  constructor(first?: SharedMemoryManagerOptions | Segment) {
    this.#isMaker = !(first instanceof Segment)
    if (first instanceof Segment) {
      this.segment = first
      return
    }
    const { name, size = defaultBytes } = objectOption(first)
    this.segment = Segment.create({ name, size })
  }

  /** Attaches to the manager that another process has made. Blocks and fails as {@link Segment.open}. */
  static attach(name: string): SharedMemoryManager {
    return new SharedMemoryManager(Segment.open(name))
  }

  /** Attaches by a handle. Blocks and fails as {@link Segment.fromHandle}. */
  static fromHandle(handle: SegmentHandle): SharedMemoryManager {
    return new SharedMemoryManager(Segment.fromHandle(handle))
  }

  /** By which other processes attach. */
  get name(): string {
    return this.segment.name
  }

  /**
   * Makes an array of zeros under a name. Does not block but for another one who makes an array of the same name.
   *
   * @param type - an element type, or Python's code: `i` is int32, `d` is float64, `c` is uint8; default int32
   * @throws SegmentError `ERR_SEGMENT_EXISTS`: there is an array of that name; it is unchanged
   * @throws TypeError `ERR_INVALID_ARG`: bad arguments; RangeError `ERR_OUT_OF_RANGE`: a bad size, or no room
   * @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT`
   */
  createSharedArray<Type extends ElementTypeOrCode = 'int32'>(
    name: string,
    size: number,
    type: Type = 'int32' as Type,
  ): SharedArray<CanonicalType<Type>> {
    return this.#create(arrayName(checked(name)), () => new SharedArray(type, size, { memory: this.segment }))
  }

  /**
   * Makes a number under a name. Otherwise as {@link SharedMemoryManager.createSharedArray}.
   *
   * @param initialValue - default 0
   */
  createSharedValue<Type extends ElementTypeOrCode = 'int32'>(
    name: string,
    initialValue?: ElementOf<CanonicalType<Type>>,
    type: Type = 'int32' as Type,
  ): SharedValue<CanonicalType<Type>> {
    return this.#create(valueName(checked(name)), () => new SharedValue(type, initialValue, { memory: this.segment }))
  }

  /**
   * The array with this name, whoever has made it. Does not block.
   *
   * @param type - what it must hold, as at its making; default int32
   * @throws SegmentError `ERR_SEGMENT_NOT_FOUND`: there is none
   * @throws TypeError `ERR_INVALID_ARG`: a name that is no string, or the array holds elements of another type
   * @throws ClosedError `ERR_CLOSED`; CorruptError `ERR_CORRUPT`
   */
  getSharedArray<Type extends ElementTypeOrCode = 'int32'>(
    name: string,
    type: Type = 'int32' as Type,
  ): SharedArray<CanonicalType<Type>> {
    return this.#find<SharedArray<CanonicalType<Type>>>(arrayName(checked(name)), type)
  }

  /** The number with this name, whoever has made it. Otherwise as {@link SharedMemoryManager.getSharedArray}. */
  getSharedValue<Type extends ElementTypeOrCode = 'int32'>(
    name: string,
    type: Type = 'int32' as Type,
  ): SharedValue<CanonicalType<Type>> {
    return this.#find<SharedValue<CanonicalType<Type>>>(valueName(checked(name)), type)
  }

  /** The one dict of this manager, made on first use, in whichever process. Does not block but for that. */
  getSharedDict<Value = unknown>(): SharedDict<Value> {
    return this.segment.getOrCreate(dictName, () => new SharedDict<Value>({ memory: this.segment }))
  }

  /** The one list of this manager, made on first use, in whichever process. Does not block but for that. */
  getSharedList<Value = unknown>(): SharedList<Value> {
    return this.segment.getOrCreate(listName, () => new SharedList<Value>({ memory: this.segment }))
  }

  /** Plain data for other threads and processes, also as JSON. */
  toHandle(): SegmentHandle {
    return this.segment.toHandle()
  }

  /**
   * Lets go of the segment; its maker takes the name away first, so that nobody attaches any more. The memory goes with the
   * last process that has it. A second call does nothing.
   */
  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    if (this.#isMaker && !this.segment.isClosed) this.segment.removeName()
    this.segment.close()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #create<Shared extends SharedObject>(name: string, create: () => Shared): Shared {
    let made = false
    const object = this.segment.getOrCreate(name, () => {
      made = true
      return create()
    })
    if (made) return object
    throw new SegmentError('ERR_SEGMENT_EXISTS', `there is a shared ${name} already: get it, or take another name`)
  }

  #find<Shared extends SharedObject & { readonly type: string }>(name: string, stated: ElementTypeOrCode): Shared {
    const type = canonicalType(stated)
    const object = this.segment.get<Shared>(name)
    if (!object)
      throw new SegmentError('ERR_SEGMENT_NOT_FOUND', `there is no shared ${name} in the segment ${this.segment.name}`)
    if (object.type !== type) throw invalidArgument(`the shared ${name} holds ${object.type}, not ${type}`)
    return object
  }
}

function checked(name: unknown): string {
  if (typeof name !== 'string') throw invalidArgument('the name of a shared object must be a string')
  return name
}

import { invalidArgument, mustBeFunction } from '@heddle/sync-primitives/building-blocks'
import { SharedDict } from '../shared-dict.js'
import { DIRECTORY } from './layout.js'
import type { Segment } from './segment.js'

/** Anything of the family that lives in a memory and travels as a handle. */
export interface SharedObject {
  toHandle(): {
    readonly kind: string
    readonly index?: number
    readonly identity?: unknown
    readonly generation?: unknown
  }
}

/**
 * The named objects of a segment: a SharedDict in it, from name to handle. It is made by whoever names the first object.
 *
 * Invariant: DIRECTORY is 0 or the index of that dict; it is set once, by compare-and-set.
 */
export class Directory {
  readonly #segment: Segment
  #dict: SharedDict<SharedObject> | undefined

  constructor(segment: Segment) {
    this.#segment = segment
  }

  getOrCreate(name: string, create: () => SharedObject): SharedObject {
    mustBeFunction('create', create)
    return this.#made().update(checkObjectName(name), (existing) => existing ?? this.#ofThisSegment(create()))
  }

  get(name: string): SharedObject | undefined {
    return this.#opened()?.get(checkObjectName(name))
  }

  delete(name: string): boolean {
    return this.#opened()?.delete(checkObjectName(name)) ?? false
  }

  names(): string[] {
    return [...(this.#opened()?.keys() ?? [])].map(String)
  }

  #ofThisSegment(object: unknown): SharedObject {
    const isObject = typeof object === 'object' && object !== null
    if (!isObject || typeof (object as Partial<SharedObject>).toHandle !== 'function')
      throw invalidArgument('create must return a shared object')
    const { identity } = (object as SharedObject).toHandle()
    if (identity !== this.#segment.toHandle().identity)
      throw invalidArgument('create must make the object in this segment: give it { memory: segment }')
    return object as SharedObject
  }

  #opened(): SharedDict<SharedObject> | undefined {
    const index = Atomics.load(this.#segment.words, DIRECTORY)
    if (index === 0 || this.#dict) return this.#dict
    const handle = { ...this.#segment.toHandle(index), kind: 'shared-memory/SharedDict', version: 1, index }
    this.#dict = SharedDict.fromHandle<SharedObject>(handle)
    return this.#dict
  }

  #made(): SharedDict<SharedObject> {
    const there = this.#opened()
    if (there) return there
    const made = new SharedDict<SharedObject>({ memory: this.#segment })
    const { index } = made.toHandle()
    if (Atomics.compareExchange(this.#segment.words, DIRECTORY, 0, index) !== 0) made.dispose()
    return this.#opened() ?? made
  }
}

function checkObjectName(name: unknown): string {
  if (typeof name !== 'string') throw invalidArgument('the name of an object must be a string')
  return name
}

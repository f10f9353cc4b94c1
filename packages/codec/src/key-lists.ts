import { textMethods } from './byte-form.js'
import { checkOf, mostKeyListBytes } from './record-form.js'

/** What is known of the keys that objects began with so far: a tree whose steps are keys. */
export class KeyPath {
  readonly key: string
  /** How many keys it has. */
  readonly length: number
  readonly #parent: KeyPath | undefined
  #steps: KeyPath[] = []
  #list: Uint8Array | undefined

  constructor(key: string, parent: KeyPath | undefined) {
    this.key = key
    this.length = parent === undefined ? 0 : parent.length + 1
    this.#parent = parent
  }

  /** One key more. */
  step(key: string): KeyPath {
    const steps = this.#steps
    for (let index = 0; index < steps.length; index += 1) {
      const step = steps[index] as KeyPath
      if (step.key === key) return step
    }
    return this.#grow(key)
  }

  #grow(key: string): KeyPath {
    const step = new KeyPath(key, this)
    // Objects that are used as maps have new keys again and again: all is forgotten then, but for the path in hand.
    if (pathCount === mostPaths || this.#steps.length === mostSteps) {
      pathCount = 0
      root = new KeyPath('', undefined)
    } else if (key.length <= mostKeyListBytes) {
      pathCount += 1
      this.#steps.push(step)
    }
    return step
  }

  /** From the first one to this. */
  #keys(): string[] {
    const keys = this.#parent === undefined ? [] : this.#parent.#keys()
    if (this.#parent !== undefined) keys.push(this.key)
    return keys
  }

  /** The key list of the record form, its two leading bytes included; empty where the keys do not fit into one. */
  get list(): Uint8Array {
    this.#list ??= keyList(this.#keys())
    return this.#list
  }
}

/** A record of 32 keys takes 32: this is room for some dozens of usual ones. */
const mostPaths = 256
/** From one of them to others: each is compared with the key that comes. */
const mostSteps = 64
let pathCount = 0
let root = new KeyPath('', undefined)

/** Of no keys. */
export function emptyPath(): KeyPath {
  return root
}

const none = new Uint8Array(0)

function keyList(keys: readonly string[]): Uint8Array {
  let size = 0
  for (const key of keys) size += 1 + key.length
  if (size === 0 || size > mostKeyListBytes) return none
  const bytes = new Uint8Array(2 + size)
  let position = 2
  for (const key of keys) {
    bytes[position] = key.length
    position += 1
    for (let index = 0; index < key.length; index += 1) {
      const unit = key.charCodeAt(index)
      if (unit > 0xff) return none
      bytes[position] = unit
      position += 1
    }
  }
  bytes[0] = size
  bytes[1] = checkOf(bytes, 2, bytes.length)
  return bytes
}

/** The keys that a key list holds. */
export interface KnownKeys {
  readonly keys: readonly string[]
  /** The list as it was read, its two leading bytes included. */
  readonly list: Uint8Array
  /** Objects that inherit such a key do something else than to take it when it is assigned. */
  readonly isInherited: boolean
}

/** By check sum: a few of those that were read last. */
const known: KnownKeys[][] = Array.from({ length: 16 }, () => [])
const mostInSet = 4
let nextOut = 0

/**
 * The keys of the list in `source` from `start` on, its two leading bytes included; `end` is where the record's place ends.
 * Undefined where there is no list. The bytes may change meanwhile: what is given is what the list held at one reading of each
 * byte, for it was compared byte by byte, or copied first.
 */
export function readKeys(source: Uint8Array, start: number, end: number): KnownKeys | undefined {
  if (end - start < 4) return undefined
  const size = source[start] as number
  const check = source[start + 1] as number
  const set = known[check & 15] as KnownKeys[]
  for (let index = 0; index < set.length; index += 1) {
    const candidate = set[index] as KnownKeys
    const { list } = candidate
    if (list[0] === size && list[1] === check && size + 2 <= end - start && isSame(source, start, list))
      return candidate
  }
  if (size === 0 || size + 2 > end - start) return undefined
  const list = new Uint8Array(2 + size)
  list[0] = size
  list[1] = check
  for (let index = 2; index < list.length; index += 1) list[index] = source[start + index] as number
  const keys = checkOf(list, 2, list.length) === check ? parseKeys(list) : undefined
  if (keys === undefined) return undefined
  const found = { keys, list, isInherited: keys.some((key) => key in Object.prototype) }
  if (set.length < mostInSet) set.push(found)
  else {
    set[nextOut] = found
    nextOut = (nextOut + 1) % mostInSet
  }
  return found
}

function isSame(source: Uint8Array, start: number, list: Uint8Array): boolean {
  for (let index = 2; index < list.length; index += 1) if (source[start + index] !== list[index]) return false
  return true
}

function parseKeys(list: Uint8Array): string[] | undefined {
  const keys: string[] = []
  let position = 2
  while (position < list.length) {
    const end = position + 1 + (list[position] as number)
    if (end > list.length) return undefined
    keys.push(textMethods.latin1Slice.call(list, position + 1, end))
    position = end
  }
  return new Set(keys).size === keys.length ? keys : undefined
}

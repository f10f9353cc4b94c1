import { classify, describeRefused, handleOf } from './classify.js'
import type { Boundary, Encoded, Special } from './encoded.js'
import { NotCloneableError, RemoteError } from './errors.js'
import { isPlain } from './plain.js'

/**
 * Makes cloneable data of a value, for `postMessage` or for a serialiser. Shared objects (anything with `toHandle`) go as
 * their handles, errors with their name, code, fields and cause; the rest goes by the rules of the structured clone.
 * A value that holds neither is not copied. Does not block.
 *
 * What a getter or a `toHandle` of the value throws is thrown as it is, and nothing was sent.
 *
 * @throws NotCloneableError `ERR_NOT_CLONEABLE`: it holds a function, a symbol, a Promise, a Proxy or the like, or a
 * SharedArrayBuffer on its way to another process; nothing was sent
 * @throws RangeError without a code: it nests too deep for the stack of this thread
 */
export function encodeValue(value: unknown, boundary: Boundary): Encoded {
  return isPlain(value, boundary) ? { value } : encodeByCopy(value, boundary)
}

/**
 * The same for something that was thrown, and it never throws: what cannot be sent is replaced by a description, and a thrown
 * value that is nothing else becomes a {@link RemoteError}. What nests deeper than 500 levels is cut there, so that every
 * serialiser can take the rest.
 */
export function encodeThrown(thrown: unknown, boundary: Boundary): Encoded {
  try {
    return new Copier(boundary, true).encode(thrown)
  } catch {
    const substitute = new RemoteError(`${describeRefused(thrown)} was thrown, which cannot be sent`)
    return new Copier(boundary, true).encode(substitute)
  }
}

/** As {@link encodeValue}, looking at everything, also where that does not look: at the named properties of arrays. */
export function encodeByCopy(value: unknown, boundary: Boundary): Encoded {
  return new Copier(boundary, false).encode(value)
}

/** How deep a thrown value may nest. V8's serialiser ends, with the stack of a main thread, at 1,900. */
const maxThrownDepth = 500

/** Copies the containers of a value and puts a hole where something special was. Keeps cycles and shared parts. */
class Copier {
  readonly #specials: Special[] = []
  readonly #boundary: Boundary
  readonly #lenient: boolean
  readonly #copies = new Map<object, object>()
  readonly #path: string[] = []

  constructor(boundary: Boundary, lenient: boolean) {
    this.#boundary = boundary
    this.#lenient = lenient
  }

  encode(value: unknown): Encoded {
    const copy = this.#copy(value)
    return this.#specials.length > 0 ? { value: copy, specials: this.#specials } : { value: copy }
  }

  #copy(value: unknown): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return this.#refuse(describeRefused(value))
    if (typeof value !== 'object' || value === null) return value
    const existing = this.#copies.get(value)
    if (existing) return existing
    if (this.#lenient && this.#path.length > maxThrownDepth) return '[nested too deep to be sent]'
    const category = classify(value, this.#boundary)
    switch (category) {
      case 'leaf':
        return value
      case 'array':
        return this.#copyArray(value as unknown[])
      case 'object':
      case 'fields':
        return this.#copyProperties(value, Object.keys(value), this.#remember(value, {}))
      case 'map':
        return this.#copyMap(value as Map<unknown, unknown>)
      case 'set':
        return this.#copySet(value as Set<unknown>)
      case 'error':
        return this.#copyError(value as Error)
      case 'handle':
        return this.#copyHandle(value)
      case 'refused':
        return this.#refuse(describeRefused(value))
    }
  }

  #remember<Copy extends object>(original: object, copy: Copy): Copy {
    this.#copies.set(original, copy)
    return copy
  }

  /** Copies what is one step down. Where that fails in something thrown, the rest of it still goes. */
  #at(step: string, read: () => unknown): unknown {
    this.#path.push(step)
    try {
      return this.#copy(read())
    } catch (error) {
      if (!this.#lenient) throw error
      return '[could not be read, nor sent]'
    } finally {
      this.#path.pop()
    }
  }

  #copyArray(array: unknown[]): unknown[] {
    const copy = this.#remember<unknown[]>(array, [])
    copy.length = array.length
    this.#copyProperties(array, Object.keys(array), copy)
    return copy
  }

  #copyProperties(object: object, keys: readonly string[], copy: object): object {
    const isArray = Array.isArray(object)
    for (const key of keys) {
      const value = this.#at(stepTo(key, isArray), () => (object as Record<string, unknown>)[key])
      // Not by assignment: a key `__proto__` must stay a key.
      Object.defineProperty(copy, key, { value, configurable: true, enumerable: true, writable: true })
    }
    return copy
  }

  #copyMap(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.#remember(map, new Map<unknown, unknown>())
    let position = 0
    for (const [key, value] of Map.prototype.entries.call(map)) {
      const keyCopy = this.#at(`.keys()[${position}]`, () => key)
      copy.set(
        keyCopy,
        this.#at(`.values()[${position}]`, () => value),
      )
      position += 1
    }
    return copy
  }

  #copySet(set: Set<unknown>): Set<unknown> {
    const copy = this.#remember(set, new Set<unknown>())
    let position = 0
    for (const value of Set.prototype.values.call(set)) {
      copy.add(this.#at(`.values()[${position}]`, () => value))
      position += 1
    }
    return copy
  }

  #copyError(error: Error): object {
    const hole = this.#remember(error, {})
    const fields = {}
    this.#specials.push({
      hole,
      error: {
        name: textOf(error, 'name') ?? 'Error',
        message: textOf(error, 'message') ?? '',
        stack: textOf(error, 'stack'),
        fields,
      },
    })
    this.#copyProperties(error, fieldsOf(error), fields)
    return hole
  }

  #copyHandle(object: object): unknown {
    const handle = handleOf(object)
    if (!handle) return this.#refuse('an object whose toHandle() gives no handle')
    if (!isPlain(handle, this.#boundary)) {
      // Copied for the path in the message alone: it leads to what the handle holds, such as memory of this process.
      if (!this.#lenient) this.#at('.toHandle()', () => handle)
      return this.#refuse(`a shared object of kind ${handle.kind}`)
    }
    const hole = this.#remember(object, {})
    this.#specials.push({ hole, handle })
    return hole
  }

  #refuse(what: string): unknown {
    if (this.#lenient && this.#path.length > 0) return `[${what}, which could not be sent]`
    throw new NotCloneableError(this.#path.join(''), what, this.#boundary)
  }
}

/** How a program would write the access: `.name`, `["odd name"]`, and `[0]` in an array. */
function stepTo(key: string, isArray: boolean): string {
  if (isArray && /^\d+$/.test(key)) return `[${key}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** A text that an error should have. Whatever a class made of it, reading it does not fail. */
function textOf(error: Error, key: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const text: unknown = error[key]
    if (typeof text === 'string') return text
    return text === undefined || key === 'stack' ? undefined : asText(text)
  } catch {
    return undefined
  }
}

function asText(value: unknown): string {
  return String(value)
}

/** The own properties of an error that travel beside its texts. */
function fieldsOf(error: Error): string[] {
  const keys = Object.getOwnPropertyNames(error).filter(
    (key) => key !== 'name' && key !== 'message' && key !== 'stack' && !isMethod(error, key),
  )
  // A code is what programs ask for: it travels even when a class keeps it on its prototype.
  if (!keys.includes('code') && hasCode(error)) keys.push('code')
  return keys
}

/** Methods stay behind: hidden ones, and those that every error has, such as `toString`. */
function isMethod(error: Error, key: string): boolean {
  const property = Object.getOwnPropertyDescriptor(error, key)
  if (typeof property?.value !== 'function' || key === 'cause') return false
  return property.enumerable !== true || key in Error.prototype
}

function hasCode(error: Error): boolean {
  try {
    return 'code' in error && typeof error.code !== 'function'
  } catch {
    return true
  }
}

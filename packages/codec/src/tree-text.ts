import { types } from 'node:util'

/** The most objects and arrays in one tree: each is compared with all before it. From there on V8's serialiser is as fast. */
const mostContainers = 8
/** The most values in one tree, for the same reason: a long list of fractions it writes three times as fast. */
const mostValues = 32
/** The longest string in one tree, in units: what must be escaped is slow. */
const longestText = 1024

/** A JSON text, and whether some unit of it takes two bytes. */
export interface TreeText {
  readonly text: string
  readonly isWide: boolean
}

/**
 * A small tree of plain objects, arrays, strings, finite numbers, booleans and null as JSON; undefined for anything else, so
 * for all that JSON would change, and for a tree that has one object at two places, which a clone keeps.
 *
 * By hand and not by `JSON.stringify`: each property is read once and what was looked at is what is written, no `toJSON` is
 * called, and it takes less time than looking first and writing then.
 *
 * Invariant: `JSON.parse` of the text gives what `structuredClone` gives of the value.
 */
export function treeText(value: object): TreeText | undefined {
  const writer = new TreeWriter()
  const text = writer.container(value)
  return text === undefined ? undefined : { text, isWide: writer.isWide }
}

class TreeWriter {
  readonly #containers: object[] = []
  #values = 0
  isWide = false

  container(container: object): string | undefined {
    // The Proxy first: every other question would run a trap of the user's.
    if (types.isProxy(container) || (container as { toHandle?: unknown }).toHandle !== undefined) return undefined
    if (this.#containers.length === mostContainers || this.#containers.includes(container)) return undefined
    this.#containers.push(container)
    if (Array.isArray(container)) return this.#array(container)
    return Object.getPrototypeOf(container) === Object.prototype ? this.#object(container) : undefined
  }

  #object(object: object): string | undefined {
    const keys = Object.keys(object)
    if (keys.length > mostValues) return undefined
    if (keys.length === 0) return isBuiltIn(object) ? undefined : '{}'
    let text = ''
    for (const key of keys) {
      const item = this.#value((object as Record<string, unknown>)[key])
      if (item === undefined) return undefined
      text += this.#key(key) + item
    }
    return `{${text.slice(1)}}`
  }

  /** With the comma before it and the colon behind. */
  #key(key: string): string {
    const known = knownKeys.get(key)
    if (known !== undefined) return known
    const text = `,${this.#quoted(key)}:`
    // Not the wide ones: reading one here would not say that it is.
    if (key.length <= longestKnownKey && narrowText.test(key)) {
      if (knownKeys.size === mostKnownKeys) knownKeys.clear()
      knownKeys.set(key, text)
    }
    return text
  }

  #array(array: readonly unknown[]): string | undefined {
    const { length } = array
    if (length > mostValues) return undefined
    // More keys: it has named properties, which a clone takes. As many, with a gap: that reads as undefined.
    if (Object.keys(array).length !== length) return undefined
    let text = '['
    for (let index = 0; index < length; index += 1) {
      const item = this.#value(array[index])
      if (item === undefined) return undefined
      text += index === 0 ? item : `,${item}`
    }
    return `${text}]`
  }

  #value(value: unknown): string | undefined {
    this.#values += 1
    if (this.#values > mostValues) return undefined
    switch (typeof value) {
      case 'string':
        return value.length > longestText ? undefined : this.#quoted(value)
      case 'number':
        if (value === 0) return Object.is(value, -0) ? '-0' : '0'
        return Number.isFinite(value) ? `${value}` : undefined
      case 'boolean':
        return value ? 'true' : 'false'
      case 'object':
        return value === null ? 'null' : this.container(value)
      default:
        return undefined
    }
  }

  #quoted(text: string): string {
    if (narrowText.test(text)) return `"${text}"`
    if (wide.test(text)) this.isWide = true
    return JSON.stringify(text)
  }
}

/** Units that stand for themselves between quotes and take one byte: no control characters, no quote, no backslash. */
const narrowText = /^[ !#-[\]-\u00ff]*$/
const wide = /[\u0100-\uffff]/

/** The same few keys come again and again: their texts are kept. */
const knownKeys = new Map<string, string>()
const mostKnownKeys = 1000
const longestKnownKey = 64

/** Something that a clone takes for what it is, whatever prototype somebody gave it. Asked where there are no fields. */
function isBuiltIn(object: object): boolean {
  return (
    types.isMap(object) ||
    types.isSet(object) ||
    types.isDate(object) ||
    types.isRegExp(object) ||
    types.isNativeError(object) ||
    types.isBoxedPrimitive(object) ||
    types.isAnyArrayBuffer(object) ||
    ArrayBuffer.isView(object) ||
    types.isPromise(object) ||
    types.isWeakMap(object) ||
    types.isWeakSet(object)
  )
}

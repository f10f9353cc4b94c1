// Plain JavaScript: the fixtures load it too.
import { types } from 'node:util'
import { Box, Token } from './shared.js'

/**
 * All that can be seen of a value, as text, the same in every realm: each object is numbered where it is met first, so cycles,
 * shared parts, order of keys, gaps, -0 and the memory under a view all show. Stacks are left out.
 *
 * `views: 'apart'` leaves out which views share a buffer: bytes do not keep that.
 */
export function fingerprint(root, { views = 'together' } = {}) {
  const numbers = new Map()
  const lines = []
  const name = (value) => {
    if (typeof value === 'string') return JSON.stringify(value)
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value === 'function') return 'function'
    if (Object.is(value, -0)) return '-0'
    if (typeof value !== 'object' || value === null) return String(value)
    if (!numbers.has(value)) numbers.set(value, numbers.size)
    return `#${numbers.get(value)}`
  }
  const properties = (value, keys) => keys.map((key) => `${JSON.stringify(key)}:${name(value[key])}`).join(' ')
  const describe = (value) => {
    if (value instanceof Box) return `Box ${value.value}`
    if (value instanceof Token) return `Token ${value.id}`
    if (types.isNativeError(value)) {
      const keys = Object.getOwnPropertyNames(value).filter((key) => !['name', 'message', 'stack'].includes(key))
      return `Error ${name(value.name)} ${name(value.message)} {${properties(value, keys.sort())}}`
    }
    if (types.isMap(value)) return `Map {${[...value].map(([key, item]) => `${name(key)}=>${name(item)}`).join(' ')}}`
    if (types.isSet(value)) return `Set {${[...value].map(name).join(' ')}}`
    if (types.isDate(value)) return `Date ${value.getTime()}`
    if (types.isRegExp(value)) return `RegExp ${value.source} ${value.flags} ${value.lastIndex}`
    if (types.isBoxedPrimitive(value)) return `boxed ${typeof value.valueOf()} ${name(value.valueOf())}`
    if (types.isAnyArrayBuffer(value)) {
      const shared = types.isSharedArrayBuffer(value) ? 'Shared' : ''
      return `${shared}ArrayBuffer ${Buffer.from(value).toString('hex')}`
    }
    if (ArrayBuffer.isView(value)) {
      const tag = Object.prototype.toString.call(value)
      const { buffer, byteOffset, byteLength } = value
      if (views === 'together') return `${tag} ${byteOffset}+${byteLength} of ${name(buffer)}`
      return `${tag} ${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`
    }
    if (Array.isArray(value)) return `Array(${value.length}) {${properties(value, Object.keys(value))}}`
    const prototype = Object.getPrototypeOf(value)
    const plain = prototype !== null && Object.getPrototypeOf(prototype) === null
    const kind = prototype === null ? 'null' : plain ? 'object' : prototype.constructor.name
    return `${kind} {${properties(value, Object.keys(value))}}`
  }
  const top = name(root)
  // The map grows while it is walked: each line may number further objects.
  for (const [value, number] of numbers) lines.push(`#${number} ${describe(value)}`)
  return [top, ...lines].join('\n')
}

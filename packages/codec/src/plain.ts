import { classify } from './classify.js'
import type { Boundary } from './encoded.js'

/** Whether the value can go as it is: it holds nothing special and nothing that must be refused. */
export function isPlain(value: unknown, boundary: Boundary, seen?: Set<object>): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol'
  const category = classify(value, boundary)
  if (category === 'leaf') return true
  const visited = seen ?? new Set<object>()
  if (visited.has(value)) return true
  visited.add(value)
  switch (category) {
    case 'array':
      return isPlainArray(value as unknown[], boundary, visited)
    case 'object':
      for (const key of Object.keys(value))
        if (!isPlain((value as Record<string, unknown>)[key], boundary, visited)) return false
      return true
    // By the built-in iterators: a clone reads the entries themselves, not what a class makes of them.
    case 'map':
      for (const [key, item] of Map.prototype.entries.call(value))
        if (!isPlain(key, boundary, visited) || !isPlain(item, boundary, visited)) return false
      return true
    case 'set':
      for (const item of Set.prototype.values.call(value)) if (!isPlain(item, boundary, visited)) return false
      return true
    default:
      return false
  }
}

/**
 * Looks at the elements. Named properties of an array are not looked for: finding that there are none costs more than cloning
 * a long array does.
 */
function isPlainArray(array: readonly unknown[], boundary: Boundary, visited: Set<object>): boolean {
  for (let index = 0; index < array.length; index += 1) {
    const item = array[index]
    // By its keys from the first gap on: a sparse array may claim four thousand million places.
    if (item === undefined && !Object.hasOwn(array, index))
      return Object.keys(array).every((key) => isPlain(array[key as unknown as number], boundary, visited))
    if (!isPlain(item, boundary, visited)) return false
  }
  return true
}

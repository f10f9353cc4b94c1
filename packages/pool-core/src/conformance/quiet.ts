import { types } from 'node:util'

/**
 * The same object, but its promises and those of its iterators are no unhandled rejections when nobody takes them: a check that
 * has failed leaves some behind, which the end of the executor rejects.
 */
export function quiet<Target extends object>(target: Target): Target {
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        if (types.isPromise(result)) result.catch(() => undefined)
        return isIterator(result) ? quiet(result) : result
      }
    },
  })
}

function isIterator(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'next' in value
}

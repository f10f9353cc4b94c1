import { types } from 'node:util'
import { isRecord } from './classify.js'
import type { Encoded, ErrorRecord } from './encoded.js'
import { badHandle } from './errors.js'
import { openHandle } from './kinds.js'

/**
 * The value that was encoded, on the other side. Shared objects are opened in this thread; errors are of their built-in class
 * by name, else an Error with that name. Takes over the data it is given. Does not block.
 *
 * @throws TypeError `ERR_BAD_HANDLE`: it holds a shared object of a package that was not imported here; the message names it
 */
export function decodeValue(encoded: Encoded): unknown {
  const { value, specials } = encoded
  if (specials === undefined || specials.length === 0) return value
  const revived = new Map<object, object>()
  for (const special of specials)
    revived.set(special.hole, 'handle' in special ? openHandle(special.handle) : reviveError(special.error))
  const filler = new Filler(revived)
  for (const special of specials) {
    if ('handle' in special) continue
    const error = revived.get(special.hole)
    if (!error) throw badHandle('a message was damaged on its way: an error without its place')
    const { fields } = special.error
    for (const key of Object.keys(fields))
      Object.defineProperty(error, key, {
        value: filler.fill(fields[key]),
        configurable: true,
        enumerable: key !== 'cause' && key !== 'errors',
        writable: true,
      })
  }
  return filler.fill(value)
}

const errorClasses = new Map<string, new (message: string) => Error>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((errorClass) => [
    errorClass.name,
    errorClass,
  ]),
)

function reviveError({ name, message, stack }: ErrorRecord): Error {
  const errorClass = errorClasses.get(name)
  const error = name === 'AggregateError' ? new AggregateError([], message) : new (errorClass ?? Error)(message)
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  return error
}

/** Puts what was revived where its hole is. */
class Filler {
  readonly #revived: ReadonlyMap<object, object>
  readonly #visited = new Set<object>()

  constructor(revived: ReadonlyMap<object, object>) {
    this.#revived = revived
  }

  fill(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const revived = this.#revived.get(value)
    if (revived) return revived
    if (this.#visited.has(value)) return value
    this.#visited.add(value)
    if (types.isMap(value)) {
      const entries = [...value]
      value.clear()
      for (const [key, item] of entries) value.set(this.fill(key), this.fill(item))
    } else if (types.isSet(value)) {
      const items = [...value]
      value.clear()
      for (const item of items) value.add(this.fill(item))
    } else if (Array.isArray(value) || isRecord(value)) {
      const record = value as Record<string, unknown>
      for (const key of Object.keys(record)) {
        const item = record[key]
        if (typeof item !== 'object' || item === null) continue
        Object.defineProperty(record, key, {
          value: this.fill(item),
          configurable: true,
          enumerable: true,
          writable: true,
        })
      }
    }
    return value
  }
}

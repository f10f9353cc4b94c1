import { decodeValue, encodeThrown, encodeValue, fromBytes, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fingerprint } from './support/fingerprint.js'
import { Token } from './support/shared.js'

// Stacks are no subject here, and the test runner takes long to make them.
Error.stackTraceLimit = 0

const ways = [
  {
    name: 'encodeValue and decodeValue',
    views: 'together',
    convey: (value: unknown) => decodeValue(structuredClone(encodeValue(value, 'thread'))),
  },
  { name: 'toBytes and fromBytes', views: 'apart', convey: (value: unknown) => fromBytes(toBytes(value)) },
  {
    name: 'encodeThrown and decodeValue',
    views: 'together',
    convey: (value: unknown) => decodeValue(structuredClone(encodeThrown(value, 'thread'))),
  },
] as const

const plain = fc.anything({
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'hole', 'specials', 'value', '0')),
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
})

function cloneOf(value: unknown): { clone: unknown } | undefined {
  try {
    return { clone: structuredClone(value) }
  } catch {
    return undefined
  }
}

/** Errors and shared objects, few and made once a run, so that the same one comes up at several places. */
const special = fc.oneof(
  fc.string().map((id) => new Token(id)),
  fc
    .record({
      name: fc.constantFrom('Error', 'TypeError', 'RangeError', 'HttpError', 'constructor', ''),
      message: fc.string(),
      fields: fc.dictionary(fc.constantFrom('code', 'status', 'detail', 'cause', 'list', '__proto__'), plain),
    })
    .map(({ name, message, fields }) => {
      const error = name === 'TypeError' ? new TypeError(message) : new Error(message)
      if (error.name !== name) Object.defineProperty(error, 'name', { value: name })
      for (const [key, value] of Object.entries(fields))
        Object.defineProperty(error, key, { value: cloneOf(value)?.clone, enumerable: key !== 'cause' })
      return error
    }),
)

/** Plain containers around plain values and special ones, from a pool of both: parts come up more than once. */
const mixed = fc
  .tuple(fc.array(special, { minLength: 1, maxLength: 4 }), fc.array(plain, { maxLength: 3 }))
  .chain(([specials, plains]) => {
    const clones = plains.map((value) => cloneOf(value)?.clone)
    return fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(...specials, ...clones),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('tree'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
        fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map((entries) => new Map(entries)),
        fc.array(tie('tree'), { maxLength: 3 }).map((members) => new Set(members)),
      ),
    })).tree
  })

describe.each(ways)('$name', ({ views, convey }) => {
  test('give what structuredClone gives, of any value that it takes', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const cloned = cloneOf(value)
        fc.pre(cloned !== undefined)
        expect(fingerprint(convey(value), { views })).toBe(fingerprint(cloned?.clone, { views }))
      }),
      { numRuns: 120 },
    )
  })

  test('give special objects anywhere in a value as themselves, and everything around them as it was', () => {
    fc.assert(
      fc.property(mixed, (value) => {
        const before = fingerprint(value, { views })
        expect(fingerprint(convey(value), { views })).toBe(before)
        expect(fingerprint(value, { views })).toBe(before)
      }),
      { numRuns: 120 },
    )
  })
})

test('what is encoded twice gives the same twice', () => {
  fc.assert(
    fc.property(mixed, (value) => {
      const there = decodeValue(structuredClone(encodeValue(value, 'thread')))
      const back = decodeValue(structuredClone(encodeValue(there, 'thread')))
      expect(fingerprint(back)).toBe(fingerprint(value))
    }),
    { numRuns: 100 },
  )
})

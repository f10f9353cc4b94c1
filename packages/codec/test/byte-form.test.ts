import { serialize } from 'node:v8'
import { fromBytes, NotCloneableError, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fingerprint } from './support/fingerprint.js'
import { Token } from './support/shared.js'

// Stacks are no subject here, and the test runner takes long to make them.
Error.stackTraceLimit = 0

const apart = { views: 'apart' } as const

/** What arrives of a value when it takes the way that every value can take. */
function byV8(value: unknown): string {
  return fingerprint(fromBytes(serialize({ value })), apart)
}

function arriving(value: unknown): string {
  return fingerprint(fromBytes(toBytes(value)), apart)
}

function prototypeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : typeof value
}

const shared = { a: 1 }
const cycle: Record<string, unknown> = { a: 1 }
cycle.self = cycle
const v8Form = 0xff
const jsonForms = [0x0a, 0x0b]
const recordForm = 0x0c

describe('a value with a form of its own', () => {
  test.each([
    ['undefined', undefined, 0x01, 1],
    ['null', null, 0x02, 1],
    ['false', false, 0x03, 1],
    ['true', true, 0x04, 1],
    ['zero', 0, 0x05, 5],
    ['the least whole number of 32 bits', -(2 ** 31), 0x05, 5],
    ['the greatest whole number of 32 bits', 2 ** 31 - 1, 0x05, 5],
    ['the next one', 2 ** 31, 0x06, 9],
    ['-0', -0, 0x06, 9],
    ['NaN', Number.NaN, 0x06, 9],
    ['a fraction', 3.14, 0x06, 9],
    ['infinity', Number.NEGATIVE_INFINITY, 0x06, 9],
    ['the least bigint of 64 bits', -(2n ** 63n), 0x07, 9],
    ['the greatest bigint of 64 bits', 2n ** 63n - 1n, 0x07, 9],
    ['an empty string', '', 0x08, 1],
    ['a string of units below 256', 'na\u00efve\u00ff\0', 0x08, 8],
    ['a long string', 'x'.repeat(100_000), 0x08, 100_001],
    ['a string with a greater unit', '\u0100', 0x09, 3],
    ['a lone surrogate', 'a\ud800', 0x09, 5],
    ['an emoji', '\u{1f422}', 0x09, 5],
    ['a list', [1, 'a', [true]], 0x0a, 15],
    ['an empty object', {}, 0x0a, 3],
    ['a list with a wide string', ['\u0100'], 0x0b, 11],
    ['a small object', { a: 1 }, 0x0c, 6],
    ['an object with a wide string', { a: '\u0100' }, 0x0c, 9],
    ['an object with what JSON has not', { a: undefined, b: -0, c: Number.NaN, d: 5n }, 0x0c, 39],
    ['an object of objects and lists', { a: { b: [1, [null]] }, c: {} }, 0x0a, 30],
    ['a Uint8Array', Uint8Array.of(1, 2), 0x10, 3],
    ['a Buffer', Buffer.from('abc'), 0x11, 4],
    ['an ArrayBuffer', new ArrayBuffer(8), 0x12, 9],
    ['a DataView', new DataView(new ArrayBuffer(8), 1, 3), 0x13, 4],
    ['an Int8Array', Int8Array.of(-1), 0x14, 2],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(255), 0x15, 2],
    ['an Int16Array', Int16Array.of(-1), 0x16, 3],
    ['a Uint16Array', Uint16Array.of(1), 0x17, 3],
    ['an Int32Array', Int32Array.of(-1, 1), 0x18, 9],
    ['a Uint32Array', Uint32Array.of(1), 0x19, 5],
    ['a Float32Array', Float32Array.of(-0), 0x1a, 5],
    ['a Float64Array', Float64Array.of(Number.NaN, 0.1), 0x1b, 17],
    ['a BigInt64Array', BigInt64Array.of(-1n), 0x1c, 9],
    ['a BigUint64Array', BigUint64Array.of(1n), 0x1d, 9],
  ])('%s takes its tag and as many bytes as it says, and arrives as by the other way', (_name, value, tag, size) => {
    const bytes = toBytes(value)
    expect(bytes[0]).toBe(tag)
    expect(bytes.byteLength).toBe(size)
    expect(arriving(value)).toBe(byV8(value))
    expect(prototypeOf(fromBytes(bytes))).toBe(prototypeOf(value))
  })

  test.each([
    ['a tree with a shared part', [shared, shared]],
    ['a cycle', Object.assign([1], { 0: shared, 1: [shared] })],
    ['a field that is undefined, beside a long text', { a: undefined, b: 'x'.repeat(256) }],
    ['an object with a part at two places', { a: shared, b: shared }],
    ['an object that holds itself', cycle],
    ['an object with a gap in a list', { list: Object.assign([1], { 2: 3 }) }],
    ['an object with a gap and a named property in a list', { list: Object.assign([], { 1: 1, a: 1 }) }],
    ['an object with a bigint above 64 bits', { a: 2n ** 63n }],
    ['an object with a Date', { a: 1, when: new Date(5) }],
    ['an Int16Array that was made to look like bytes', Object.setPrototypeOf(Int16Array.of(1), Uint8Array.prototype)],
    [
      'an ArrayBuffer that was made to look like an object',
      Object.assign(Object.setPrototypeOf(new ArrayBuffer(2), Object.prototype), { a: 1 }),
    ],
    ['a list with undefined', [undefined]],
    ['a gap', Object.assign([1], { 2: 3 })],
    ['a list with a named property', Object.assign([1], { index: 0 })],
    ['a list with a gap and a named property', Object.assign([], { 1: 1, a: 1 })],
    ['NaN in a list', [Number.NaN]],
    ['a bigint in a list', [1n]],
    ['a bigint above 64 bits', 2n ** 63n],
    ['a bigint below 64 bits', -(2n ** 63n) - 1n],
    ['a Map in an object', { map: new Map([[1, 2]]) }],
    ['a Date', new Date(5)],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an object that inherits', Object.create({ a: 1 })],
    ['a Map that was made to look like an object', Object.setPrototypeOf(new Map([[1, 2]]), Object.prototype)],
    ['a Date that was made to look like an object', Object.setPrototypeOf(new Date(5), Object.prototype)],
    ['an instance of a class of bytes', new (class extends Uint8Array {})(2)],
    ['an empty view', new Float64Array(0)],
    ['an empty Buffer', Buffer.alloc(0)],
    ['a growing buffer', new ArrayBuffer(4, { maxByteLength: 8 })],
    ['a list of 33', Array.from({ length: 33 }, () => 0)],
    ['a record of 33', Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, index]))],
    ['a list of 9 objects', Array.from({ length: 9 }, () => ({}))],
    ['a tree with a long string', ['x'.repeat(1025)]],
  ])('%s goes by V8, and arrives as it would', (_name, value) => {
    expect(toBytes(value)[0]).toBe(v8Form)
    expect(arriving(value)).toBe(byV8(value))
  })
})

/** Keys and texts that one form or another would change. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\ud800',
    '\udc00\ud800',
    '"',
    '\\',
    '\u2028',
    '\x7f',
    '\u00ff',
    '\0',
    '\n',
    'żółw',
    'x'.repeat(40),
  ),
)
const key = fc.oneof(
  text,
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'length', '0', '10', '2', '-1', '01', '4294967295', 'toHandle'),
)
const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, 0, Number.NaN, Number.POSITIVE_INFINITY, 1e21, 5e-324, 2 ** 53, 0.1),
)
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: leaf, weight: 3 },
    { arbitrary: fc.array(tie('tree'), { maxLength: 4 }), weight: 1 },
    { arbitrary: fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map(objectOf), weight: 2 },
  ),
}))

/** With a key `__proto__` as a key, and the keys in the order in which they come. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [name, value] of entries)
    Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
  return object
}

test('whatever form a tree takes, it arrives as by V8 and as structuredClone makes it', () => {
  let asJson = 0
  let asRecord = 0
  const arrives = fc.property(tree, (value) => {
    const tag = toBytes(value)[0] as number
    if (jsonForms.includes(tag)) asJson += 1
    if (tag === recordForm) asRecord += 1
    const arrived = arriving(value)
    expect(arrived).toBe(byV8(value))
    expect(arrived).toBe(fingerprint(structuredClone(value), apart))
  })
  fc.assert(arrives, { numRuns: 600 })
  // By many runs some 170 and some 40: far enough from the bound that chance does not come there.
  expect(asJson).toBeGreaterThan(5)
  expect(asRecord).toBeGreaterThan(5)
})

test('any string arrives, unit by unit', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  const narrow = fc.array(fc.integer({ min: 0, max: 0xff }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.oneof(units, narrow), (codes) => {
      const string = String.fromCharCode(...codes)
      expect(fromBytes(toBytes(string))).toBe(string)
      expect(fromBytes(toBytes([string, { [string]: string }]))).toEqual([string, { [string]: string }])
    }),
    { numRuns: 300 },
  )
})

test('any number arrives bit by bit', () => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger())
  fc.assert(
    fc.property(number, (value) => {
      expect(fromBytes(toBytes(value))).toBe(value)
      expect(fromBytes(toBytes([value]))).toEqual([value])
    }),
    { numRuns: 300 },
  )
})

test('what a Date or a class says about itself as JSON is not asked for', () => {
  const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'asked' })
  expect(fromBytes(toBytes([hidden, new Date(5)]))).toEqual([{ a: 1 }, new Date(5)])
  expect(fromBytes(toBytes({ hidden }))).toEqual({ hidden: { a: 1 } })
})

test('a getter of a small tree is read once', () => {
  let reads = 0
  const value = {
    get next() {
      reads += 1
      return reads === 1 ? reads : () => reads
    },
  }
  expect(fromBytes(toBytes(value))).toEqual({ next: 1 })
  expect(reads).toBe(1)
})

test('a shared object crosses as its handle, whatever it looks like', () => {
  const toHandle = () => ({ kind: 'codec-test/Token', version: 1, id: 't' })
  const disguises = [
    new Token('t'),
    Object.defineProperty({ a: 1 }, 'toHandle', { value: toHandle }),
    Object.defineProperty([1], 'toHandle', { value: toHandle }),
    Object.assign(Uint8Array.of(1), { toHandle }),
    Object.assign(new ArrayBuffer(1), { toHandle }),
  ]
  for (const value of disguises) {
    expect(arriving(value)).toBe(fingerprint(new Token('t')))
    expect(arriving({ value })).toBe(fingerprint({ value: new Token('t') }))
  }
})

test('a Proxy is refused without running a trap', () => {
  const hostile = (): never => {
    throw new Error('a trap was run')
  }
  const traps = { get: hostile, getPrototypeOf: hostile, has: hostile, ownKeys: hostile }
  for (const value of [new Proxy({}, traps), new Proxy([], traps), new Proxy(new Uint8Array(1), traps)]) {
    expect(() => toBytes(value)).toThrow(NotCloneableError)
    expect(() => toBytes([{ value }])).toThrow(expect.objectContaining({ path: '[0].value' }))
  }
})

test('what cannot be sent in a named property of an array is refused with its path', () => {
  const refused = (path: string) => expect.objectContaining({ code: 'ERR_NOT_CLONEABLE', path })
  expect(() => toBytes(Object.assign([1], { onDone: () => {} }))).toThrow(refused('.onDone'))
  expect(() => toBytes({ list: Object.assign([], { id: Symbol('s') }) })).toThrow(refused('.list.id'))
})

test.each([
  ['a tag without a meaning', [0x0d]],
  ['a record of nothing', [0x0c]],
  ['a tag that is free', [0x1e, 1]],
  ['zeros', [0, 0, 0, 0, 0]],
  ['null with a byte too many', [0x02, 0]],
  ['a whole number with a byte too few', [0x05, 1, 2, 3]],
  ['a fraction with a byte too many', [0x06, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ['half a unit', [0x09, 1, 2, 3]],
  ['half a unit of JSON', [0x0b, 0x31, 0, 0x31]],
  ['JSON that is cut off', [0x0a, 0x5b]],
  ['no JSON', [0x0a]],
  ['half an element', [0x16, 1, 2, 3]],
  ['a view of nothing, which takes another form', [0x10]],
])('%s is refused with ERR_INVALID_ARG', (_name, bytes) => {
  expect(() => fromBytes(Uint8Array.from(bytes))).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' }),
  )
})

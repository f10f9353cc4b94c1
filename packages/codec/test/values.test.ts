import { type Encoded, encodeValue } from '@heddle/codec'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fingerprint } from './support/fingerprint.js'
import { OtherSide, sameThread } from './support/routes.js'

const worker = OtherSide.worker()
const child = OtherSide.child()
afterAll(() => Promise.all([worker.close(), child.close()]))

const routes = [...sameThread, worker, child]

/** An object with own data under keys that mean something to the language. */
function oddlyKeyed(): object {
  const odd = { constructor: { prototype: { polluted: 1 } }, toString: 1, hasOwnProperty: null, '': 2, 'a b': 3, 1: 4 }
  return Object.defineProperty(odd, '__proto__', { value: { polluted: 2 }, enumerable: true })
}

function withCycles(): object {
  const shared = { name: 'shared' }
  const root = { left: shared, right: shared, list: [shared], map: new Map(), set: new Set() }
  root.map.set(root, root.set).set('map', root.map)
  root.set.add(root).add(root.map)
  return Object.assign(root, { self: root })
}

function viewsOfOneBuffer(): object {
  const buffer = new ArrayBuffer(32)
  new Uint8Array(buffer).fill(7)
  return [
    new Float64Array(buffer, 8, 2),
    new Uint8Array(buffer, 3, 5),
    new DataView(buffer, 1, 4),
    new Int16Array(buffer),
  ]
}

class Account {
  readonly #secret = 1
  readonly owner = 'Ada'
  readonly nested = new (class Address {
    readonly town = 'London'
  })()
  get balance(): number {
    return this.#secret
  }
}

class Tagged {
  readonly field = [1]
  get [Symbol.toStringTag](): string {
    return 'Tagged'
  }
}

/** A Map that does not show its entries to those who ask politely. */
class Closed extends Map<string, number> {
  override *[Symbol.iterator](): MapIterator<[string, number]> {}
  override *entries(): MapIterator<[string, number]> {}
}

const values: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['booleans', () => [true, false]],
  ['numbers', () => [0, -0, Number.NaN, Number.POSITIVE_INFINITY, -1.5, 2 ** 53, Number.MIN_VALUE]],
  ['-0 alone', () => -0],
  ['NaN alone', () => Number.NaN],
  ['big integers', () => [0n, -1n, 2n ** 200n, -(2n ** 64n)]],
  ['strings', () => ['', 'żółw', '\u{1f422}', '\ud800', '\0', 'x'.repeat(10_000)]],
  ['boxed primitives', () => [Object(1), Object('s'), Object(true), Object(5n)]],
  ['dates', () => [new Date(0), new Date(Number.NaN)]],
  ['regular expressions', () => [/a\/b/giu, Object.assign(/x/g, { lastIndex: 3 })]],
  ['an array with gaps', () => Object.assign([1], { 2: undefined, 4: 2 })],
  ['an array of 4294967295 places, one taken', () => Object.assign([], { 4294967294: 'last' })],
  ['an array of gaps alone', () => Object.assign([], { length: 5 })],
  ['an array with named properties', () => Object.assign([1, 2], { index: 3, 'a b': 4 })],
  ['the result of a regular expression', () => /(?<year>\d+)/.exec('in 1843')],
  [
    'an array with a key __proto__',
    () => Object.defineProperty([1], '__proto__', { value: { a: 1 }, enumerable: true }),
  ],
  [
    'maps with special keys',
    () =>
      new Map<unknown, unknown>([
        [Number.NaN, 1],
        [0, 2],
        [undefined, 3],
        [null, 4],
        ['__proto__', 5],
      ]),
  ],
  ['maps with objects as keys', () => new Map([[{ a: 1 }, new Map([[[1], new Set([2])]])]])],
  ['sets with special members', () => new Set<unknown>([Number.NaN, undefined, null, 0, '', 0n, {}, []])],
  ['a map that hides its entries', () => new Closed([['a', 1]])],
  ['views of one buffer', viewsOfOneBuffer],
  [
    'every typed array',
    () => [
      new Int8Array(3),
      new Uint8ClampedArray(1),
      new Int32Array(2),
      new BigInt64Array([-1n]),
      new Float32Array([-0, Number.NaN]),
    ],
  ],
  ['an array buffer', () => Uint8Array.of(1, 2, 3).buffer],
  ['empty buffers and views', () => [new ArrayBuffer(0), new Uint8Array(0), new DataView(new ArrayBuffer(0))]],
  ['cycles and shared parts', withCycles],
  ['odd keys', oddlyKeyed],
  ['instances of classes', () => [new Account(), new Account()]],
  ['an instance of a class with a tag of its own', () => new Tagged()],
  ['objects without a prototype', () => Object.assign(Object.create(null), { a: Object.create(null) })],
  ['symbols as keys, which no clone takes', () => ({ [Symbol('s')]: 1, seen: 2 })],
  ['hidden properties, which no clone takes', () => Object.defineProperty({ seen: 2 }, 'hidden', { value: 1 })],
  [
    'getters, which are read',
    () => ({
      get now() {
        return [1]
      },
    }),
  ],
]

describe.each(routes)('over $name', (route) => {
  test.each(values)('%s arrive as the structured clone makes them', async (_name, make) => {
    const expected = structuredClone(make())
    const { value, seen, facts } = await route.send(make())
    const views = { views: route.views }
    expect(seen).toBe(fingerprint(expected, views))
    expect(fingerprint(value, views)).toBe(fingerprint(expected, views))
    expect(facts.polluted).toBe(false)
  })

  test.each(values)('%s arrive the same beside something special', async (_name, make) => {
    const special = new TypeError('beside')
    const expected = fingerprint([structuredClone(make()), special], { views: route.views })
    const { value, seen } = await route.send([make(), special])
    expect(seen).toBe(expected)
    expect(fingerprint(value, { views: route.views })).toBe(expected)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})

test.each(values)('%s are handed over without a copy', (_name, make) => {
  const value = make()
  const encoded = encodeValue(value, 'thread')
  expect(Object.is(encoded.value, value)).toBe(true)
  expect(encoded).not.toHaveProperty('specials')
})

test('a value with something special in it is left as it was, and shares no container with the message', () => {
  const inner = { list: [1], error: new Error('x') }
  const outer = new Map<string, unknown>([['inner', inner]])
  const before = fingerprint(outer)
  const { value } = encodeValue(outer, 'thread') as { value: Map<string, typeof inner> }
  expect(fingerprint(outer)).toBe(before)
  expect(value).not.toBe(outer)
  expect(value.get('inner')).not.toBe(inner)
  expect(value.get('inner')?.list).not.toBe(inner.list)
})

test('a frozen value travels, and arrives unfrozen', async () => {
  const { value } = await worker.send(Object.freeze([Object.freeze({ error: Object.freeze(new Error('cold')) })]))
  expect(Object.isFrozen(value)).toBe(false)
  expect(value).toMatchObject([{ error: { message: 'cold' } }])
})

test('what a getter throws comes out of the call', () => {
  const failure = new Error('getter')
  const value = {
    get broken(): never {
      throw failure
    },
  }
  expect(() => encodeValue(value, 'thread')).toThrow(failure)
  expect(() => encodeValue([value, new Error('special')], 'thread')).toThrow(failure)
})

test.each([
  ['objects', (inner: unknown) => ({ inner })],
  ['arrays', (inner: unknown) => [inner]],
  ['maps', (inner: unknown) => new Map([[inner, 1]])],
  ['causes of errors', (cause: unknown) => new Error('outer', { cause })],
])('%s nested 50,000 deep end in a RangeError and not in a crash', (_name, wrap) => {
  let deep: unknown = new Error('innermost')
  for (let depth = 0; depth < 50_000; depth += 1) deep = wrap(deep)
  expect(() => encodeValue(deep, 'thread')).toThrow(RangeError)
})

test('objects nested 500 deep around an error arrive whole', async () => {
  let deep: unknown = new RangeError('innermost')
  for (let depth = 0; depth < 500; depth += 1) deep = [deep]
  const { value } = await worker.send(deep)
  expect(fingerprint(value)).toBe(fingerprint(deep))
})

test("data that looks like an encoded value stays the user's own", async () => {
  const hole = {}
  const looksEncoded: Encoded & { again?: unknown } = {
    value: [hole, {}],
    specials: [
      { hole, error: { name: 'TypeError', message: 'm', stack: '', fields: {} } },
      { hole: {}, handle: { kind: 'codec-test/Token' } },
    ],
  }
  for (const route of routes) {
    const plain = await route.send(looksEncoded)
    expect(fingerprint(plain.value)).toBe(fingerprint(looksEncoded))
    const beside = { ...looksEncoded, again: new Error('special') }
    const { value } = await route.send(beside)
    expect(fingerprint(value)).toBe(fingerprint(beside))
  }
})

test('empty objects beside special ones stay empty objects', async () => {
  const empty = {}
  const value = [empty, new Error('a'), empty, {}, new Error('b'), new Map([[empty, {}]])]
  for (const route of routes) expect((await route.send(value)).seen).toBe(fingerprint(value))
})

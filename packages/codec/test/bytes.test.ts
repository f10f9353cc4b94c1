import { deserialize, serialize } from 'node:v8'
import { fromBytes, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fingerprint } from './support/fingerprint.js'
import { Token } from './support/shared.js'

const badBytes = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })

/** What reading the bytes ends with: the code of an error, or that there was a value. */
function outcomeOf(bytes: Uint8Array): unknown {
  try {
    fromBytes(bytes)
    return 'a value'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

/** Reads bytes that may be anything. Fails unless they give a value or an error with one of the codes that were promised. */
function readAnything(bytes: Uint8Array): void {
  expect(['a value', 'ERR_INVALID_ARG', 'ERR_BAD_HANDLE']).toContain(outcomeOf(bytes))
}

function sample(): unknown {
  const error = Object.assign(new AggregateError([new TypeError('a'), 5], 'm', { cause: new RangeError('c') }), {
    code: 'E',
  })
  const buffer = new ArrayBuffer(64)
  const views = [
    new Float64Array(buffer),
    new Uint8Array(buffer, 3, 5),
    new DataView(buffer, 1, 2),
    Buffer.from('hello'),
  ]
  const map = new Map<unknown, unknown>([
    [1, new Token('t')],
    [{}, new Set([1n, 'x'])],
  ])
  return {
    error,
    views,
    map,
    self: error,
    date: new Date(5),
    regExp: /a/gi,
    gaps: Object.assign([1], { 2: 2 }),
    text: 'żółw',
    boxed: Object(1),
  }
}

const good = toBytes(sample())

test('bytes give back what was put in', () => {
  const apart = { views: 'apart' } as const
  expect(fingerprint(fromBytes(good), apart)).toBe(fingerprint(sample(), apart))
})

test('bytes are plain bytes that a file can keep', () => {
  expect(good).toBeInstanceOf(Buffer)
  expect(fingerprint(fromBytes(Uint8Array.from(good)), { views: 'apart' })).toBe(
    fingerprint(fromBytes(good), { views: 'apart' }),
  )
})

test('bytes are read from wherever they lie, also in memory that threads share', () => {
  const bytes = toBytes([new Token('t'), new Float64Array([1.5]), new Uint8Array([1, 2, 3])])
  for (const memory of [new ArrayBuffer(bytes.length + 64), new SharedArrayBuffer(bytes.length + 64)]) {
    for (let offset = 0; offset < 9; offset += 1) {
      const place = new Uint8Array(memory, offset, bytes.length)
      place.set(bytes)
      const value = fromBytes(place) as [Token, Float64Array, Uint8Array]
      place.fill(255)
      expect(fingerprint(value)).toBe(fingerprint([new Token('t'), new Float64Array([1.5]), new Uint8Array([1, 2, 3])]))
    }
  }
})

test('what is read shares no memory with the bytes, nor with a second reading', () => {
  const bytes = toBytes([new Uint8Array([1, 2, 3]), Buffer.from('abc'), new DataView(new ArrayBuffer(2))])
  const first = fromBytes(bytes) as [Uint8Array, Buffer, DataView]
  const second = fromBytes(bytes) as [Uint8Array, Buffer, DataView]
  for (const view of first) expect(view.buffer.byteLength).toBe(view.byteLength)
  first[0].fill(9)
  first[1].fill(9)
  first[2].setInt16(0, 999)
  expect(second).toEqual([new Uint8Array([1, 2, 3]), Buffer.from('abc'), new DataView(new ArrayBuffer(2))])
  expect(fromBytes(bytes)).toEqual(second)
})

test('a view takes only the bytes it shows', () => {
  const secrets = Buffer.from('seen, and a secret')
  expect(Buffer.from(toBytes(secrets.subarray(0, 4))).includes('secret')).toBe(false)
})

test('a Buffer arrives as a Buffer', () => {
  const value = fromBytes(toBytes(Buffer.from('abc')))
  expect(Buffer.isBuffer(value)).toBe(true)
  expect(String(value)).toBe('abc')
})

test('what the bytes are read from is left as it was', () => {
  const bytes = Uint8Array.from(good)
  fromBytes(bytes)
  expect(Buffer.compare(bytes, good)).toBe(0)
})

describe('refused with ERR_INVALID_ARG', () => {
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['one byte', Uint8Array.of(255)],
    ['a header alone', Uint8Array.of(255, 15)],
    ['zeros', new Uint8Array(100)],
    ['text', Buffer.from('{"value":1}')],
    ['a newer format', Uint8Array.of(255, 200, ...good.subarray(2))],
    ['a value of the serialiser that was never encoded', serialize([1])],
    ['null', serialize(null)],
    ['an object without a value', serialize({ specials: [] })],
    ['a map that holds a value', serialize(new Map([['value', 1]]))],
    ['a list that holds a value', serialize(Object.assign([], { value: 1 }))],
  ])('%s', (_name, bytes) => {
    expect(() => fromBytes(bytes)).toThrow(badBytes)
  })

  test.each([[undefined], [null], ['text'], [7], [{}], [[1, 2]], [new ArrayBuffer(8)]])(
    '%p, which is no bytes',
    (bytes) => {
      expect(() => fromBytes(bytes as unknown as Uint8Array)).toThrow(badBytes)
    },
  )

  test('bytes that were transferred away', () => {
    const bytes = Uint8Array.from(good)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    expect(() => fromBytes(bytes)).toThrow(badBytes)
  })

  test('bytes that nest deeper than the stack', () => {
    const depth = 200_000
    const open = Buffer.alloc(depth * 2, Buffer.from([0x41, 0x01]))
    expect(() => fromBytes(Buffer.concat([Uint8Array.of(255, 15), open]))).toThrow(badBytes)
  })

  test('every beginning of good bytes', () => {
    for (let length = 0; length < good.length; length += 1)
      expect(outcomeOf(good.subarray(0, length))).toBe('ERR_INVALID_ARG')
  })

  const hole = {}
  const error = { name: 'Error', message: '', stack: '', fields: {} }
  test.each([
    ['no list', 5],
    ['null', null],
    ['a list of nothing', [null]],
    ['a list of gaps', Object.assign([], { length: 4_294_967_295 })],
    ['a list with a gap', Object.assign([], { 1: { hole, error } })],
    ['no hole', [{ error }]],
    ['a number for a hole', [{ hole: 1, error }]],
    [
      'one hole for two',
      [
        { hole, error },
        { hole, handle: { kind: 'codec-test/Token', id: 't' } },
      ],
    ],
    ['nothing for the hole', [{ hole }]],
    ['no error', [{ hole, error: null }]],
    ['an error without fields', [{ hole, error: { ...error, fields: undefined } }]],
    ['an error with a list of fields', [{ hole, error: { ...error, fields: [] } }]],
    ['an error with an object for a name', [{ hole, error: { ...error, name: { toString: 1 } } }]],
    ['an error with an object for a message', [{ hole, error: { ...error, message: { toString: 1 } } }]],
    ['an error with a number for a stack', [{ hole, error: { ...error, stack: 5 } }]],
    ['an error and a handle at once', [{ hole, error, handle: { kind: 'codec-test/Token', id: 't' } }]],
    ['no handle', [{ hole, handle: undefined }]],
    ['a handle without a kind', [{ hole, handle: {} }]],
    ['a handle with an object for a kind', [{ hole, handle: { kind: { toString: 1 } } }]],
    ['a map for a handle', [{ hole, handle: new Map([['kind', 'x']]) }]],
  ])('a list of special parts that is %s', (_name, specials) => {
    expect(() => fromBytes(serialize({ value: hole, specials }))).toThrow(badBytes)
  })
})

test('crafted bytes reach no prototype and no class', () => {
  const own = (key: string, value: unknown) => Object.defineProperty({}, key, { value, enumerable: true })
  const hole = {}
  const fields = own('__proto__', { polluted: 1 })
  const crafted = {
    value: [hole, own('__proto__', { polluted: 1 })],
    specials: [{ hole, error: { name: '__proto__', message: 'm', stack: undefined, fields } }],
  }
  const [error, object] = fromBytes(serialize(crafted)) as [Error, object]
  expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
  expect(error).not.toHaveProperty('polluted')
  expect(object).not.toHaveProperty('polluted')
  expect({}).not.toHaveProperty('polluted')
})

test('a special part without a place changes nothing', () => {
  const crafted = {
    value: [1, {}],
    specials: [{ hole: {}, error: { name: 'Error', message: '', stack: '', fields: {} } }],
  }
  expect(fromBytes(serialize(crafted))).toEqual([1, {}])
})

const byte = fc.integer({ min: 0, max: 255 })

test('any bytes give a value or an error with a code', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readAnything), { numRuns: 200 })
  const headed = fc.uint8Array({ maxLength: 64 }).map((tail) => Uint8Array.of(255, 15, ...tail))
  fc.assert(fc.property(headed, readAnything), { numRuns: 400 })
})

test('good bytes with some changed, left out or put in give a value or an error with a code', () => {
  const change = fc.record({
    at: fc.nat({ max: good.length - 1 }),
    remove: fc.nat({ max: 2 }),
    insert: fc.array(byte, { maxLength: 2 }),
  })
  const damaged = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const bytes = [...good]
    for (const { at, remove, insert } of changes) bytes.splice(at, remove, ...insert)
    return Uint8Array.from(bytes)
  })
  fc.assert(fc.property(damaged, readAnything), { numRuns: 400 })
})

test('any value that somebody serialised gives a value or an error with a code', () => {
  const anything = fc.anything({ withMap: true, withSet: true, withSparseArray: true, withNullPrototype: true })
  const hole = {}
  const error = fc.record(
    { name: anything, message: anything, stack: anything, fields: anything },
    { requiredKeys: [] },
  )
  const handle = fc.record(
    { kind: fc.oneof(anything, fc.constant('codec-test/Token')), id: anything },
    { requiredKeys: [] },
  )
  const special = fc.record({ hole: fc.oneof(fc.constant(hole), anything), error, handle }, { requiredKeys: [] })
  const encoded = fc.record({
    value: fc.oneof(fc.constant([hole]), anything),
    specials: fc.oneof(anything, fc.array(special)),
  })
  const reading = fc.property(encoded, (data) => readAnything(serialize(data)))
  expect(() => fc.assert(reading, { numRuns: 300 })).not.toThrow()
})

test('bytes with more behind them are read to the end of the value', () => {
  const longer = Buffer.concat([good, Buffer.from('more')])
  expect(fingerprint(fromBytes(longer), { views: 'apart' })).toBe(fingerprint(sample(), { views: 'apart' }))
  expect(deserialize(longer)).toBeDefined()
})

import { once } from 'node:events'
import { serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { CorruptError, encodeBytes, fromBytes, readBytes, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fingerprint } from './support/fingerprint.js'
import { Token } from './support/shared.js'

// Stacks are no subject here, and the test runner takes long to make them.
Error.stackTraceLimit = 0

const apart = { views: 'apart' } as const
const corrupt = expect.objectContaining({ name: 'CorruptError', code: 'ERR_CORRUPT' })

/** At least one value of each form. */
const values: readonly unknown[] = [
  undefined,
  true,
  42,
  3.14,
  -5n,
  'hello',
  'hello, all of you out there',
  'żółw',
  'żółw, który siedzi na kamieniu',
  { id: 123456, op: 'set', value: 1.5 },
  // The same keys but for one, as long and with the same check sum.
  { id: 123456, op: 'set', vamVe: 2.5 },
  { at: { x: -1, y: 1e9, name: 'żółw' }, tags: ['a', null, -0, 5n], text: 'x'.repeat(70) },
  { long: 'y'.repeat(200), list: Array.from({ length: 20 }, (_, index) => index / 3) },
  [1, [2, { a: 'ż' }]],
  Uint8Array.of(1, 2, 3),
  Buffer.from('abc'),
  Uint8Array.of(1, 2, 3).buffer,
  new DataView(new ArrayBuffer(5)),
  Int16Array.of(-1, 5),
  Float64Array.of(0.1, -0),
  BigUint64Array.of(7n),
  new Map<unknown, unknown>([[1, { a: new Date(5) }]]),
  new RangeError('r', { cause: [Float32Array.of(1.5)] }),
]
const withHandles = [...values, new Token('t'), [new Token('a'), new Token('b')]]

describe.each([
  ['of this thread', (size: number) => new ArrayBuffer(size)],
  ['that threads share', (size: number) => new SharedArrayBuffer(size)],
])('in memory %s', (_name, make) => {
  test('a value is written and read at any alignment, and no byte beside it changes', () => {
    for (const value of withHandles) {
      const encoded = encodeBytes(value)
      const { byteLength } = encoded
      for (let offset = 0; offset < 16; offset += 1) {
        const target = new Uint8Array(make(byteLength + 32), 3, byteLength + 20).fill(0xee)
        encoded.writeTo(target, offset)
        expect(Buffer.compare(target.subarray(offset, offset + byteLength), toBytes(value))).toBe(0)
        const beside = [...target.subarray(0, offset), ...target.subarray(offset + byteLength)]
        expect(beside).toEqual(beside.map(() => 0xee))
        const back = readBytes(target, offset, byteLength)
        target.fill(0)
        expect(fingerprint(back, apart)).toBe(fingerprint(value, apart))
      }
    }
  })

  test('what is read shares no memory with the bytes', () => {
    const bytes = toBytes([Uint8Array.of(1)])
    const target = new Uint8Array(make(100))
    for (const value of [Uint8Array.of(1), Buffer.of(1), new DataView(new ArrayBuffer(1)), Uint16Array.of(1)]) {
      const encoded = encodeBytes(value)
      encoded.writeTo(target, 1)
      const back = readBytes(target, 1, encoded.byteLength) as Uint8Array
      expect(back.buffer).not.toBe(target.buffer)
      expect(back.buffer.byteLength).toBe(back.byteLength)
    }
    target.set(bytes)
    const [view] = readBytes(target, 0, bytes.length) as [Uint8Array]
    target.fill(9)
    expect(view).toEqual(Uint8Array.of(1))
  })
})

test('no form makes a value of fewer bytes than it was written with, but a text, a tree or a buffer, which ends there', () => {
  for (const value of withHandles) {
    const bytes = toBytes(value)
    for (let length = 1; length < bytes.length; length += 1) {
      const tag = bytes[0] as number
      const endsThere = (tag >= 0x08 && tag <= 0x09) || (tag >= 0x10 && tag <= 0x1d)
      expect(endsThere ? ['a value', 'ERR_CORRUPT'] : ['ERR_CORRUPT']).toContain(outcomeOf(bytes, 0, length))
    }
  }
})

/** What reading ends with: the code of an error, or that there was a value. Anything else fails the test. */
function outcomeOf(source: Uint8Array, offset: number, byteLength: number): unknown {
  try {
    readBytes(source, offset, byteLength)
    return 'a value'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

const promised = ['a value', 'ERR_CORRUPT', 'ERR_BAD_HANDLE']

test('bytes that were changed at some places give a value or an error with a code', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(4096), 7)
  const originals = withHandles.map(toBytes)
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) })
  const damaged = fc.tuple(fc.nat({ max: originals.length - 1 }), fc.array(change, { minLength: 1, maxLength: 6 }))
  fc.assert(
    fc.property(damaged, ([which, changes]) => {
      const original = originals[which] as Uint8Array
      memory.set(original, 5)
      for (const { at, byte } of changes) memory[5 + (at % original.length)] = byte
      expect(promised).toContain(outcomeOf(memory, 5, original.length))
    }),
    { numRuns: 2000 },
  )
})

test('any bytes behind any tag give a value or an error with a code', () => {
  const tail = fc.uint8Array({ maxLength: 40 })
  for (let tag = 0; tag < 256; tag += 1)
    fc.assert(
      fc.property(tail, (bytes) => {
        const source = Uint8Array.of(tag, ...bytes)
        expect(promised).toContain(outcomeOf(source, 0, source.length))
      }),
      { numRuns: 8 },
    )
})

test.each([
  ['objects', '{"a":', '}'],
  ['lists', '[', ']'],
])('%s nested 200,000 deep come to an end', (_name, open, close) => {
  const depth = 200_000
  const whole = Buffer.from(`\x0a${open.repeat(depth)}1${close.repeat(depth)}`)
  expect(promised).toContain(outcomeOf(whole, 0, whole.length))
  expect(outcomeOf(whole, 0, whole.length - 1)).toBe('ERR_CORRUPT')
})

test.each([1000, 2000, 4000, 8000, 16_000])(
  'a value %d deep around an error is opened or refused with a code',
  (depth) => {
    const hole = {}
    const error = { name: 'Error', message: 'm', stack: '', fields: {} }
    const around = serialize({ value: 'HERE', specials: [{ hole, error }] })
    const place = around.indexOf('HERE')
    // As V8 writes a list of one: its mark, its length, the item, its end.
    const nested = [Buffer.alloc(2 * depth, Buffer.from('A\x01')), '0', Buffer.alloc(3 * depth, Buffer.from('$\0\x01'))]
    const before = around.subarray(0, place - 2)
    const bytes = Buffer.concat([before, ...nested.map((part) => Buffer.from(part)), around.subarray(place + 4)])
    expect(promised).toContain(outcomeOf(bytes, 0, bytes.length))
  },
)

test('bytes that another thread writes meanwhile give a value or an error with a code', async () => {
  const memory = new SharedArrayBuffer(1024)
  const offset = 37
  const worker = new Worker(new URL('./fixtures/scribbler.mjs', import.meta.url), {
    workerData: { memory, offset, values },
  })
  const state = new Int32Array(memory, 0, 1)
  const started = Atomics.waitAsync(state, 0, 0)
  await started.value
  const source = new Uint8Array(memory)
  const outcomes = new Set<unknown>()
  for (let turn = 0; turn < 20_000; turn += 1) outcomes.add(outcomeOf(source, offset, 1 + (turn % 120)))
  Atomics.store(state, 0, 2)
  await once(worker, 'exit')
  expect(promised).toEqual(expect.arrayContaining([...outcomes]))
  expect(outcomes).toContain('a value')
  expect(outcomes).toContain('ERR_CORRUPT')
}, 20_000)

test('only the bytes of the place are read', () => {
  const source = new Uint8Array(64)
  source.set(toBytes('secret, and what is behind'), 1)
  expect(readBytes(source, 1, 7)).toBe('secret')
  expect(readBytes(source.subarray(0, 8), 1, 7)).toBe('secret')
})

test.each([
  ['behind the end', 60, 5],
  ['longer than the memory', 0, 65],
  ['empty', 0, 0],
  ['of a negative length', 8, -1],
  ['before the beginning', -1, 5],
  ['between two bytes', 0.5, 5],
  ['of half a byte', 0, 4.5],
  ['that is no number', Number.NaN, 5],
  ['of no length', 0, Number.NaN],
  ['without an end', 0, Number.POSITIVE_INFINITY],
  ['too far for a number', 2 ** 53, 5],
])('a place %s is ERR_CORRUPT to read', (_name, offset, byteLength) => {
  // Each place begins with the tag of a Uint8Array, which may end anywhere.
  expect(() => readBytes(new Uint8Array(64).fill(0x10), offset, byteLength)).toThrow(corrupt)
})

test('what is no bytes is ERR_INVALID_ARG', () => {
  const badArgument = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
  for (const bad of [undefined, null, 'text', [2], new ArrayBuffer(8), Int8Array.of(2)]) {
    const bytes = bad as unknown as Uint8Array
    expect(() => readBytes(bytes, 0, 1)).toThrow(badArgument)
    expect(() => encodeBytes(null).writeTo(bytes, 0)).toThrow(badArgument)
  }
})

describe('a value that could not be written', () => {
  test.each([
    ['too near to the end', 60],
    ['before the beginning', -1],
    ['between two bytes', 1.5],
    ['nowhere', Number.NaN],
  ])('%s has changed no byte, and can be written elsewhere', (_name, offset) => {
    const target = new Uint8Array(64).fill(0xee)
    for (const value of values) {
      const encoded = encodeBytes(value)
      const tight = target.subarray(0, Math.min(64, 60 + encoded.byteLength - 1))
      expect(() => encoded.writeTo(tight, offset)).toThrow(
        expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
      )
      expect(target.every((byte) => byte === 0xee)).toBe(true)
      const elsewhere = new Uint8Array(encoded.byteLength)
      encoded.writeTo(elsewhere, 0)
      expect(Buffer.compare(elsewhere, toBytes(value))).toBe(0)
    }
  })

  test('because its buffer was transferred away has changed no byte', () => {
    for (const make of [() => new Uint8Array(8), () => new ArrayBuffer(8), () => new Float64Array(1)]) {
      const value = make()
      const encoded = encodeBytes(value)
      const buffer = ArrayBuffer.isView(value) ? value.buffer : value
      structuredClone(buffer, { transfer: [buffer] })
      const target = new Uint8Array(16)
      expect(() => encoded.writeTo(target, 0)).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' }))
      expect(target).toEqual(new Uint8Array(16))
    }
  })
})

test('a view that lies about its length is written as it is', () => {
  const lying = (value: object, key = 'byteLength', says: unknown = 4) =>
    Object.defineProperty(value, key, { value: says })
  for (const value of [new Uint8Array(8).fill(7), Buffer.alloc(8, 7)]) {
    const target = new Uint8Array(12).fill(0xee)
    const encoded = encodeBytes(lying(lying(lying(value), 'length'), 'buffer', new ArrayBuffer(4)))
    expect(encoded.byteLength).toBe(9)
    encoded.writeTo(target, 0)
    expect([...target]).toEqual([target[0], 7, 7, 7, 7, 7, 7, 7, 7, 0xee, 0xee, 0xee])
  }
  const encoded = encodeBytes(lying(new ArrayBuffer(8)))
  expect(() => encoded.writeTo(new Uint8Array(12), 0)).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' }))
})

test('a view of shared memory is refused, whatever it says its buffer is', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8))
  for (const value of [shared, Object.defineProperty(shared, 'buffer', { value: new ArrayBuffer(8) })])
    expect(() => encodeBytes(value)).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' }))
})

test('a view whose buffer has another size since is written whole or not at all', () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
  const whole = new Uint8Array(buffer)
  const part = new Uint8Array(buffer, 0, 4).fill(7)
  const encoded = [encodeBytes(whole), encodeBytes(part)] as const
  buffer.resize(16)
  const target = new Uint8Array(20).fill(0xee)
  expect(() => encoded[0].writeTo(target, 0)).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' }))
  expect(target.every((byte) => byte === 0xee)).toBe(true)
  encoded[1].writeTo(target, 0)
  expect(readBytes(target, 0, 5)).toEqual(Uint8Array.of(7, 7, 7, 7))
})

test('bytes of any length arrive from memory of any kind, in memory of their own and of their class', () => {
  class Strange extends Uint8Array {
    static get [Symbol.species]() {
      return Int8Array as never
    }
  }
  const places = [
    new Uint8Array(600),
    new Uint8Array(new SharedArrayBuffer(600)),
    Buffer.alloc(600),
    new Strange(600),
    Object.defineProperty(new Uint8Array(600), 'constructor', { value: Strange }),
  ]
  for (const length of [1, 2, 8, 31, 32, 33, 64, 65, 127, 128, 129, 500])
    for (const value of [Uint8Array.from({ length }, (_, index) => index * 7), Buffer.alloc(length, 'abc')])
      for (const place of places) {
        const encoded = encodeBytes(value)
        encoded.writeTo(place, 3)
        const back = readBytes(place, 3, encoded.byteLength) as Uint8Array
        place.fill(0)
        expect(Buffer.compare(back, value)).toBe(0)
        expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(value))
        expect(back.buffer.byteLength).toBe(length)
      }
})

test('a value is what it was when it was encoded, but for the bytes of a buffer', () => {
  const tree = { a: [1] }
  const map = new Map([[1, 2]])
  const bytes = Uint8Array.of(1)
  const record = { a: 1, list: [1] }
  const encoded = [tree, map, bytes, record].map((value) => encodeBytes(value))
  Object.assign(record, { a: 2, b: 3 }).list.push(2)
  tree.a.push(2)
  map.set(3, 4)
  bytes[0] = 9
  const written = encoded.map((each) => {
    const target = new Uint8Array(each.byteLength)
    each.writeTo(target, 0)
    return fromBytes(target)
  })
  expect(written).toEqual([{ a: [1] }, new Map([[1, 2]]), Uint8Array.of(9), { a: 1, list: [1] }])
})

test('a getter or a toHandle that encodes another value disturbs neither', () => {
  const target = new Uint8Array(256)
  const inner: unknown[] = []
  const encodeInside = (value: unknown) => {
    encodeBytes(value).writeTo(target, 128)
    inner.push(readBytes(target, 128, encodeBytes(value).byteLength))
  }
  const value = {
    first: 1,
    get number() {
      encodeInside(2.5)
      return 1.5
    },
    get tree() {
      encodeInside({ deep: ['b'] })
      return ['a']
    },
    last: 'z',
  }
  const handled = {
    toHandle() {
      encodeInside([value.last])
      return { kind: 'codec-test/Token', version: 1, id: 't' }
    },
  }
  const outer = encodeBytes(value)
  outer.writeTo(target, 0)
  expect(readBytes(target, 0, outer.byteLength)).toEqual({ first: 1, number: 1.5, tree: ['a'], last: 'z' })
  const beside = encodeBytes({ handled, at: 7 })
  beside.writeTo(target, 0)
  expect(fingerprint(readBytes(target, 0, beside.byteLength))).toBe(fingerprint({ handled: new Token('t'), at: 7 }))
  expect(inner).toEqual([2.5, { deep: ['b'] }, ['z']])
})

test('what cannot be sent is refused before there is anything to write', () => {
  const refused = (path: string) => expect.objectContaining({ code: 'ERR_NOT_CLONEABLE', path })
  expect(() => encodeBytes({ list: [1, () => {}] })).toThrow(refused('.list[1]'))
  expect(() => encodeBytes(Symbol('s'))).toThrow(refused(''))
  expect(() => encodeBytes(new SharedArrayBuffer(4))).toThrow(refused(''))
  expect(() => encodeBytes([new Int32Array(new SharedArrayBuffer(4))])).toThrow(refused('[0]'))
})

test('a handle that cannot be opened here is ERR_BAD_HANDLE', () => {
  const bytes = toBytes({ toHandle: () => ({ kind: 'nowhere/Thing' }) })
  expect(() => readBytes(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code: 'ERR_BAD_HANDLE' }))
})

test('what a kind trips over is ERR_CORRUPT with its error as the cause', () => {
  const kinds = (globalThis as unknown as Record<symbol, Map<string, unknown>>)[Symbol.for('heddle.kinds')]
  const trip = (handle: { readonly place: { readonly offset: number } }) => ({ at: handle.place.offset })
  kinds?.set('codec-test/Tripping', { version: 1, fromHandle: trip })
  const bytes = toBytes([{ toHandle: () => ({ kind: 'codec-test/Tripping' }) }])
  expect(() => readBytes(bytes, 0, bytes.length)).toThrow(corrupt)
  expect(() => readBytes(bytes, 0, bytes.length)).toThrow(
    expect.objectContaining({ cause: expect.objectContaining({ name: 'TypeError' }) }),
  )
  expect(() => fromBytes(bytes)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
})

test('a CorruptError has a name, a code, and a cause where there is one', () => {
  const error = new CorruptError('m', { cause: 1 })
  expect(error).toMatchObject({ name: 'CorruptError', code: 'ERR_CORRUPT', message: 'm', cause: 1 })
  expect(Object.keys(error)).toEqual(['code'])
  const caught = (bytes: readonly number[]) => {
    try {
      return readBytes(Uint8Array.from(bytes), 0, bytes.length)
    } catch (thrown) {
      return thrown
    }
  }
  expect(caught([0x0a, 0x5b])).toMatchObject({ code: 'ERR_CORRUPT', cause: { name: 'SyntaxError' } })
  expect(caught([0xff, 0x0f])).toMatchObject({ code: 'ERR_CORRUPT', cause: { name: 'Error' } })
  expect(Object.hasOwn(caught([0]) as object, 'cause')).toBe(false)
})

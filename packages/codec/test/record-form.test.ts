import { type EncodedBytes, encodeBytes, fromBytes, readBytes, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fingerprint } from './support/fingerprint.js'
import { Token } from './support/shared.js'

// Stacks are no subject here, and the test runner takes long to make them.
Error.stackTraceLimit = 0

const recordForm = 0x0c
const jsonForms = [0x0a, 0x0b]
const badBytes = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })

/** With a key `__proto__` as a key, and the keys in the order in which they come. */
function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object = {}
  for (const [name, value] of entries)
    Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
  return object
}

/** The check sum of a key list, written down a second time. */
function checkOf(bytes: readonly number[]): number {
  const sum = bytes.reduce((sum, byte) => (BigInt(sum) * 31n + BigInt(byte)) & 0xffff_ffffn, BigInt(bytes.length))
  return Number((sum ^ (sum >> 8n) ^ (sum >> 16n) ^ (sum >> 24n)) & 0xffn)
}

function listOf(keys: readonly string[]): number[] {
  const bytes = keys.flatMap((key) => [key.length, ...Buffer.from(key, 'latin1')])
  return [bytes.length, checkOf(bytes), ...bytes]
}

function record(keys: readonly string[], ...values: readonly number[]): Uint8Array {
  return Uint8Array.of(recordForm, ...listOf(keys), ...values)
}

describe('a record', () => {
  test('is bytes that stand for themselves, in the form that is written down', () => {
    const values: readonly (readonly [unknown, readonly number[]])[] = [
      [undefined, [0x01]],
      [null, [0x02]],
      [false, [0x03]],
      [true, [0x04]],
      [0, [0x80]],
      [127, [0xff]],
      [128, [0x0d, 0x80, 0]],
      [-1, [0x0d, 0xff, 0xff]],
      [-32_768, [0x0d, 0, 0x80]],
      [32_767, [0x0d, 0xff, 0x7f]],
      [32_768, [0x05, 0, 0x80, 0, 0]],
      [-32_769, [0x05, 0xff, 0x7f, 0xff, 0xff]],
      [2 ** 31 - 1, [0x05, 0xff, 0xff, 0xff, 0x7f]],
      [-(2 ** 31), [0x05, 0, 0, 0, 0x80]],
      [2 ** 31, [0x06, ...new Uint8Array(Float64Array.of(2 ** 31).buffer)]],
      [-0, [0x06, ...new Uint8Array(Float64Array.of(-0).buffer)]],
      [-5n, [0x07, ...new Uint8Array(BigInt64Array.of(-5n).buffer)]],
      ['', [0x40]],
      ['a\u00ff', [0x42, 0x61, 0xff]],
      ['x'.repeat(63), [0x7f, ...Buffer.alloc(63, 'x')]],
      ['x'.repeat(64), [0x08, 64, ...Buffer.alloc(64, 'x')]],
      ['\u0101a', [0x09, 2, 1, 1, 0x61, 0]],
      [
        [1, []],
        [0x0e, 2, 0x81, 0x0e, 0],
      ],
      [{ a: 1 }, [0x0c, ...listOf(['a']), 0x81]],
    ]
    for (const [value, bytes] of values) {
      expect([...toBytes({ key: value, '': 1 })]).toEqual([...record(['key', ''], ...bytes, 0x81)])
      expect(fingerprint(fromBytes(record(['b', 'a'], ...bytes, 0x02)))).toBe(fingerprint({ b: value, a: null }))
    }
  })

  test('is no longer than its JSON, for what queues carry', () => {
    for (const value of [{ id: 123456, op: 'add', value: 246912 }, { a: 1 }, { id: 7, done: true, next: null }])
      expect(encodeBytes(value).byteLength).toBeLessThan(1 + JSON.stringify(value).length)
  })

  test('holds texts of up to 255 units, of either width, and any unit of them', () => {
    for (let length = 0; length < 300; length += length < 70 ? 1 : 37)
      for (const unit of ['x', '\u00ff', '\u0100', '\ud800'])
        for (const text of [unit.repeat(length), `${'x'.repeat(length)}${unit}`]) {
          const bytes = toBytes({ text, after: 1 })
          expect(fromBytes(bytes)).toEqual({ text, after: 1 })
          expect(bytes[0] === recordForm).toBe(text.length <= 255)
        }
  })

  test.each([
    ['a text of 256 units', { a: 'x'.repeat(256) }],
    ['a key with a wide unit', { ż: 1 }],
    ['keys of 256 bytes', { ['k'.repeat(255)]: 1 }],
    ['an empty object', { a: {} }],
    ['more than 1,024 bytes', objectOf(Array.from({ length: 6 }, (_, index) => [`k${index}`, 'x'.repeat(250)]))],
  ])('does not hold %s, which goes as JSON', (_name, value) => {
    const bytes = toBytes(value)
    expect(jsonForms).toContain(bytes[0])
    expect(fromBytes(bytes)).toEqual(value)
  })

  test('has room for 1,024 bytes of values, whatever comes last', () => {
    const keyList = listOf(['a', 'b', 'c', 'd', 'e']).length
    let records = 0
    for (let length = 0; length < 256; length += 3) {
      const most = { a: 'x'.repeat(250), b: 'y'.repeat(250), c: 'z'.repeat(250), d: 'w'.repeat(length) }
      for (const e of ['v'.repeat(length), 'ż'.repeat(length), 1e300, [1e300], { [`k${length}`]: 1 }]) {
        const bytes = toBytes({ ...most, e })
        expect(fromBytes(bytes)).toEqual({ ...most, e })
        if (bytes[0] !== recordForm) continue
        records += 1
        expect(bytes.length).toBeLessThanOrEqual(1 + keyList + 1024)
      }
    }
    expect(records).toBeGreaterThan(150)
  })
})

test('an object that does not fit is refused by the record form wherever it would have begun', () => {
  const texts = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, name.repeat(245)]))
  const tooMuch = [
    { ...texts, e: { ['k'.repeat(200)]: 1 } },
    { ...texts, e: 'x'.repeat(200) },
    { ...texts, e: 'ż'.repeat(100) },
    { ...texts, e: Array.from({ length: 20 }, () => 0.1) },
  ]
  for (let turn = 0; turn < 1024; turn += 1) {
    expect(encodeBytes({ a: 'x'.repeat(100) }).byteLength).toBe(107)
    const value = tooMuch[(turn >> 8) % tooMuch.length] as object
    const bytes = toBytes(value)
    expect(bytes[0]).not.toBe(recordForm)
    expect(fromBytes(bytes)).toEqual(value)
  }
})

const key = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'valueOf', '0', '10', '2', '-1', 'id', 'op', 'value'),
)
const leaf = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.integer({ min: -200, max: 200 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<unknown>(null, true, false, -0, 0, 32_767, -32_769, 5e-324),
)
const { object } = fc.letrec<{ object: Record<string, unknown>; part: unknown }>((tie) => ({
  object: fc.array(fc.tuple(key, tie('part')), { maxLength: 6 }).map(objectOf),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: leaf, weight: 4 },
    { arbitrary: tie('object'), weight: 1 },
    { arbitrary: fc.array(tie('part'), { maxLength: 3 }), weight: 1 },
  ),
}))

test('an object arrives the same as a record, as JSON and by V8', () => {
  let records = 0
  const same = fc.property(object, (value) => {
    const asRecord = toBytes(value)
    // What stands beside it decides upon the form: JSON takes longer texts than a record does, V8 takes all.
    const asJson = toBytes([value])
    const byV8 = toBytes([value, new Date(5)])
    expect(byV8[0]).toBe(0xff)
    const arrived = fingerprint(fromBytes(asRecord))
    expect(fingerprint((fromBytes(byV8) as unknown[])[0])).toBe(arrived)
    expect(fingerprint((fromBytes(asJson) as unknown[])[0])).toBe(arrived)
    if (asRecord[0] === recordForm && jsonForms.includes(asJson[0] as number)) records += 1
  })
  fc.assert(same, { numRuns: 500 })
  expect(records).toBeGreaterThan(100)
})

describe('objects of many kinds', () => {
  /** More than are remembered, with keys that begin the same, and lists of the same length and check sum among them. */
  const shapes = [
    ...Array.from({ length: 300 }, (_, index) => [`a${index % 7}`, `b${index}`, 'c']),
    ...Array.from({ length: 40 }, (_, index) => Array.from({ length: 1 + (index % 32) }, (_, at) => `k${index}.${at}`)),
    ...['value', 'vamVe', 'van7e', 'vake'].map((last) => ['id', 'op', last]),
    ['id', 'op'],
    ['id'],
    ['op', 'id'],
  ]
  const make = (shape: number, turn: number) =>
    objectOf((shapes[shape % shapes.length] as string[]).map((name, index) => [name, turn + index]))

  test('arrive with their own keys, whichever came before', () => {
    const turns = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(turns, (order) => {
        const objects = order.map((shape, turn) => make(shape, turn))
        const back = objects.map((value) => fromBytes(toBytes(value)))
        expect(back.map((value) => fingerprint(value))).toEqual(objects.map((value) => fingerprint(value)))
      }),
      { numRuns: 100 },
    )
  })

  test('wait to be written, as many as there are, and are what they were', () => {
    const source = Array.from({ length: 1500 }, (_, turn) => make(turn, turn))
    const encoded = source.map((value): EncodedBytes => encodeBytes(value))
    const before = source.map((value) => fingerprint(value))
    for (const value of source) for (const name of Object.keys(value)) value[name] = 'changed'
    const target = new Uint8Array(4096)
    for (const [index, each] of [...encoded.entries(), ...encoded.entries()]) {
      each.writeTo(target, 5)
      expect(fingerprint(readBytes(target, 5, each.byteLength))).toBe(before[index])
    }
  })
})

describe('code of the value', () => {
  test('that changes the object while it is read gives what a clone gives', () => {
    const changing = (change: (value: Record<string, unknown>) => void) => {
      const value: Record<string, unknown> = {
        get first() {
          change(value)
          return 1
        },
        second: 2,
        third: [3],
      }
      return value
    }
    const changes: ((value: Record<string, unknown>) => void)[] = [
      (value) => Reflect.deleteProperty(value, 'second'),
      (value) => Reflect.deleteProperty(value, 'third'),
      (value) => Object.assign(value, { second: { more: true } }),
      (value) => (value.third as unknown[]).push(4),
    ]
    for (const change of changes) {
      // The keys are known, then.
      toBytes({ first: 1, second: 2, third: [3] })
      const expected = fingerprint(structuredClone(changing(change)))
      expect(fingerprint(fromBytes(toBytes(changing(change))))).toBe(expected)
    }
  })

  test('that throws comes out, and the next value is encoded as before', () => {
    const failure = new Error('mine')
    const value = {
      part: {
        get broken() {
          throw failure
        },
      },
    }
    for (const encode of [encodeBytes, toBytes]) expect(() => encode(value)).toThrow(failure)
    expect(toBytes({ a: [1] })).toEqual(Buffer.from(record(['a'], 0x0e, 1, 0x81)))
  })

  test('that encodes another object changes neither', () => {
    const kept: EncodedBytes[] = []
    const inner = { in: 'side', part: { a: 1 } }
    const outer = {
      first: 'outer',
      get middle() {
        kept.push(encodeBytes(inner))
        return { part: 2 }
      },
      last: ['z'],
    }
    const encoded = [encodeBytes(outer), encodeBytes({ next: 1 })]
    const read = (each: EncodedBytes) => {
      const target = new Uint8Array(each.byteLength)
      each.writeTo(target, 0)
      return fromBytes(target)
    }
    expect(encoded.map(read)).toEqual([{ first: 'outer', middle: { part: 2 }, last: ['z'] }, { next: 1 }])
    expect(kept.length).toBeGreaterThan(0)
    for (const each of kept) expect(read(each)).toEqual(inner)
  })

  test('a shared object, a Proxy or a class among the fields is noticed', () => {
    const hostile = (): never => {
      throw new Error('a trap was run')
    }
    const traps = { get: hostile, getPrototypeOf: hostile, has: hostile, ownKeys: hostile }
    expect(fingerprint(fromBytes(toBytes({ a: 1, token: new Token('t') })))).toBe(
      fingerprint({ a: 1, token: new Token('t') }),
    )
    for (const proxy of [new Proxy({}, traps), new Proxy([], traps)])
      expect(() => toBytes({ a: 1, proxy })).toThrow(
        expect.objectContaining({ code: 'ERR_NOT_CLONEABLE', path: '.proxy' }),
      )
    class Point {
      x = 1
    }
    expect(fingerprint(fromBytes(toBytes({ point: new Point() })))).toBe(fingerprint({ point: { x: 1 } }))
    expect(() => toBytes({ a: 1, b: () => {} })).toThrow(expect.objectContaining({ path: '.b' }))
  })
})

describe('what somebody put into Object.prototype', () => {
  const withInherited = (name: string, descriptor: PropertyDescriptor, run: () => void) => {
    Object.defineProperty(Object.prototype, name, { ...descriptor, configurable: true })
    try {
      run()
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
  }
  const entriesOf = (bytes: Uint8Array) => {
    const back = fromBytes(bytes) as object
    return Object.getPrototypeOf(back) === Object.prototype ? Object.entries(back) : 'no plain object'
  }

  test('is no key of an object that comes or goes', () => {
    const values = [{ own: 1 }, { own: 1, stray: 2 }, { a: { own: 1 } }]
    const bytes = values.map(toBytes)
    const entries = values.map((value) => Object.entries(value))
    withInherited('stray', { value: 5, enumerable: true, writable: true }, () => {
      expect(values.map((value) => entriesOf(toBytes(value)))).toEqual(entries)
      expect(bytes.map(entriesOf)).toEqual(entries)
    })
  })

  test('takes no value that is read', () => {
    let taken = 0
    const set = () => {
      taken += 1
    }
    const value = { before: 1, part: { late: [2] }, late: 'x' }
    const entries = Object.entries(value)
    const bytes = toBytes(value)
    // From here on its keys are known.
    expect(entriesOf(bytes)).toEqual(entries)
    withInherited('late', { get: () => 7, set }, () => {
      expect(entriesOf(bytes)).toEqual(entries)
      taken = 0
      expect(entriesOf(bytes)).toEqual(entries)
    })
    withInherited('fresh', { get: () => 7, set }, () => {
      expect(entriesOf(toBytes({ fresh: 1, a: 2 }))).toEqual([
        ['fresh', 1],
        ['a', 2],
      ])
    })
    expect(taken).toBe(0)
  })
})

describe('bytes that were never a record are refused', () => {
  test.each([
    ['no key list', [recordForm]],
    ['a key list of no keys', [recordForm, 0, 0, 0x80]],
    ['a key list that is cut off', record(['id', 'op']).subarray(0, 7)],
    ['a key list that says more bytes than it has', [recordForm, 255, ...listOf(['a']).slice(1), 0x81]],
    ['another check sum', [recordForm, 2, (listOf(['a'])[1] as number) ^ 1, 1, 0x61, 0x81]],
    ['a key that is longer than the list', [recordForm, 2, checkOf([2, 0x61]), 2, 0x61, 0x81]],
    ['one key twice', record(['a', 'b', 'a'], 0x81, 0x82, 0x83)],
    ['the empty key twice', record(['', ''], 0x81, 0x82)],
    ['__proto__ twice', record(['__proto__', '__proto__'], 0x81, 0x82)],
    ['a value too few', record(['a', 'b'], 0x81)],
    ['a value too many', record(['a'], 0x81, 0x82)],
    ['a head without a meaning', record(['a'], 0x0f)],
    ['zeros', record(['a'], 0)],
    ['half a whole number', record(['a'], 0x0d, 1)],
    ['most of a whole number', record(['a'], 0x05, 1, 2, 3)],
    ['most of a fraction', record(['a'], 0x06, 1, 2, 3, 4, 5, 6, 7)],
    ['most of a bigint', record(['a'], 0x07, 1, 2, 3, 4, 5, 6, 7)],
    ['a text that is cut off', record(['a'], 0x43, 0x61, 0x62)],
    ['a text without its length', record(['a'], 0x08)],
    ['a text with less than its length', record(['a'], 0x08, 2, 0x61)],
    ['half a unit', record(['a'], 0x09, 1, 0x61)],
    ['an array that claims more than there is', record(['a'], 0x0e, 255, 0x81)],
    ['an array without its length', record(['a'], 0x0e)],
    ['an object within that is none', record(['a'], 0x0c, 0)],
    ['an object within that is cut off', record(['a'], 0x0c, ...listOf(['b']))],
  ])('%s', (_name, bytes) => {
    for (let turn = 0; turn < 2; turn += 1) expect(() => fromBytes(Uint8Array.from(bytes))).toThrow(badBytes)
  })

  test('however deep they nest, and as deep as any value is they are read', () => {
    const around = (depth: number, level: readonly number[]) =>
      Buffer.concat([record(['a']), Buffer.alloc(depth * level.length, Uint8Array.from(level)), Buffer.of(0x81)])
    const lists = (depth: number) => around(depth, [0x0e, 1])
    const objects = (depth: number) => around(depth, [0x0c, ...listOf(['a'])])
    for (const nested of [lists, objects]) {
      expect(JSON.stringify(fromBytes(nested(8)))).toContain('1')
      for (const depth of [64, 65, 1000, 100_000]) expect(() => fromBytes(nested(depth))).toThrow(badBytes)
    }
  })
})

test('crafted keys reach no prototype', () => {
  const back = fromBytes(record(['__proto__', 'constructor'], 0x0c, ...listOf(['polluted']), 0x81, 0x82)) as object
  expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  expect(back).not.toHaveProperty('polluted')
  expect({}).not.toHaveProperty('polluted')
})

test('keys that are numbers arrive, in whatever order the bytes have them', () => {
  expect(fromBytes(record(['2', 'a', '1'], 0x82, 0x80, 0x81))).toEqual({ 1: 1, 2: 2, a: 0 })
})

/** What reading ends with: the code of an error, or the value written down. */
function outcomeOf(bytes: Uint8Array): string {
  try {
    return fingerprint(fromBytes(bytes))
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

const byte = fc.integer({ min: 0, max: 255 })
const head = fc.oneof(fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0c, 0x0d, 0x0e, 0x41, 0x7f, 0x80), byte)

test('any bytes behind a good key list give a value or ERR_INVALID_ARG, twice the same', () => {
  const names = fc.uniqueArray(fc.constantFrom('id', 'op', 'value', '', '__proto__', '0', 'a'), { minLength: 1 })
  const scalars = fc.array(fc.constantFrom(0x02, 0x40, 0x80), { minLength: 1, maxLength: 3 })
  const tail = fc.oneof(fc.array(head, { maxLength: 40 }), scalars)
  let read = 0
  fc.assert(
    fc.property(names, tail, (keys, values) => {
      const bytes = record(keys, ...values)
      const outcome = outcomeOf(bytes)
      if (outcome !== 'ERR_INVALID_ARG') read += 1
      expect(outcome).toMatch(/^(#0|ERR_INVALID_ARG$)/)
      expect(outcomeOf(bytes)).toBe(outcome)
    }),
    { numRuns: 1500 },
  )
  expect(read).toBeGreaterThan(10)
})

test('a record with some bytes changed gives a value or ERR_INVALID_ARG, and harms no other', () => {
  const change = fc.record({
    at: fc.nat({ max: 80 }),
    remove: fc.nat({ max: 1 }),
    insert: fc.array(head, { maxLength: 1 }),
  })
  const good = toBytes({ id: 123456, op: 'add', value: 1.5, at: { x: 1, y: 'ż' }, list: [1, [null, -5n]] })
  const whole = outcomeOf(good)
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = [...good]
      for (const { at, remove, insert } of changes) bytes.splice(at % bytes.length, remove, ...insert)
      bytes[0] = recordForm
      expect(outcomeOf(Uint8Array.from(bytes))).toMatch(/^(#0|ERR_INVALID_ARG$)/)
      expect(outcomeOf(good)).toBe(whole)
    }),
    { numRuns: 1000 },
  )
})

test('a record that lies in the midst of other bytes ends where its place ends', () => {
  const bytes = toBytes({ id: 7, text: 'abcdefgh' })
  const target = new Uint8Array(new SharedArrayBuffer(256)).fill(0x81)
  target.set(bytes, 9)
  expect(readBytes(target, 9, bytes.length)).toEqual({ id: 7, text: 'abcdefgh' })
  const others = Array.from({ length: bytes.length + 8 }, (_, index) => index + 1).filter((to) => to !== bytes.length)
  for (const length of others)
    expect(() => readBytes(target, 9, length)).toThrow(expect.objectContaining({ code: 'ERR_CORRUPT' }))
})

import { SharedArray, type SharedArrayHandle } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { elementTypes, foreignTo, isBig, isFloat, samples } from './support/element-samples.js'
import { invalid, outcomeOf, outOfRange } from './support/outcome.js'

describe.each(elementTypes)('an array of %s', (type) => {
  const { held, beyond } = samples[type]

  test('gives back each value that it holds, to the sign and the NaN, in this object, another one and the view', () => {
    const array = new SharedArray(type, held.length)
    for (const [index, value] of held.entries()) array.set(index, value)
    const other = SharedArray.fromHandle(array.toHandle())
    for (const [index, value] of held.entries()) {
      expect(Object.is(array.get(index), value)).toBe(true)
      expect(Object.is(other.get(index), value)).toBe(true)
      expect(Object.is(array.view[index], value)).toBe(true)
    }
    expect([...other]).toEqual(held)
    expect([...new SharedArray(type, held)]).toEqual(held)
  })

  test('begins with zeros', () => {
    expect([...new SharedArray(type, 3)]).toEqual(isBig(type) ? [0n, 0n, 0n] : [0, 0, 0])
  })

  test('reads what the view writes', () => {
    const array = new SharedArray(type, held)
    for (const index of held.keys()) {
      const from = (index + 1) % held.length
      array.view.set([held[from]] as never, index)
      expect(Object.is(array.get(index), held[from])).toBe(true)
    }
  })

  test('refuses what the type cannot hold, and neither the element nor its neighbours change', () => {
    const filler = held[1] ?? 0
    const array = new SharedArray(type, [filler, filler, filler])
    const notWhole = isBig(type) || isFloat(type) ? [] : [0.5, Number.NaN, Infinity, -Infinity]
    for (const value of [...beyond, ...notWhole]) {
      expect(outcomeOf(() => array.set(1, value))).toEqual(outOfRange)
      expect(outcomeOf(() => new SharedArray(type, [filler, value]))).toEqual(outOfRange)
    }
    for (const value of foreignTo(type)) {
      expect(outcomeOf(() => array.set(1, value as number))).toEqual(invalid)
      expect(outcomeOf(() => new SharedArray(type, [filler, value as number]))).toEqual(invalid)
    }
    expect([...array]).toEqual([filler, filler, filler])
  })
})

test('float32 rounds what it is given, beyond its range to an infinity', () => {
  const array = new SharedArray('float32', [0.1, 1e40, -1e40, 1e-60])
  expect([...array]).toEqual([...Float32Array.of(0.1, 1e40, -1e40, 1e-60)])
})

test('an integer type takes -0 as 0', () => {
  expect(Object.is(new SharedArray('int32', [-0]).get(0), 0)).toBe(true)
})

test("Python's codes stand for int32, float64 and uint8", () => {
  expect([new SharedArray('i', 1), new SharedArray('d', 1), new SharedArray('c', 1)].map(({ type }) => type)).toEqual([
    'int32',
    'float64',
    'uint8',
  ])
})

test('an index that is negative, not whole or beyond the end is refused for get and set, and nothing is written', () => {
  const array = new SharedArray('int32', [1, 2, 3])
  for (const index of [-1, 3, 0.5, Number.NaN, Infinity, 2 ** 32]) {
    expect(outcomeOf(() => array.get(index))).toEqual(outOfRange)
    expect(outcomeOf(() => array.set(index, 9))).toEqual(outOfRange)
  }
  for (const index of ['0', 0n, undefined, null, {}, Symbol('0')] as unknown as number[]) {
    expect(outcomeOf(() => array.get(index))).toEqual(invalid)
    expect(outcomeOf(() => array.set(index, 9))).toEqual(invalid)
  }
  expect([...array]).toEqual([1, 2, 3])
})

test('a length of 0, a negative one, a missing one and an empty list are refused', () => {
  for (const length of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 32])
    expect(outcomeOf(() => new SharedArray('int32', length))).toEqual(outOfRange)
  expect(outcomeOf(() => new SharedArray('int32', []))).toEqual(outOfRange)
  for (const length of [undefined, null, '3', 'abc', 3n, {}, () => 3] as unknown as number[])
    expect(outcomeOf(() => new SharedArray('int32', length))).toEqual(invalid)
})

test('an unknown type is refused', () => {
  for (const type of ['int64', 'f', '', 'toString', '__proto__', undefined, null, 1, {}, ['i']] as unknown as 'i'[])
    expect(outcomeOf(() => new SharedArray(type, 1))).toEqual(invalid)
})

test('a size that cannot be had is refused, with the cause', () => {
  const real = globalThis.SharedArrayBuffer
  const refusal = new RangeError('no memory')
  globalThis.SharedArrayBuffer = new Proxy(real, {
    construct: () => {
      throw refusal
    },
  })
  try {
    const error = outcomeOf(() => new SharedArray('int32', 1_000))
    expect(error).toEqual(outOfRange)
    expect((error as Error).cause).toBe(refusal)
  } finally {
    globalThis.SharedArrayBuffer = real
  }
})

test('any iterable gives the values, and the array made of another one is a copy', () => {
  const first = new SharedArray('uint8', new Set([1, 2, 3]))
  const copy = new SharedArray('uint8', first)
  copy.set(0, 9)
  expect([...first]).toEqual([1, 2, 3])
  expect([...copy]).toEqual([9, 2, 3])
})

test('the view is the same object each time, of fixed length, over shared memory that belongs to this array alone', () => {
  const array = new SharedArray('uint16', 5)
  const { view } = array
  expect(array.view).toBe(view)
  expect(view).toBeInstanceOf(Uint16Array)
  expect(view.length).toBe(5)
  expect(array.length).toBe(5)
  expect(view.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(new SharedArray('uint16', 5).view.buffer).not.toBe(view.buffer)
})

test('no element overlaps the words that describe the array', () => {
  for (const type of elementTypes) {
    const array = new SharedArray(type, 9)
    new Uint8Array(array.view.buffer, array.view.byteOffset, array.view.byteLength).fill(0xff)
    expect(SharedArray.fromHandle(array.toHandle()).length).toBe(9)
  }
})

test('the lock is the same object each time, another one for each array, and shared by all that opened the array', () => {
  const array = new SharedArray('int32', 1)
  const opened = SharedArray.fromHandle(array.toHandle())
  expect(array.getLock()).toBe(array.getLock())
  const guard = array.getLock().acquireSync()
  expect(opened.getLock().tryAcquire()).toBeUndefined()
  const ofAnother = new SharedArray('int32', 1).getLock().tryAcquire()
  expect(ofAnother?.held).toBe(true)
  guard.release()
  expect(opened.getLock().tryAcquire()?.held).toBe(true)
})

test('reading and writing work while somebody holds the lock', () => {
  const array = new SharedArray('int32', 1)
  array.getLock().runExclusiveSync(() => array.set(0, 5))
  const guard = array.getLock().acquireSync()
  SharedArray.fromHandle(array.toHandle()).set(0, 6)
  expect(array.get(0)).toBe(6)
  guard.release()
})

test('iteration sees each element when its turn comes', () => {
  const array = new SharedArray('int32', [1, 2, 3])
  const seen: number[] = []
  for (const value of array) {
    seen.push(value)
    array.set(2, 30)
  }
  expect(seen).toEqual([1, 2, 30])
})

test('random calls leave what a plain array would hold, however often the array is opened anew', () => {
  const call = fc.oneof(
    fc.record({
      op: fc.constant('set' as const),
      index: fc.integer({ min: -1, max: 8 }),
      value: fc.integer({ min: -200, max: 200 }),
    }),
    fc.record({ op: fc.constant('get' as const), index: fc.integer({ min: -1, max: 8 }) }),
    fc.record({ op: fc.constant('reopen' as const) }),
  )
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 1, maxLength: 8 }),
      fc.array(call),
      (values, calls) => {
        const twin = [...values]
        let array = new SharedArray('int8', values)
        for (const { op, ...at } of calls) {
          if (op === 'reopen') {
            array = SharedArray.fromHandle(structuredClone(array.toHandle()) as SharedArrayHandle<'int8'>)
            continue
          }
          const { index, value } = { index: 0, value: 0, ...at }
          const valid = index >= 0 && index < twin.length && (op === 'get' || (value >= -128 && value <= 127))
          if (valid && op === 'set') twin[index] = value
          const got = outcomeOf(() => (op === 'get' ? array.get(index) : array.set(index, value)))
          expect(got).toEqual(valid ? { returned: op === 'get' ? twin[index] : undefined } : outOfRange)
          expect([...array]).toEqual(twin)
        }
      },
    ),
  )
})

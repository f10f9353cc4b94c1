import { type ElementType, SharedValue, type SharedValueHandle } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { elementTypes, foreignTo, isBig, isFloat, oddNaN, samples } from './support/element-samples.js'
import { invalid, outcomeOf, outOfRange } from './support/outcome.js'

describe.each(elementTypes)('a value of %s', (type) => {
  const { held, beyond } = samples[type]
  const [zero, one] = isBig(type) ? [0n, 1n] : [0, 1]
  const notWhole = isBig(type) || isFloat(type) ? [] : [0.5, Number.NaN, Infinity, -Infinity]

  test('gives back each value that it holds, to the sign and the NaN, in this object and another one', () => {
    const value = new SharedValue(type)
    const other = SharedValue.fromHandle(value.toHandle())
    for (const each of held) {
      value.value = each
      expect(Object.is(value.value, each)).toBe(true)
      expect(Object.is(other.value, each)).toBe(true)
      expect(Object.is(new SharedValue(type, each).value, each)).toBe(true)
    }
  })

  test('begins with zero', () => {
    expect(new SharedValue(type).value).toBe(zero)
    expect(new SharedValue(type, undefined).value).toBe(zero)
  })

  test('refuses what the type cannot hold, in each method, and stays as it was', () => {
    const value = new SharedValue(type, one)
    for (const each of [...beyond, ...notWhole]) {
      const assign = () => {
        value.value = each
      }
      expect(outcomeOf(assign)).toEqual(outOfRange)
      expect(outcomeOf(() => value.compareAndSet(one, each))).toEqual(outOfRange)
      expect(outcomeOf(() => value.compareAndSet(each, zero))).toEqual(outOfRange)
      expect(outcomeOf(() => new SharedValue(type, each))).toEqual(outOfRange)
    }
    for (const each of notWhole) expect(outcomeOf(() => value.add(each))).toEqual(outOfRange)
    for (const each of foreignTo(type) as number[]) {
      const assign = () => {
        value.value = each
      }
      expect(outcomeOf(assign)).toEqual(invalid)
      expect(outcomeOf(() => value.add(each))).toEqual(invalid)
      expect(outcomeOf(() => value.compareAndSet(one, each))).toEqual(invalid)
      expect(outcomeOf(() => value.compareAndSet(each, zero))).toEqual(invalid)
      expect(outcomeOf(() => new SharedValue(type, each))).toEqual(invalid)
    }
    expect(value.value).toBe(one)
  })

  test('compareAndSet sets only what is expected, as Object.is compares', () => {
    for (const each of held)
      for (const expected of held) {
        const value = new SharedValue(type, each)
        const same = Object.is(each, expected)
        expect(value.compareAndSet(expected, one)).toBe(same)
        expect(Object.is(value.value, same ? one : each)).toBe(true)
      }
  })
})

test.each(elementTypes.filter((type) => !isFloat(type)))(
  'add reaches both ends of %s and never passes them',
  (type) => {
    const [zero, one] = isBig(type) ? [0n, 1n] : [0, 1]
    const [below, above] = samples[type].beyond as [number, number]
    const least = isBig(type) ? (below as unknown as bigint) + 1n : below + 1
    const most = isBig(type) ? (above as unknown as bigint) - 1n : above - 1
    const value = new SharedValue(type)
    expect(value.add(most)).toBe(most)
    expect(value.add(zero)).toBe(most)
    expect(outcomeOf(() => value.add(one))).toEqual(outOfRange)
    expect(value.value).toBe(most)
    value.value = zero
    expect(value.add(least)).toBe(least)
    const minusOne = isBig(type) ? -1n : -1
    expect(outcomeOf(() => value.add(minusOne))).toEqual(outOfRange)
    expect(value.value).toBe(least)
    // From one end to the other: a difference of elements need not be an element.
    const span = isBig(type) ? (most as bigint) - (least as bigint) : (most as number) - (least as number)
    expect(value.add(span)).toBe(most)
    for (const huge of isBig(type) ? [2n ** 70n, -(2n ** 70n)] : [2 ** 60, -(2 ** 60), Number.MAX_VALUE])
      expect(outcomeOf(() => value.add(huge))).toEqual(outOfRange)
    expect(value.value).toBe(most)
  },
)

test('add to a float rounds and overflows as a typed array does', () => {
  for (const [type, twin] of [
    ['float32', new Float32Array(1)],
    ['float64', new Float64Array(1)],
  ] as const) {
    const value = new SharedValue(type)
    for (const amount of [
      0.1,
      0.2,
      1e30,
      -1e30,
      16_777_217,
      3.5e38,
      Number.MAX_VALUE,
      Number.MAX_VALUE,
      -Infinity,
      1,
    ]) {
      twin[0] = (twin[0] as number) + amount
      expect(Object.is(value.add(amount), twin[0])).toBe(true)
      expect(Object.is(value.value, twin[0])).toBe(true)
    }
    expect(value.value).toBeNaN()
  }
})

test.each(['float32', 'float64'] as const)('a %s is NaN whatever bits the NaN came with', (type) => {
  const value = new SharedValue(type, oddNaN)
  expect(value.compareAndSet(Number.NaN, 1)).toBe(true)
  value.value = Number.NaN
  expect(value.compareAndSet(oddNaN, 1)).toBe(true)
  value.value = oddNaN
  expect(value.add(1)).toBeNaN()
  expect(value.compareAndSet(-Number.NaN, 1)).toBe(true)
})

test('float32 rounds both arguments of compareAndSet', () => {
  const value = new SharedValue('float32', 0.1)
  expect(value.value).toBe(Math.fround(0.1))
  expect(value.compareAndSet(0.1, 0.2)).toBe(true)
  expect(value.value).toBe(Math.fround(0.2))
})

test("Python's codes stand for int32, float64 and uint8", () => {
  expect([new SharedValue('i', 0), new SharedValue('d', 0), new SharedValue('c', 0)].map(({ type }) => type)).toEqual([
    'int32',
    'float64',
    'uint8',
  ])
})

test('an unknown type is refused', () => {
  for (const type of ['int64', 'f', '', 'toString', undefined, null, 1, {}, ['i']] as unknown as 'i'[])
    expect(outcomeOf(() => new SharedValue(type))).toEqual(invalid)
})

test('the lock is the same object each time, another one for each value, and shared by all that opened the value', () => {
  const value = new SharedValue('i')
  const opened = SharedValue.fromHandle(value.toHandle())
  expect(value.getLock()).toBe(value.getLock())
  const guard = value.getLock().acquireSync()
  expect(opened.getLock().tryAcquire()).toBeUndefined()
  const ofAnother = new SharedValue('i').getLock().tryAcquire()
  expect(ofAnother?.held).toBe(true)
  guard.release()
  expect(opened.getLock().tryAcquire()?.held).toBe(true)
})

test('every method works while somebody holds the lock', () => {
  const value = new SharedValue('i', 1)
  const guard = value.getLock().acquireSync()
  const opened = SharedValue.fromHandle(value.toHandle())
  opened.value = 2
  expect(opened.add(3)).toBe(5)
  expect(opened.compareAndSet(5, 6)).toBe(true)
  expect(value.value).toBe(6)
  guard.release()
})

test('random calls leave what a plain variable would hold, in each type', () => {
  const call = (numbers: fc.Arbitrary<number | bigint>) =>
    fc.oneof(
      fc.tuple(fc.constant('assign' as const), numbers, numbers),
      fc.tuple(fc.constant('add' as const), numbers, numbers),
      fc.tuple(fc.constant('compareAndSet' as const), numbers, numbers),
      fc.tuple(fc.constant('reopen' as const), numbers, numbers),
    )
  const inRange = (type: ElementType, value: number | bigint) => {
    const [below, above] = samples[type].beyond
    return below === undefined || above === undefined || (value > below && value < above)
  }
  // Small steps about the ends and the middle, so that the ends are met often.
  const numbersOf = (type: ElementType): fc.Arbitrary<number | bigint> => {
    if (isFloat(type)) return type === 'float32' ? fc.float() : fc.double()
    const near = samples[type].held.flatMap((each) =>
      [-2, -1, 0, 1, 2].map((step) => (typeof each === 'bigint' ? each + BigInt(step) : each + step)),
    )
    return fc.constantFrom(...near)
  }
  for (const type of elementTypes)
    fc.assert(
      fc.property(fc.array(call(numbersOf(type)), { maxLength: 12 }), (calls) => {
        let twin: number | bigint = isBig(type) ? 0n : 0
        const round = (value: number | bigint) => (type === 'float32' ? Math.fround(value as number) : value)
        let value = new SharedValue(type)
        for (const [op, first, second] of calls) {
          let expected: unknown
          let act: () => unknown
          if (op === 'reopen') {
            value = SharedValue.fromHandle(structuredClone(value.toHandle()) as SharedValueHandle)
            continue
          }
          if (op === 'assign') {
            const valid = inRange(type, first)
            if (valid) twin = first
            expected = valid ? { returned: first } : outOfRange
            act = () => {
              value.value = first
              return first
            }
          } else if (op === 'add') {
            const sum: number | bigint =
              typeof twin === 'bigint' ? twin + (first as bigint) : round(twin + (first as number))
            const valid = inRange(type, sum)
            if (valid) twin = sum
            expected = valid ? { returned: sum } : outOfRange
            act = () => value.add(first)
          } else {
            const valid = inRange(type, first) && inRange(type, second)
            const same = Object.is(twin, first)
            if (valid && same) twin = second
            expected = valid ? { returned: same } : outOfRange
            act = () => value.compareAndSet(first, second)
          }
          expect(outcomeOf(act)).toEqual(expected)
          expect(Object.is(value.value, twin)).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
})

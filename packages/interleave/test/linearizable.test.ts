import { checkLinearizable, ILLEGAL, type Operation, type SequentialModel } from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

type RegisterInput = { readonly write: number } | 'read'

const register: SequentialModel<number, RegisterInput, number> = {
  initial: 0,
  step(value, input, output, pending) {
    if (input !== 'read') return input.write
    return pending || output === value ? value : ILLEGAL
  },
}

const write = (value: number, call: number, end?: number): Operation<RegisterInput, number> => ({
  input: { write: value },
  call,
  return: end,
})
const read = (output: number, call: number, end?: number): Operation<RegisterInput, number> => ({
  input: 'read',
  output,
  call,
  return: end,
})

describe('a register', () => {
  test('with a stale read is illegal, and the report says which', () => {
    const stale = read(0, 3, 4)
    const first = write(1, 1, 2)
    const report = checkLinearizable([first, stale], register)
    expect(report).toMatchObject({ verdict: 'illegal', order: [first], stuckAt: [stale] })
  })

  test('with the same read is right if the write overlaps it', () => {
    expect(checkLinearizable([write(1, 1, 4), read(0, 3, 5)], register).verdict).toBe('ok')
    expect(checkLinearizable([write(1, 1, 3), read(0, 3, 5)], register).verdict).toBe('ok')
  })

  test('read in opposite orders by two readers is illegal', () => {
    const history = [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)]
    expect(checkLinearizable(history, register).verdict).toBe('illegal')
    const during = [write(1, 0, 100), read(1, 10, 20), read(0, 30, 40)]
    expect(checkLinearizable(during, register).verdict).toBe('illegal')
  })

  test('written by somebody who never returned may have been written at any time after, or not', () => {
    expect(checkLinearizable([write(5, 0), read(0, 1, 2), read(5, 3, 4), read(5, 5, 6)], register).verdict).toBe('ok')
    expect(checkLinearizable([write(5, 0), read(0, 1, 2)], register)).toMatchObject({
      verdict: 'ok',
      order: [{ output: 0 }],
    })
    expect(checkLinearizable([write(5, 0), read(5, 1, 2), read(0, 3, 4)], register).verdict).toBe('illegal')
    expect(checkLinearizable([read(5, 1, 2), write(5, 3)], register).verdict).toBe('illegal')
  })

  test('read by somebody who never returned has read anything', () => {
    expect(checkLinearizable([read(77, 0), write(1, 1, 2)], register).verdict).toBe('ok')
  })

  test('of whose history nothing is known is right', () => {
    expect(checkLinearizable([], register)).toEqual({
      verdict: 'ok',
      states: 0,
      part: undefined,
      order: [],
      stuckAt: [],
    })
  })

  test('gives an order that explains what was read', () => {
    const history = [write(1, 0, 9), read(0, 1, 2), write(2, 0, 9), read(2, 3, 4), read(1, 5, 6)]
    const { verdict, order } = checkLinearizable(history, register)
    expect(verdict).toBe('ok')
    const said = order.map(({ input, output }) => (input === 'read' ? `read ${output}` : `write ${input.write}`))
    expect(said).toEqual(['read 0', 'write 2', 'read 2', 'write 1', 'read 1'])
  })
})

interface KeyValueInput {
  readonly key: string
  readonly append?: string
}

const keyValue: SequentialModel<string, KeyValueInput, string> = {
  initial: '',
  step: (value, { append }, output, pending) =>
    append !== undefined ? value + append : pending || output === value ? value : ILLEGAL,
  partOf: ({ key }) => key,
}

describe('a map', () => {
  const append = (key: string, text: string, call: number, end: number) => ({
    input: { key, append: text },
    call,
    return: end,
  })
  const get = (key: string, output: string, call: number, end: number) => ({
    input: { key },
    output,
    call,
    return: end,
  })

  test('is checked key by key', () => {
    const right = [
      append('x', 'a', 0, 3),
      append('y', 'b', 1, 4),
      append('x', 'c', 2, 5),
      get('x', 'ca', 6, 7),
      get('y', 'b', 6, 8),
    ]
    expect(checkLinearizable(right, keyValue)).toMatchObject({ verdict: 'ok', part: undefined })
  })

  test('that lost an update is illegal at that key', () => {
    const lost = [append('y', 'b', 0, 1), append('x', 'a', 2, 3), append('x', 'c', 4, 5), get('x', 'c', 6, 7)]
    const report = checkLinearizable(lost, keyValue)
    expect(report).toMatchObject({ verdict: 'illegal', part: 'x', stuckAt: [{ output: 'c' }] })
    expect(report.order).toHaveLength(3)
  })
})

describe('much at a time', () => {
  test('needs few states when it is remembered where there was no way', () => {
    // Twelve writes at the same time and a read of none of them: without memory 12! orders.
    const history = [...Array.from({ length: 12 }, (_, i) => write(i + 1, 0, 1)), read(99, 2, 3)]
    const report = checkLinearizable(history, register)
    expect(report.verdict).toBe('illegal')
    expect(report.states).toBeLessThanOrEqual(12 * 2 ** 12)
  })

  test('hits a bound rather than to pass', () => {
    const history = [...Array.from({ length: 12 }, (_, i) => write(i + 1, 0, 1)), read(99, 2, 3)]
    expect(checkLinearizable(history, register, { maxStates: 100 })).toMatchObject({
      verdict: 'bound hit',
      states: 101,
      stuckAt: [],
    })
  })

  test('is checked in a long history, too', () => {
    const history = Array.from({ length: 2_000 }, (_, i) => [write(i, 2 * i, 2 * i + 3), read(i, 2 * i + 1, 2 * i + 4)])
    expect(checkLinearizable(history.flat(), register)).toMatchObject({ verdict: 'ok' })
  })
})

describe('beside the checker that tries all orders', () => {
  const operation = fc
    .record({
      input: fc.oneof(
        fc.constant<RegisterInput>('read'),
        fc.nat({ max: 2 }).map((value) => ({ write: value })),
      ),
      output: fc.nat({ max: 2 }),
      call: fc.nat({ max: 8 }),
      length: fc.nat({ max: 4 }),
      returns: fc.boolean(),
    })
    .map(
      ({ input, output, call, length, returns }): Operation<RegisterInput, number> => ({
        input,
        output,
        call,
        return: returns || length < 3 ? call + length : undefined,
      }),
    )

  function naive(history: readonly Operation<RegisterInput, number>[], value: number): boolean {
    if (history.every((one) => one.return === undefined)) return true
    return history.some((next) => {
      const rest = history.filter((other) => other !== next)
      if (rest.some((other) => other.return !== undefined && other.return < next.call)) return false
      const after = register.step(value, next.input, next.output, next.return === undefined)
      return after !== ILLEGAL && naive(rest, after)
    })
  }

  test('random histories of a register get the same verdict', () => {
    let illegal = 0
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
        const expected = naive(history, 0) ? 'ok' : 'illegal'
        if (expected === 'illegal') illegal++
        expect(checkLinearizable(history, register).verdict).toBe(expected)
      }),
      { numRuns: 1_000, seed: 3 },
    )
    expect(illegal).toBeGreaterThan(100)
  })
})

describe('checkLinearizable refuses', () => {
  test('times that are none, and a return before the call', () => {
    expect(() => checkLinearizable([read(0, Number.NaN, 1)], register)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    )
    expect(() => checkLinearizable([read(0, 2, 1)], register)).toThrow('must not return before it is called: 2 to 1')
    expect(() => checkLinearizable([read(0, '1' as unknown as number)], register)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    )
    expect(() => checkLinearizable([], register, { maxStates: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    )
  })

  test('nothing that the model throws', () => {
    const throws: typeof register = {
      initial: 0,
      step() {
        throw new Error('from the model')
      },
    }
    expect(() => checkLinearizable([read(0, 0, 1)], throws)).toThrow('from the model')
  })

  test('no states that only a text of its own tells apart', () => {
    const bigint: SequentialModel<bigint, RegisterInput, number> = {
      initial: 0n,
      step: (value, input) => (input === 'read' ? value : BigInt(input.write)),
      keyOf: String,
    }
    expect(checkLinearizable([write(1, 0, 1), read(1, 2, 3)], bigint).verdict).toBe('ok')
  })
})

import { SharedList } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'

type Value = number | string | undefined

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constant(undefined),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer({ min: 0, max: 2000 }).map((length) => 'v'.repeat(length)),
)
const index = fc.integer({ min: -30, max: 30 })
const values = fc.array(value, { maxLength: 30 })

type Operation =
  | { readonly op: 'append'; readonly value: Value }
  | { readonly op: 'extend'; readonly values: Value[] }
  | { readonly op: 'set' | 'insert'; readonly index: number; readonly value: Value }
  | { readonly op: 'get' | 'popAt'; readonly index: number }
  | { readonly op: 'slice'; readonly index: number; readonly end: number | undefined }
  | { readonly op: 'pop' | 'clear' | 'drop' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('append' as const), value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('extend' as const), values }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom('set' as const, 'insert' as const), index, value }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'popAt' as const), index }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('slice' as const), index, end: fc.option(index, { nil: undefined }) }),
  },
  { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('pop' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('clear' as const, 'drop' as const) }) },
)

const refused = 'ERR_OUT_OF_RANGE'
const needsRoom = new Set(['append', 'extend', 'insert', 'set'])

const isThere = ({ length }: Value[], at: number): boolean => at >= -length && at < length

/** What the operation gives on the obvious list, which it changes. */
function naive(array: Value[], done: Operation): unknown {
  const { length } = array
  switch (done.op) {
    case 'append':
      return array.push(done.value)
    case 'extend':
      return array.push(...done.values)
    case 'set':
      if (!isThere(array, done.index)) return refused
      array.splice(done.index, 1, done.value)
      return undefined
    case 'get':
      return isThere(array, done.index) ? array.at(done.index) : refused
    case 'popAt':
      return isThere(array, done.index) ? array.splice(done.index, 1)[0] : refused
    case 'insert':
      if (done.index < -length || done.index > length) return refused
      array.splice(done.index, 0, done.value)
      return undefined
    case 'slice':
      return array.slice(done.index, done.end)
    case 'pop':
      return array.pop()
    case 'clear':
      array.length = 0
      return undefined
    case 'drop':
      array.length = length >> 3
      return undefined
  }
}

function shared(list: SharedList<Value>, done: Operation): unknown {
  switch (done.op) {
    case 'append':
      return list.append(done.value)
    case 'extend':
      return list.extend(done.values)
    case 'set':
      return list.set(done.index, done.value)
    case 'insert':
      return list.insert(done.index, done.value)
    case 'get':
      return list.get(done.index)
    case 'popAt':
      return list.pop(done.index)
    case 'slice':
      return list.slice(done.index, done.end)
    case 'pop':
      return list.pop()
    case 'clear':
      return list.clear()
    case 'drop': {
      // Most of it, so that the table shrinks.
      for (let left = list.length - (list.length >> 3); left > 0; left--) list.pop()
      return undefined
    }
  }
}

/** What it gives; for a number out of range, or no room, the code of the error. */
function outcome(list: SharedList<Value>, done: Operation): { result: unknown; isFull: boolean } {
  try {
    return { result: shared(list, done), isFull: false }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code !== refused) throw error
    return { result: code, isFull: message.includes('no room') }
  }
}

test('SM9: random operations through two openings give what an array gives, and leave what it holds', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
      const array: Value[] = []
      const list = new SharedList<Value>({ bytes: 2 ** 21 })
      const both = [list, SharedList.fromHandle<Value>(list.toHandle())]
      for (const [turn, done] of operations.entries()) {
        const { result, isFull } = outcome(both[turn % 2] as SharedList<Value>, done)
        expect(isFull).toBe(false)
        expect(result).toEqual(naive(array, done))
        expect(list.length).toBe(array.length)
      }
      expect([...list]).toEqual(array)
    }),
    { numRuns: 60 },
  )
})

test('in a memory that gets full, what is refused changes nothing, and what is taken out needs no room', () => {
  let full = 0
  fc.assert(
    fc.property(fc.array(operation, { minLength: 50, maxLength: 120 }), (operations) => {
      const array: Value[] = []
      const list = new SharedList<Value>({ memory: ThreadMemory.create({ bytes: 8 * 1024, participants: 2 }) })
      for (const done of operations) {
        const { result, isFull } = outcome(list, done)
        expect(result).toEqual(isFull ? refused : naive(array, done))
        expect(!isFull || needsRoom.has(done.op)).toBe(true)
        full += Number(isFull)
        expect(list.length).toBe(array.length)
      }
      expect(list.toArray()).toEqual(array)
      const rest = array.splice(0)
      for (const expected of rest) expect(list.pop(0)).toEqual(expected)
      expect(list.length).toBe(0)
    }),
    { numRuns: 25 },
  )
  expect(full).toBeGreaterThan(0)
})

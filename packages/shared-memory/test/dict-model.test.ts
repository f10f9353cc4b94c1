import { SharedDict } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { auditDict } from './support/audit-dict.js'
import { outcomeOf, outOfRange } from './support/outcome.js'

type Key = string | number
type Value = number | string | undefined

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom<Key>('', '__proto__', 'constructor', 'toString', '1', 1, 0, -0, '0', Number.NaN, 'NaN', 1.5, -1),
  fc.constantFrom<Key>(
    '\ud800',
    '\udc00',
    'é',
    'ÿĀ',
    '語',
    'a\0',
    'a',
    'a\0\0',
    '\0',
    'x'.repeat(3000),
    'y'.repeat(3001),
  ),
  fc.integer({ min: 0, max: 200 }).map((n) => `k${n}`),
  fc.integer({ min: -20, max: 20 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constant(undefined),
  fc.string({ maxLength: 20 }),
  fc.integer({ min: 0, max: 3000 }).map((length) => 'v'.repeat(length)),
)

type Operation =
  | { readonly op: 'set' | 'update'; readonly key: Key; readonly value: Value }
  | { readonly op: 'get' | 'has' | 'delete'; readonly key: Key }
  | { readonly op: 'clear' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constantFrom('set' as const, 'update' as const), key, value }) },
  { weight: 12, arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'has' as const, 'delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
)

/** Does one operation on both; returns what each gave. */
function both(map: Map<Key, Value>, dict: SharedDict<Value>, done: Operation): [unknown, unknown] {
  switch (done.op) {
    case 'set':
      return [map.set(done.key, done.value) && undefined, dict.set(done.key, done.value) && undefined]
    case 'update': {
      const seen: unknown[] = []
      const next = dict.update(done.key, (before) => {
        seen.push(before)
        return done.value
      })
      const before = map.get(done.key)
      map.set(done.key, done.value)
      return [
        [[before], done.value],
        [seen, next],
      ]
    }
    case 'clear':
      return [map.clear(), dict.clear()]
    default:
      return [map[done.op](done.key), dict[done.op](done.key)]
  }
}

test('SM11: random operations give what a Map gives, and leave what it holds, in its order', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
      const map = new Map<Key, Value>()
      const memory = ThreadMemory.create({ bytes: 2 ** 20, participants: 1 })
      const dict = new SharedDict<Value>({ memory })
      for (const done of operations) {
        const [expected, found] = both(map, dict, done)
        expect(found).toEqual(expected)
        expect(dict.size).toBe(map.size)
      }
      expect([...dict]).toEqual([...map])
      expect(auditDict(memory.words, dict.toHandle().index).live).toBe(map.size)
    }),
    { numRuns: 100 },
  )
})

/** Keys of 8 units with one hash: the second half of each undoes what the first has done. `seed` is the dict's own. */
function collidingKeys(count: number, seed: number): string[] {
  const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by))
  const inverse = (factor: number) => {
    let found = factor
    for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(factor, found))
    return found
  }
  const mixed = (word: number) => Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
  const unmixed = (word: number) => Math.imul(rotate(Math.imul(word, inverse(0x1b873593)), 17), inverse(0xcc9e2d51))
  const after = (word: number) => (Math.imul(rotate(seed ^ mixed(word), 13), 5) + 0xe6546b64) | 0
  const text = (word: number) => String.fromCharCode(...[0, 8, 16, 24].map((shift) => (word >>> shift) & 255))
  return Array.from({ length: count }, (_, n) => text(n) + text(unmixed(after(n) ^ mixed(7))))
}

test('keys of one hash are told apart', () => {
  const memory = ThreadMemory.create()
  const dict = new SharedDict<Value>({ memory })
  const { index } = dict.toHandle()
  const keys = collidingKeys(300, memory.words[index + 3] as number)
  const map = new Map<Key, Value>()
  for (let i = 0; i < 6000; i++) {
    const name = keys[(i * i * 31) % keys.length] as string
    const [found, expected] = both(
      map,
      dict,
      i % 3 === 0 ? { op: 'delete', key: name } : { op: 'set', key: name, value: i },
    )
    expect(found).toEqual(expected)
  }
  expect([...dict]).toEqual([...map])
  const hashes = new Set<unknown>()
  const table = ((memory.words[index + 146] as number) >>> 5) * 4
  const buckets = memory.words.subarray(table + 2, table + 2 + 2 ** ((memory.words[index + 146] as number) & 31))
  for (const first of buckets) if (first !== 0) hashes.add(memory.words[first + 3])
  expect(hashes.size).toBe(1)
})

test('a memory that is full refuses what does not fit, keeps all else, and takes more when something was deleted', () => {
  const map = new Map<Key, Value>()
  const dict = new SharedDict<Value>({ memory: ThreadMemory.create({ bytes: 24 * 1024 }) })
  const refused: unknown[] = []
  for (let i = 0; i < 4000; i++) {
    const name = `k${(i * 7919) % 700}`
    const text = 'v'.repeat((i * 31) % 300)
    const outcome = outcomeOf(() => dict.set(name, text))
    if (outcome instanceof Error) {
      refused.push(outcome)
      const [first] = map.keys()
      dict.delete(first as Key)
      map.delete(first as Key)
    } else map.set(name, text)
  }
  expect(refused.length).toBeGreaterThan(100)
  expect(refused).toEqual(refused.map(() => outOfRange))
  expect([...dict]).toEqual([...map])
})

test('SM13: fresh keys of changing size, inserted and deleted for ever, take no more memory', () => {
  const memory = ThreadMemory.create({ bytes: 64 * 1024 })
  const dict = new SharedDict<string>({ memory })
  const kept: string[] = []
  for (let i = 0; i < 12_000; i++) {
    const name = `${i}`.repeat(1 + (i % 9))
    dict.set(name, 'v'.repeat((i * 37) % 900))
    kept.push(name)
    if (kept.length > 20) dict.delete(kept.splice((i * 13) % 20, 1)[0] as string)
  }
  expect([...dict.keys()]).toEqual(kept)
  for (const name of kept) expect(dict.delete(name)).toBe(true)
  // All that was free is one again.
  dict.set('large', 'v'.repeat(20_000))
  expect(dict.size).toBe(1)
})

test('forty thousand entries are found again, and the table has grown with them', () => {
  const dict = new SharedDict<number>()
  const count = 40_000
  for (let i = 0; i < count; i++) dict.set(i % 2 ? i : `key ${i}`, i)
  expect(dict.size).toBe(count)
  let wrong = 0
  for (let i = 0; i < count; i++) if (dict.get(i % 2 ? i : `key ${i}`) !== i) wrong += 1
  expect(wrong).toBe(0)
})

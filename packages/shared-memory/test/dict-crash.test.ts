import { isDeepStrictEqual } from 'node:util'
import { SharedDict } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { auditDict } from './support/audit-dict.js'
import { CrashMemory } from './support/crash.js'

type Value = number | string | undefined
interface Dict extends Pick<SharedDict<Value>, 'delete' | 'clear'>, Iterable<unknown> {
  set(key: string, value: Value): unknown
  update(key: string, fn: (value: Value) => Value): unknown
}

/** What a dict should do. */
class Twin extends Map<string | number, Value> {
  update(key: string, fn: (value: Value) => Value): Value {
    const next = fn(this.get(key))
    this.set(key, next)
    return next
  }
}

/** Of the stores of a repair, each one comes first after some of the cuts: all after all would take long. */
const step = 29

interface Scenario {
  readonly name: string
  readonly before: (dict: Dict) => void
  readonly operation: (dict: Dict) => void
  readonly words?: number
}

const fill =
  (count: number, value: (n: number) => Value = (n) => n) =>
  (dict: Dict) => {
    for (let n = 0; n < count; n++) dict.set(`k${n}`, value(n))
  }

const scenarios: Scenario[] = [
  { name: 'the first insertion', before: () => {}, operation: (dict) => dict.set('a', 1) },
  { name: 'an insertion', before: fill(3), operation: (dict) => dict.set('new', 'value') },
  { name: 'an insertion that makes the table larger', before: fill(8), operation: (dict) => dict.set('k8', 8) },
  { name: 'the next growth of the table', before: fill(16), operation: (dict) => dict.set('k16', 16) },
  { name: 'an insertion that takes a chunk', before: fill(3), operation: (dict) => dict.set('x', 'y'.repeat(5000)) },
  { name: 'the first overwriting', before: fill(3), operation: (dict) => dict.set('k1', 3) },
  {
    name: 'an overwriting in place',
    before: (dict) => {
      fill(3)(dict)
      dict.set('k1', 'a value of some words')
      dict.set('k1', 'b value of some words')
    },
    operation: (dict) => dict.set('k1', 'c and each letter new'),
  },
  { name: 'an overwriting by a longer value', before: fill(3), operation: (dict) => dict.set('k1', 'long'.repeat(20)) },
  {
    name: 'an overwriting by a much shorter value',
    before: fill(3, () => 'long'.repeat(200)),
    operation: (dict) => dict.set('k1', 1),
  },
  { name: 'a deletion', before: fill(3), operation: (dict) => dict.delete('k2') },
  {
    name: 'a deletion between two free blocks',
    before: (dict) => {
      fill(7)(dict)
      dict.delete('k2')
      dict.delete('k4')
    },
    operation: (dict) => dict.delete('k3'),
  },
  { name: 'the last deletion', before: fill(1), operation: (dict) => dict.delete('k0') },
  { name: 'an update of what is there', before: fill(3), operation: (dict) => dict.update('k1', () => 'new') },
  {
    name: 'an update to a longer value',
    before: fill(3),
    operation: (dict) => dict.update('k1', () => 'long'.repeat(100)),
  },
  { name: 'an update of what is not there', before: fill(3), operation: (dict) => dict.update('new', () => 7) },
  {
    name: 'an update of what is not there that makes the table larger',
    before: fill(16),
    operation: (dict) => dict.update('k16', () => 7),
  },
  { name: 'clear', before: fill(20), operation: (dict) => dict.clear() },
]

const content = (dict: Dict) => [...dict]

/** The memory after `before`, and the content before and after `operation`. */
function prepare({ before, operation, words = 8192 }: Scenario) {
  const memory = new CrashMemory(words)
  const dict = new SharedDict<Value>({ memory: memory.memory as never })
  const { index } = dict.toHandle()
  before(dict)
  const twin: Dict = new Twin()
  before(twin)
  const old = content(twin)
  operation(twin)
  return { base: memory, index, old, now: content(twin) }
}

describe.each(scenarios)('$name, cut off at any of its stores', (scenario) => {
  const { operation } = scenario

  test('leaves all as before or all as after, every block accounted for, and a dict that goes on', () => {
    const { base, index, old, now } = prepare(scenario)
    let expected = old
    let stores = 0
    for (let done = false; !done; stores++) {
      const memory = base.copy()
      done = memory.cutOff<Value>(index, stores, operation)
      const heir = memory.heirOf<Value>(index)
      const found = content(heir)
      // Once the change is there, it is there after each later store as well.
      if (isDeepStrictEqual(found, now)) expected = now
      expect(found).toEqual(expected)
      expect(heir.size).toBe(found.length)
      for (const [key, value] of heir) expect(heir.get(key)).toBe(value)
      auditDict(memory.raw, index)
      operation(heir)
      expect(content(heir)).toEqual(now)
      auditDict(memory.raw, index)
    }
    expect(expected).toEqual(now)
    expect(stores).toBeGreaterThan(3)
  })

  test('is repaired although the repair is cut off at any of its own stores', () => {
    const { base, index, old, now } = prepare(scenario)
    for (let stores = 0; ; stores++) {
      const cut = base.copy()
      if (cut.cutOff<Value>(index, stores, operation)) break
      const expected = content(cut.copy().heirOf<Value>(index))
      expect([old, now]).toContainEqual(expected)
      // Where the sequence is even nothing is repaired: a look takes the lock, and no more.
      for (let repairs = stores % step; ; repairs += step) {
        const memory = cut.copy()
        const done = memory.cutOff<Value>(index, repairs, (dict) => void dict.keys())
        expect(content(memory.heirOf<Value>(index))).toEqual(expected)
        auditDict(memory.raw, index)
        if (done) break
      }
    }
  })
})

test('the place that one held who has died before its first value goes with the next repair, and when the table grows', () => {
  const base = new CrashMemory(8192)
  const { index } = new SharedDict<Value>({ memory: base.memory as never }).toHandle()
  // Cut off at each store in turn: after some, the place is held and the dict is whole.
  let held: CrashMemory | undefined
  for (let stores = 0; !held; stores++) {
    const memory = base.copy()
    if (memory.cutOff<Value>(index, stores, (dict) => void dict.update('never', () => 1))) break
    const isWhole = memory.raw[index + 1] === 0 && (memory.raw[index + 2] as number) % 2 === 0
    if (isWhole && auditDict(memory.raw, index).claim === 1) held = memory
  }
  const grown = (held as CrashMemory).copy()
  fill(20)(grown.heirOf<Value>(index))
  expect(auditDict(grown.raw, index)).toMatchObject({ claim: 0, live: 20 })
  const repaired = (held as CrashMemory).copy()
  repaired.raw[index + 2] = (repaired.raw[index + 2] as number) | 1
  expect(content(repaired.heirOf<Value>(index))).toEqual([])
  expect(auditDict(repaired.raw, index)).toMatchObject({ claim: 0, live: 0 })
})

import { SharedList } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { auditList } from './support/audit-list.js'
import { Deathbed } from './support/deathbed.js'

type Value = number | string
type List = SharedList<Value>

/** Of the stores of a repair, each comes first after some of the cuts: all after all would take long. */
const step = 37

interface Scenario {
  readonly name: string
  readonly before: Value[]
  readonly prelude?: (list: List) => void
  readonly operation: (list: List) => void
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

const scenarios: Scenario[] = [
  { name: 'the first append', before: [], operation: (list) => list.append('a') },
  { name: 'an append', before: numbers(3), operation: (list) => list.append('three') },
  { name: 'an append that makes the table larger', before: numbers(7), operation: (list) => list.append(7) },
  {
    name: 'an append that takes a chunk',
    before: ['x'.repeat(3800)],
    operation: (list) => list.append('y'.repeat(200)),
  },
  { name: 'an extension by some', before: numbers(3), operation: (list) => list.extend(['a', 'b', 'c']) },
  { name: 'an extension by many', before: numbers(3), operation: (list) => list.extend(numbers(20)) },
  { name: 'a set of the same size', before: numbers(3), operation: (list) => list.set(1, 7) },
  { name: 'a set to a longer value', before: numbers(3), operation: (list) => list.set(1, 'long'.repeat(50)) },
  { name: 'a set to a shorter value', before: [0, 'long'.repeat(50), 2], operation: (list) => list.set(1, 1) },
  { name: 'an insertion in the middle', before: numbers(4), operation: (list) => list.insert(2, 'new') },
  { name: 'an insertion that makes the table larger', before: numbers(9), operation: (list) => list.insert(0, 'new') },
  { name: 'an insertion among many', before: numbers(50), operation: (list) => list.insert(10, 'new') },
  { name: 'a pop of the last', before: numbers(4), operation: (list) => list.pop() },
  { name: 'a pop of the only one', before: [1], operation: (list) => list.pop() },
  { name: 'a pop of the first', before: numbers(4), operation: (list) => list.pop(0) },
  {
    name: 'a pop between two free blocks',
    before: numbers(7),
    prelude: (list) => {
      list.pop(2)
      list.pop(3)
    },
    operation: (list) => list.pop(2),
  },
  {
    name: 'a pop that makes the table smaller',
    before: numbers(60),
    prelude: (list) => {
      while (list.length > 23) list.pop()
    },
    operation: (list) => list.pop(5),
  },
  { name: 'clear', before: numbers(20), operation: (list) => list.clear() },
]

/** Takes the lock and changes nothing: what is to be repaired is repaired then. */
const touch = (list: List) => void list.extend([])

/** The words after `before`, and what the list is before and after `operation`. */
function prepare({ before, prelude, operation }: Scenario) {
  const base = new Deathbed<SharedList<Value>>(SharedList, 4096)
  const list = SharedList.from(before, { memory: base.memory })
  prelude?.(list)
  const handle = list.toHandle()
  const was = list.toArray()
  const after = base.copy()
  const stores = after.record(handle, operation)
  const now = after.heirOf(handle).toArray()
  expect(now).not.toEqual(was)
  return { base, handle, was, now, stores }
}

describe.each(scenarios)('$name, cut off after any of its stores', (scenario) => {
  test('leaves all as before or all as after, every block accounted for, and a list that goes on', () => {
    const { base, handle, was, now, stores } = prepare(scenario)
    let isDone = false
    for (let count = 0; count <= stores.length; count++) {
      const words = base.copy(stores.slice(0, count))
      const heir = words.heirOf(handle)
      const found = heir.toArray()
      if (found.length === now.length && found.every((value, at) => value === now[at])) isDone = true
      expect(found).toEqual(isDone ? now : was)
      touch(heir)
      auditList(words.raw, handle.index)
      scenario.operation(heir)
      expect(isDone ? now : heir.toArray()).toEqual(now)
      auditList(words.raw, handle.index)
    }
    expect(isDone).toBe(true)
  })

  test('is repaired although the repair is cut off after any of its own stores', () => {
    const { base, handle, stores } = prepare(scenario)
    for (let count = 0; count <= stores.length; count++) {
      const cut = base.copy(stores.slice(0, count))
      const expected = cut.copy().heirOf(handle).toArray()
      const repair = cut.copy().record(handle, touch)
      for (let repairs = count % step; repairs <= repair.length; repairs += step) {
        const words = cut.copy(repair.slice(0, repairs))
        const heir = words.heirOf(handle)
        expect(heir.toArray()).toEqual(expected)
        touch(heir)
        auditList(words.raw, handle.index)
      }
    }
  })
})

test('a disposal that is cut off leaves the list as it was, or empty, or disposed of', () => {
  const base = new Deathbed<SharedList<Value>>(SharedList, 4096)
  const list = SharedList.from<Value>(numbers(5), { memory: base.memory })
  const handle = list.toHandle()
  const stores = base.copy().record(handle, (mine) => mine.dispose())
  const seen = new Set<string>()
  for (let count = 0; count < stores.length; count++) {
    const words = base.copy(stores.slice(0, count))
    try {
      seen.add(words.heirOf(handle).toArray().join())
    } catch (error) {
      seen.add(String((error as { code?: string }).code))
    }
  }
  expect([...seen]).toEqual(['0,1,2,3,4', '', 'ERR_BAD_HANDLE'])
})

test('damaged words give a typed error or an answer, in every method, and never a hang', () => {
  const base = new Deathbed<SharedList<Value>>(SharedList, 4096)
  const list = SharedList.from<Value>([1, 'two', 'three'.repeat(20), 4, 5], { memory: base.memory })
  list.pop(1)
  const handle = list.toHandle()
  const first = handle.index + 1
  const methods: ((damaged: List) => unknown)[] = [
    (damaged) => damaged.length,
    (damaged) => damaged.get(1),
    (damaged) => damaged.toArray(),
    (damaged) => damaged.set(1, 'x'.repeat(100)),
    (damaged) => damaged.append(6),
    (damaged) => damaged.insert(0, 7),
    (damaged) => damaged.extend(numbers(50)),
    (damaged) => damaged.pop(0),
    (damaged) => damaged.pop(),
    (damaged) => damaged.clear(),
    (damaged) => damaged.append('after'),
    (damaged) => damaged.dispose(),
  ]
  const allowed = new Set(['ERR_CORRUPT', 'ERR_CLOSED', 'ERR_OUT_OF_RANGE'])
  const used = base.raw[0] as number
  // All of the object's own words, and of its chunk those that are in use.
  const places = numbers(used).filter((at) => at >= first && (at < first + 136 || base.raw[at] !== 0))
  let corrupt = 0
  for (const at of places)
    for (const nonsense of [-1, 2 ** 31 - 1, used - 8, (base.raw[at] as number) ^ 4, (base.raw[at] as number) + 1])
      for (let from = 0; from < methods.length; from += 5) {
        const words = base.copy()
        const damaged = words.heirOf(handle)
        words.raw[at] = nonsense
        for (const method of methods.slice(from)) {
          try {
            method(damaged)
          } catch (error) {
            const { code } = error as { code?: string }
            if (!allowed.has(String(code))) throw new Error(`word ${at - first} as ${nonsense}`, { cause: error })
            if (code === 'ERR_CORRUPT') corrupt += 1
          }
        }
      }
  expect(corrupt).toBeGreaterThan(100)
})

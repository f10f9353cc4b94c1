import { Segment, SharedDict, SharedList } from '@heddle/shared-memory'
import { Mutex, ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { auditList } from './support/audit-list.js'
import { Closable } from './support/closable.js'
import { startOnList } from './support/list-threads.js'
import { badHandle, invalid, outcomeOf, outOfRange } from './support/outcome.js'

const closed = expect.objectContaining({ name: 'ClosedError', code: 'ERR_CLOSED' })
const notCloneable = expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' })

/** Calls `interrupt` in front of the atomic step number `steps` of `run`. */
function afterSteps<Result>(steps: number, interrupt: () => void, run: () => Result): Result {
  const original = globalThis.Atomics
  let left = steps
  globalThis.Atomics = new Proxy(original, {
    get: (target, name) => {
      left -= 1
      if (left === 0) interrupt()
      return Reflect.get(target, name) as unknown
    },
  })
  try {
    return run()
  } finally {
    globalThis.Atomics = original
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('a new list', () => {
  test('is empty without values, and has those that it is made from', () => {
    expect(new SharedList().toArray()).toEqual([])
    expect(SharedList.from([]).length).toBe(0)
    expect(SharedList.from(new Set(['a', 'b'])).toArray()).toEqual(['a', 'b'])
    expect(SharedList.from(SharedList.from([1, 2])).toArray()).toEqual([1, 2])
  })

  test('takes options of the right kind only, and a memory or a size, not both', () => {
    const memory = ThreadMemory.create()
    for (const options of [null, 1, 'memory', { memory: {} }, { bytes: '1' }, { memory, bytes: 1024 }])
      expect(outcomeOf(() => new SharedList(options as never))).toEqual(invalid)
    for (const bytes of [0, -1, 1.5, Number.NaN]) expect(outcomeOf(() => new SharedList({ bytes }))).toEqual(outOfRange)
  })

  test('is not made from what is no iterable object', () => {
    for (const values of [undefined, null, 3, 'abc', {}])
      expect(outcomeOf(() => SharedList.from(values as never))).toEqual(invalid)
  })

  test('takes nothing from a memory where its values do not fit, or cannot be shared', () => {
    using segment = Segment.create({ size: 1 })
    expect(outcomeOf(() => SharedList.from(['x'.repeat(100_000)], { memory: segment }))).toEqual(outOfRange)
    expect(outcomeOf(() => SharedList.from([1, () => {}], { memory: segment }))).toEqual(notCloneable)
    expect(segment.stats()).toMatchObject({ areas: 0 })
  })
})

describe('SM9: an index', () => {
  test('below zero counts from the end', () => {
    const list = SharedList.from(['a', 'b', 'c'])
    expect([list.get(-1), list.get(-3), list.get(-0)]).toEqual(['c', 'a', 'a'])
    list.set(-1, 'C')
    list.insert(-1, 'between')
    expect(list.toArray()).toEqual(['a', 'b', 'between', 'C'])
    expect(list.pop(-2)).toBe('between')
    expect(list.slice(-2)).toEqual(['b', 'C'])
  })

  test('that is too far is refused and changes nothing, also in an empty list', () => {
    for (const values of [[], ['a', 'b']]) {
      const list = SharedList.from(values)
      const { length } = values
      for (const index of [length, -length - 1, 2 ** 31, -(2 ** 40)]) {
        expect(outcomeOf(() => list.get(index))).toEqual(outOfRange)
        expect(outcomeOf(() => list.set(index, 'x'))).toEqual(outOfRange)
        expect(outcomeOf(() => list.pop(index))).toEqual(outOfRange)
      }
      for (const index of [length + 1, -length - 1])
        expect(outcomeOf(() => list.insert(index, 'x'))).toEqual(outOfRange)
      expect(list.toArray()).toEqual(values)
    }
  })

  test('that is not whole, or no number, is refused and changes nothing', () => {
    const list = SharedList.from(['a', 'b'])
    const calls = (index: never) => [
      () => list.get(index),
      () => list.set(index, 'x'),
      () => list.insert(index, 'x'),
      () => list.pop(index),
      () => list.slice(index),
      () => list.slice(0, index),
    ]
    for (const index of [0.5, Number.NaN, Number.POSITIVE_INFINITY])
      for (const call of calls(index as never)) expect(outcomeOf(call)).toEqual(outOfRange)
    for (const index of ['0', null, 0n, {}])
      for (const call of calls(index as never)) expect(outcomeOf(call)).toEqual(invalid)
    expect(outcomeOf(() => list.get(undefined as never))).toEqual(invalid)
    expect(list.toArray()).toEqual(['a', 'b'])
  })
})

test('append and extend give the length that the list has then', () => {
  const list = new SharedList<string>()
  expect([list.append('a'), list.append('b'), list.extend(['c', 'd']), list.extend([])]).toEqual([1, 2, 4, 4])
})

test('pop of an empty list gives undefined, and leaves it empty', () => {
  const list = SharedList.from([1])
  expect([list.pop(), list.pop(), list.length]).toEqual([1, undefined, 0])
})

test('SM9: a value takes the place of one of another type and size', () => {
  const list = SharedList.from<unknown>([1, 2, 3])
  const values = [
    'text',
    undefined,
    null,
    5n,
    { a: [new Map([[1, new Set([2])]])] },
    'x'.repeat(10_000),
    new Uint8Array(3),
    0,
  ]
  for (const value of values) {
    list.set(1, value)
    expect(list.toArray()).toEqual([1, value, 3])
  }
})

test('each get makes a new value, and what is done to it does not reach the list', () => {
  const list = SharedList.from([{ n: 1 }])
  const first = list.get(0)
  first.n = 2
  expect(list.get(0)).toEqual({ n: 1 })
})

test('a shared object in a list arrives as one, also another list', () => {
  using memory = Segment.create({ size: 1 })
  const inner = SharedList.from([1], { memory })
  const list = SharedList.from<unknown>([new Mutex({ memory }), { inner }], { memory })
  expect(list.get(0)).toBeInstanceOf(Mutex)
  ;(list.pop() as { inner: SharedList<number> }).inner.append(2)
  expect(inner.toArray()).toEqual([1, 2])
  // What is in a thread memory cannot be bytes.
  expect(outcomeOf(() => list.append(new Mutex()))).toEqual(notCloneable)
  expect(list.length).toBe(1)
})

test('what a value throws while it is read comes out as it is, and nothing is changed', () => {
  const list = SharedList.from<unknown>([1, 2])
  const mine = new Error('mine')
  const thrower = {
    get field() {
      throw mine
    },
  }
  function* values() {
    yield 3
    throw mine
  }
  const calls = [
    () => list.append(thrower),
    () => list.set(0, thrower),
    () => list.insert(0, thrower),
    () => list.extend([3, thrower]),
    () => list.extend(values()),
  ]
  for (const call of calls) expect(outcomeOf(call)).toBe(mine)
  expect(outcomeOf(() => list.set(0, () => {}))).toEqual(notCloneable)
  expect(list.toArray()).toEqual([1, 2])
})

test('a value that works on the same list while it is read does not mix with it', () => {
  const list = new SharedList<unknown>()
  const value = {
    before: 'x'.repeat(100),
    get inside() {
      list.append('first')
      return list.get(0)
    },
  }
  list.append(value)
  expect(list.toArray()).toEqual(['first', { before: 'x'.repeat(100), inside: 'first' }])
})

describe('iteration', () => {
  test('is over what was there when it began, whatever becomes of the list', () => {
    const list = SharedList.from([1, 2, 3])
    const seen: number[] = []
    for (const value of list) {
      seen.push(value)
      list.pop(0)
      list.append(value + 10)
      list.set(0, 99)
    }
    expect(seen).toEqual([1, 2, 3])
    const iterator = list[Symbol.iterator]()
    const then = list.toArray()
    list.clear()
    expect([...iterator]).toEqual(then)
  })

  test('a list may be extended by itself', () => {
    const list = SharedList.from([1, 2])
    list.extend(list)
    expect(list.toArray()).toEqual([1, 2, 1, 2])
  })
})

test('slice leaves out what is not there, as that of an array does', () => {
  const list = SharedList.from([0, 1, 2, 3])
  for (const [start, end] of [
    [0, 4],
    [1, 3],
    [-3, -1],
    [2, 1],
    [-9, 2],
    [3, 9],
    [9, 10],
  ] as const)
    expect(list.slice(start, end)).toEqual([0, 1, 2, 3].slice(start, end))
})

describe('space', () => {
  test('SM8: a value that does not fit is refused, its neighbours are intact, and one that just fits is taken', () => {
    const list = SharedList.from<string>(['before', 'ü', 'after'], {
      memory: ThreadMemory.create({ bytes: 16 * 1024, participants: 2 }),
    })
    const fits = (length: number) => !(outcomeOf(() => list.set(1, 'ü'.repeat(length))) instanceof Error)
    let [most, least] = [1, 20_000]
    while (least - most > 1) {
      const length = (most + least) >> 1
      list.set(1, '')
      if (fits(length)) most = length
      else least = length
    }
    list.set(1, 'old')
    expect(outcomeOf(() => list.set(1, 'ü'.repeat(least)))).toEqual(outOfRange)
    expect(list.toArray()).toEqual(['before', 'old', 'after'])
    list.set(1, '')
    list.set(1, 'ü'.repeat(most))
    expect(list.toArray()).toEqual(['before', 'ü'.repeat(most), 'after'])
    expect(most).toBeGreaterThan(2_000)
  })

  test('that is used stays bounded under endless work with values of changing size', () => {
    const memory = ThreadMemory.create({ bytes: 32 * 1024 })
    const list = new SharedList<string>({ memory })
    const { index } = list.toHandle()
    const sizes: number[] = []
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 400; i++) {
        list.append('v'.repeat((i * 37) % 400))
        list.insert(i % 3, 'w'.repeat((i * 11) % 300))
        list.set(-1, 'x'.repeat((i * 53) % 500))
        if (list.length > 12) for (let n = 0; n < 2; n++) list.pop(i % 5)
      }
      sizes.push(auditList(memory.words, index))
    }
    expect(sizes.at(-1)).toBe(sizes[1])
  })

  test('an extension that does not fit whole adds nothing, and can be repeated with less', () => {
    const list = SharedList.from(['kept'], { memory: ThreadMemory.create({ bytes: 16 * 1024, participants: 2 }) })
    expect(outcomeOf(() => list.extend(Array(40).fill('x'.repeat(500))))).toEqual(outOfRange)
    expect(list.toArray()).toEqual(['kept'])
    expect(list.extend(Array(10).fill('x'.repeat(500)))).toBe(11)
  })

  test('for a table that could grow is taken where there is some, and done without where there is none', () => {
    const memory = ThreadMemory.create({ bytes: 16 * 1024, participants: 2 })
    expect(SharedList.from(Array(340).fill(1), { memory }).length).toBe(340)
  })

  test('of a full list comes back by pop from either end, which needs none', () => {
    const memory = ThreadMemory.create({ bytes: 16 * 1024, participants: 2 })
    const list = new SharedList<number>({ memory })
    while (!(outcomeOf(() => list.append(list.length)) instanceof Error));
    const full = list.length
    expect(list.toArray()).toEqual(numbers(full))
    expect([list.pop(0), list.pop(3), list.pop()]).toEqual([0, 4, full - 1])
    expect(list.append(7)).toBe(full - 2)
    list.clear()
    auditList(memory.words, list.toHandle().index)
    expect(list.extend(numbers(full >> 1))).toBe(full >> 1)
  })

  test('of a table that has become far too large is given back', () => {
    const memory = ThreadMemory.create({ bytes: 512 * 1024 })
    const list = SharedList.from(numbers(4000), { memory })
    while (list.length > 3) list.pop()
    expect(list.toArray()).toEqual([0, 1, 2])
    const { index } = list.toHandle()
    const table = memory.words[index + 1 + 135] as number
    expect((memory.words[table] as number) >>> 3).toBeLessThan(20)
    auditList(memory.words, index)
  })
})

describe('the end', () => {
  const uses = (list: SharedList<number>): (() => unknown)[] => [
    () => list.length,
    () => list.get(0),
    () => list.set(0, 1),
    () => list.append(1),
    () => list.extend([1]),
    () => list.insert(0, 1),
    () => list.pop(),
    () => list.pop(0),
    () => list.slice(),
    () => list.toArray(),
    () => [...list],
    () => list.clear(),
    () => list.dispose(),
  ]

  test('after dispose, each use throws ERR_CLOSED, in every opening, and a handle is refused', () => {
    using segment = Segment.create({ size: 1 })
    const list = SharedList.from([1, 2, 3], { memory: segment })
    const handle = list.toHandle()
    const other = SharedList.fromHandle<number>(handle)
    const iterator = other[Symbol.iterator]()
    list.dispose()
    for (const use of [...uses(list), ...uses(other)]) expect(outcomeOf(use)).toEqual(closed)
    expect(outcomeOf(() => SharedList.fromHandle(handle))).toEqual(badHandle)
    expect([...iterator]).toEqual([1, 2, 3])
    expect(segment.stats().areas).toBe(0)
  })

  test('in a closed memory each use throws ERR_CLOSED, whether its words are gone or not', () => {
    for (const close of ['leave', 'takeAway'] as const) {
      const target = ThreadMemory.create()
      const closable = new Closable(target)
      const list = SharedList.from([1, 2], { memory: closable.memory })
      closable[close]()
      for (const use of uses(list)) expect(outcomeOf(use)).toEqual(closed)
    }
  })

  test('after one participant has closed the memory, the list is there for the others', () => {
    const closable = new Closable(ThreadMemory.create())
    const list = SharedList.from([1, 2], { memory: closable.memory })
    const other = SharedList.fromHandle<number>(list.toHandle())
    closable.leave()
    expect(outcomeOf(() => list.append(3))).toEqual(closed)
    expect(other.append(4)).toBe(3)
    expect(other.toArray()).toEqual([1, 2, 4])
  })

  test('a memory that is taken away in the middle of a call makes it throw ERR_CLOSED, or its answer is right', () => {
    const calls: [(list: SharedList<number>) => unknown, unknown][] = [
      [(list) => list.length, 2],
      [(list) => list.get(1), 7],
      [(list) => list.toArray(), [5, 7]],
      [(list) => list.pop(), 7],
      [(list) => list.pop(0), 5],
      [(list) => list.append(3), 3],
      [(list) => list.insert(1, 9), undefined],
    ]
    for (const [call, answer] of calls)
      for (let steps = 1; steps < 50; steps++) {
        const closable = new Closable(ThreadMemory.create())
        const list = SharedList.from([5, 7], { memory: closable.memory })
        const outcome = afterSteps(
          steps,
          () => closable.takeAway(),
          () => outcomeOf(() => call(list)),
        )
        expect([closed, { returned: answer }]).toContainEqual(outcome)
      }
  })
})

describe('a handle', () => {
  test('is plain data, and opens the same list in another thread', async () => {
    const list = SharedList.from(['a', 'b'])
    expect(structuredClone(list.toHandle())).toMatchObject({ kind: 'shared-memory/SharedList', version: 1 })
    const { result } = startOnList('get', list, { index: -1 })
    expect(await result).toBe('b')
  })

  test('of something else, of another version, or with a wrong index is refused', () => {
    const handle = new SharedList().toHandle()
    const last = ThreadMemory.create({ bytes: 4096 * 4 })
    for (const wrong of [
      null,
      {},
      new SharedDict().toHandle(),
      new Mutex().toHandle(),
      { ...handle, version: 2 },
      { ...handle, index: handle.index + 16 },
      { ...handle, index: -1 },
      { ...handle, ...last.toHandle(), index: 0 },
    ])
      expect(outcomeOf(() => SharedList.fromHandle(wrong as never))).toEqual(badHandle)
  })

  test('opens by the kind that the packages share', () => {
    const kinds = (globalThis as unknown as Record<symbol, Map<string, { fromHandle(handle: object): unknown }>>)[
      Symbol.for('heddle.kinds')
    ]
    const opened = kinds?.get('shared-memory/SharedList')?.fromHandle(SharedList.from([4]).toHandle())
    expect((opened as SharedList<number>).toArray()).toEqual([4])
  })
})

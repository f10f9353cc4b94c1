import { ThreadSafePriorityQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { PriorityDeathbed } from './support/priority-deathbed.js'

type Queue = ThreadSafePriorityQueue<string>

const capacity = 5
/** Of one item of so many bytes each block is needed. */
const capacityBytes = 605
const size = { capacity, capacityBytes }

/** An item of so many bytes, by the letter it is made of. */
const itemOf = (letter: string, bytes: number): string => letter.repeat(bytes - 1)

interface Scenario {
  readonly name: string
  readonly before: (queue: Queue) => void
  readonly operation: (queue: Queue) => unknown
}

const fill = (queue: Queue): void => {
  queue.putSync(itemOf('a', 5), { priority: 1, timeout: 0 })
  queue.putSync(itemOf('b', 200), { priority: 3, timeout: 0 })
  queue.putSync(itemOf('c', 64), { priority: 2, timeout: 0 })
  queue.putSync(itemOf('d', 130), { priority: 3, timeout: 0 })
}

/** A queue in which every word that can be reused was used before. */
const worn = (queue: Queue): void => {
  for (let round = 0; round < 3; round++) {
    fill(queue)
    queue.tryGetMany(round + 2)
    queue.putSync(itemOf('w', 70), { priority: 9 - round, timeout: 0 })
    queue.tryGetMany(9)
  }
  fill(queue)
}

const scenarios: Scenario[] = [
  { name: 'the first put', before: () => {}, operation: (queue) => queue.putSync(itemOf('n', 9)) },
  { name: 'a put of more than a cell takes', before: () => {}, operation: (queue) => queue.putSync(itemOf('n', 200)) },
  { name: 'a put behind all', before: fill, operation: (queue) => queue.tryPut(itemOf('n', 9), { priority: -1 }) },
  { name: 'a put before all', before: worn, operation: (queue) => queue.tryPut(itemOf('n', 150), { priority: 9 }) },
  {
    name: 'a put of several',
    before: (queue) => queue.putSync(itemOf('a', 5)),
    operation: (queue) => queue.tryPutMany([itemOf('n', 5), itemOf('o', 99), itemOf('p', 65)], { priority: 1 }),
  },
  {
    name: 'a get of the only one',
    before: (queue) => queue.putSync(itemOf('a', 5)),
    operation: (queue) => queue.getSync(),
  },
  { name: 'a get', before: fill, operation: (queue) => queue.getSync() },
  { name: 'a get after many', before: worn, operation: (queue) => queue.tryGet() },
  { name: 'a get of several', before: worn, operation: (queue) => queue.tryGetMany(3) },
  { name: 'a get of all', before: fill, operation: (queue) => queue.tryGetMany(4) },
]

/** All that is inside, as they leave one by one. */
function drain(queue: Queue): string[] {
  const items: string[] = []
  for (let next = queue.tryGet(); next; next = queue.tryGet()) items.push(next.item)
  return items
}

/** Takes all, and then puts as much as the queue holds: no cell and no block is lost. */
function use(queue: Queue): string[] {
  const { size: before, putCount, getCount } = queue.getStats()
  expect(putCount - getCount).toBe(before)
  const items = drain(queue)
  expect(items).toHaveLength(before)
  for (let round = 0; round < 2; round++) {
    const all = itemOf('z', capacityBytes)
    queue.putSync(all, { timeout: 0 })
    expect(queue.tryPut('')).toBe(false)
    expect(drain(queue)).toEqual([all])
    const each = Array.from({ length: capacity }, (_, n) => itemOf(`${n}`, 65 + 60 * (n % 2)))
    for (const [n, item] of each.entries()) queue.putSync(item, { priority: -n, timeout: 0 })
    expect(queue.tryPut('')).toBe(false)
    expect(drain(queue)).toEqual(each)
  }
  expect(queue.getStats()).toMatchObject({ size: 0, putCount: putCount + 12, getCount: putCount + 12 })
  return items
}

function prepare({ before, operation }: Scenario) {
  const base = new PriorityDeathbed(4096)
  const queue: Queue = new ThreadSafePriorityQueue({ ...size, memory: base.memory })
  before(queue)
  const { index } = queue.toHandle()
  const was = drain(base.copy().heirOf(index))
  const after = base.copy()
  operation(after.heirOf(index))
  const now = drain(after.heirOf(index))
  expect(now).not.toEqual(was)
  return { base, index, was, now }
}

/** The words after each number of stores of the operation, from none to all; or of these numbers only each so-manieth. */
function* cuts(
  { base, index }: { base: PriorityDeathbed; index: number },
  operation: (queue: Queue) => unknown,
  first = 0,
  step = 1,
) {
  for (let stores = first; ; stores += step) {
    const words = base.copy()
    const isThrough = words.cutOff(index, stores, operation)
    yield words
    if (isThrough) return
  }
}

describe.each(scenarios)('$name, cut off after any of its stores', (scenario) => {
  test('is done or not done: nothing else is lost, the order is right, and all room is there', () => {
    const prepared = prepare(scenario)
    let isDone = false
    let count = 0
    for (const words of cuts(prepared, scenario.operation)) {
      const items = use(words.heirOf(prepared.index))
      if (items.length === prepared.now.length) isDone = true
      expect(items).toEqual(isDone ? prepared.now : prepared.was)
      count += 1
    }
    expect(isDone).toBe(true)
    expect(count).toBeGreaterThan(8)
  })

  test('is repaired although the repair is cut off after any of its own stores', () => {
    const prepared = prepare(scenario)
    const touch = (queue: Queue) => queue.tryGetMany(1)
    let outcomes = 0
    for (const words of cuts(prepared, scenario.operation)) {
      const whole = drain(words.copy().heirOf(prepared.index))
      // Not each of them together with each cut.
      const repairs = cuts({ base: words, index: prepared.index }, touch, outcomes % 11, 11)
      for (const repaired of repairs) {
        const items = use(repaired.heirOf(prepared.index))
        expect([whole, whole.slice(1)]).toContainEqual(items)
      }
      outcomes += 1
    }
    expect(outcomes).toBeGreaterThan(8)
  })
})

test('a shutdown that is cut off after any of its stores leaves all inside or nothing', () => {
  const prepared = prepare({ name: '', before: worn, operation: (queue) => queue.tryGetMany(9) })
  const seen = new Set<number>()
  for (const words of cuts(prepared, (queue) => queue.shutdown({ immediate: true }))) {
    const heir = words.heirOf(prepared.index)
    const items = heir.closed && heir.size === 0 ? [] : heir.tryGetMany(9)
    expect([prepared.was, []]).toContainEqual(items)
    seen.add(items.length)
  }
  expect(seen).toEqual(new Set([4, 0]))
})

test('one who takes several and cannot hold them takes none', () => {
  const queue: Queue = new ThreadSafePriorityQueue(size)
  fill(queue)
  const original = globalThis.Int32Array
  const failure = new RangeError('no memory')
  globalThis.Int32Array = class extends original {
    constructor(length: number) {
      // 399 bytes, and up to 3 more for each of the four.
      if (length === 104) throw failure
      super(length)
    }
  } as typeof original
  try {
    expect(() => queue.tryGetMany(9)).toThrow(failure)
  } finally {
    globalThis.Int32Array = original
  }
  expect(queue.getStats()).toMatchObject({ size: 4, getCount: 0 })
  expect(use(queue).map((item) => item[0])).toEqual(['b', 'd', 'c', 'a'])
})

/** The words of a queue, from its tag on. */
function damaged() {
  const base = new PriorityDeathbed(4096)
  const queue: Queue = new ThreadSafePriorityQueue({ ...size, memory: base.memory })
  worn(queue)
  queue.tryGet()
  return { base, index: queue.toHandle().index }
}

const codeOf = (call: () => unknown): unknown => {
  try {
    call()
    return 'none'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}

test('whatever somebody writes into a word, a call gives an answer or a typed error, never hangs, and mostly goes on', () => {
  const { base, index } = damaged()
  const used = base.raw[0] as number
  const allowed = new Set([
    'none',
    'ERR_CORRUPT',
    'ERR_TIMEOUT',
    'ERR_CLOSED',
    'ERR_OVER_RELEASE',
    'ERR_PEER_GONE',
    // Another capacityBytes was read than there was.
    'ERR_OUT_OF_RANGE',
    'ERR_BAD_HANDLE',
  ])
  const calls: ((queue: Queue) => unknown)[] = [
    (queue) => queue.tryPut(itemOf('n', 70), { priority: 2 }),
    (queue) => queue.tryGet(),
    (queue) => queue.tryPutMany([itemOf('o', 9), itemOf('p', 130)]),
    (queue) => queue.tryGetMany(2),
    (queue) => queue.getSync({ timeout: 0 }),
    (queue) => queue.taskDone(),
    (queue) => queue.getStats(),
    (queue) => queue.tryGetMany(9),
    (queue) => queue.putSync(itemOf('n', capacityBytes), { timeout: 0 }),
    (queue) => queue.shutdown({ immediate: true }),
  ]
  let corrupt = 0
  // All but the tag, the locks and what only this thread of words knows: who has which record.
  for (let at = index + 1; at < used; at++) {
    if (at === index + 16 || at === index + 32) continue
    const value = base.raw[at] as number
    for (const nonsense of [-1, 2 ** 31 - 1, value + 1, 0])
      for (let from = 0; from < calls.length; from += 4) {
        if (nonsense === value || (value === 0 && at > index + 48 && at % 9 !== from % 9)) continue
        const words = base.copy()
        words.raw[at] = nonsense
        for (const call of calls.slice(from)) {
          let code: unknown
          try {
            code = codeOf(() => call(words.heirOf(index)))
          } catch (error) {
            code = (error as { code?: unknown }).code
          }
          if (code === 'ERR_BAD_HANDLE') break
          if (!allowed.has(code as string)) throw new Error(`word ${at - index} as ${nonsense}`, { cause: code })
          if (code === 'ERR_CORRUPT') corrupt += 1
        }
      }
  }
  expect(corrupt).toBeGreaterThan(100)
})

import { isDeepStrictEqual } from 'node:util'
import { ThreadSafeCache } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { auditCache } from './support/audit-cache.js'
import { fakeClock } from './support/cache-clock.js'
import { Deathbed } from './support/deathbed.js'
import { badHandle, outcomeOf } from './support/outcome.js'

type Value = number | string
type Cache = ThreadSafeCache<Value>

/** Of the stores of a repair, each one comes first after some of the cuts: all after all would take long. */
const step = 61

interface Scenario {
  readonly name: string
  readonly options?: object
  readonly before: (cache: Cache) => void
  readonly operation: (cache: Cache) => unknown
  /** How many states there are to be seen, the first and the last one included; 0: it is not known. Default: 2. */
  readonly states?: number
  readonly words?: number
}

const clock = fakeClock()

const fill =
  (count: number, value: (n: number) => Value = (n) => n, ttl?: (n: number) => number) =>
  (cache: Cache) => {
    for (let n = 0; n < count; n++) cache.put(`k${n}`, value(n), ttl ? { ttl: ttl(n) } : {})
  }

const scenarios: Scenario[] = [
  { name: 'the first put', before: () => {}, operation: (cache) => cache.put('new', 1) },
  { name: 'a put of a new key', before: fill(3), operation: (cache) => cache.put('new', 'value') },
  { name: 'a put that makes the table larger', before: fill(8), operation: (cache) => cache.put('new', 8) },
  { name: 'a put in place', before: fill(3), operation: (cache) => cache.put('k1', 3) },
  {
    name: 'a second put in place',
    before: (cache) => {
      fill(3)(cache)
      cache.put('k1', 3)
    },
    operation: (cache) => cache.put('k1', 4, { ttl: 5 }),
  },
  { name: 'a put of a longer value', before: fill(3), operation: (cache) => cache.put('k1', 'long'.repeat(50)) },
  {
    name: 'a put for which the oldest goes',
    options: { maxSize: 3 },
    before: fill(3),
    operation: (cache) => cache.put('new', 1),
    states: 3,
  },
  {
    name: 'a put for which several go',
    options: { maxBytes: 100 },
    before: fill(6),
    operation: (cache) => cache.put('k5', 'v'.repeat(55)),
    states: 4,
  },
  {
    name: 'a put for which what has expired goes',
    options: { maxSize: 5 },
    before: (cache) => {
      fill(
        5,
        (n) => n,
        (n) => [9, 3, 7, 2, 50][n] as number,
      )(cache)
      clock.now += 8
    },
    operation: (cache) => cache.put('new', 1),
  },
  {
    name: 'a put into a full memory',
    options: { maxSize: 1000 },
    before: fill(12, () => 'v'.repeat(330)),
    operation: (cache) => cache.put('new', 'w'.repeat(400)),
    states: 0,
    words: 1500,
  },
  {
    name: 'a deletion',
    before: fill(
      4,
      (n) => n,
      (n) => 9 - n,
    ),
    operation: (cache) => cache.delete('k2'),
  },
  { name: 'the last deletion', before: fill(1), operation: (cache) => cache.delete('k0') },
  { name: 'a get that makes the oldest the newest', before: fill(4), operation: (cache) => cache.get('k0'), states: 1 },
  { name: 'a get of one in the middle', before: fill(4), operation: (cache) => cache.get('k2'), states: 1 },
  {
    name: 'a get of what has expired',
    before: (cache) => {
      fill(
        6,
        (n) => n,
        (n) => 5 + ((n * 5) % 6),
      )(cache)
      clock.now += 5
    },
    operation: (cache) => cache.get('k0'),
    states: 1,
  },
  {
    name: 'a look at the size when several have expired',
    before: (cache) => {
      fill(
        9,
        (n) => n,
        (n) => 5 + ((n * 5) % 9),
      )(cache)
      clock.now += 8
    },
    operation: (cache) => cache.size(),
    states: 1,
  },
  { name: 'a computation', before: fill(3), operation: (cache) => cache.getOrComputeSync('new', () => 'computed') },
  {
    name: 'a computation that fails',
    before: fill(3),
    operation: (cache) => {
      try {
        cache.getOrComputeSync('new', () => {
          throw new Error('mine')
        })
      } catch {}
    },
    states: 1,
  },
  {
    name: 'a computation inside of which the key is put',
    before: fill(3),
    operation: (cache) => cache.getOrComputeSync('new', () => cache.put('new', 'put').size()),
  },
  {
    name: 'clear',
    before: fill(
      20,
      (n) => n,
      (n) => 5 + n,
    ),
    operation: (cache) => cache.clear(),
  },
]

const keys = ['new', ...Array.from({ length: 40 }, (_, n) => `k${n}`)]

/** What is there, without a change of the cache. */
const content = (cache: Cache) =>
  Object.fromEntries(keys.filter((key) => cache.has(key)).map((key) => [key, cache.peek(key)]))

function prepare({ options, before, operation, words = 8192 }: Scenario) {
  const crash = new Deathbed<ThreadSafeCache<Value>>(ThreadSafeCache, words)
  const cache: Cache = new ThreadSafeCache({ memory: crash.memory, ...options })
  const handle = cache.toHandle()
  before(cache)
  const base = crash.copy()
  const earlier = content(base.copy().heirOf(handle))
  const stores = base.copy().record(handle, operation)
  const now = content(base.copy(stores).heirOf(handle))
  return { base, handle, earlier, now, stores }
}

describe.each(scenarios)('$name, cut off after any of its stores', (scenario) => {
  const { operation, states = 2 } = scenario

  test('leaves what was there or what should be, all of it accounted for, and a cache that goes on', () => {
    const { base, handle, earlier, now, stores } = prepare(scenario)
    const seen: object[] = []
    for (let cut = 0; cut <= stores.length; cut++) {
      const crash = base.copy(stores.slice(0, cut))
      const heir = crash.heirOf(handle)
      const found = content(heir)
      if (JSON.stringify(found) !== JSON.stringify(seen.at(-1))) seen.push(found)
      // What is there is what was put at some time; what is missing has gone for it.
      const strange = Object.entries(found).filter(
        ([key, value]) => !isDeepStrictEqual(value, earlier[key]) && !isDeepStrictEqual(value, now[key]),
      )
      const lost = Object.keys(now).filter((key) => key in earlier && !(key in found))
      expect({ strange, lost: states > 0 ? lost : [] }).toEqual({ strange: [], lost: [] })
      expect(heir.size()).toBe(Object.keys(found).length)
      auditCache(crash.raw, handle.index)
      operation(heir)
      // How many go for lack of memory depends on what lies where.
      const after = states > 0 ? content(heir) : { ...earlier, ...content(heir) }
      expect(after).toEqual(states > 0 ? now : { ...earlier, new: now.new })
      auditCache(crash.raw, handle.index)
    }
    expect(seen[0]).toEqual(earlier)
    expect(seen.at(-1)).toEqual(now)
    expect(seen).toHaveLength(states > 0 ? states : seen.length)
    expect(stores.length).toBeGreaterThan(3)
  })

  test('is repaired although the repair is cut off after any of its own stores', () => {
    const { base, handle, stores } = prepare(scenario)
    for (let cut = 0; cut <= stores.length; cut++) {
      const crash = base.copy(stores.slice(0, cut))
      const expected = content(crash.copy().heirOf(handle))
      const repair = crash.copy().record(handle, (cache) => cache.has('not there'))
      for (let at = cut % step; at <= repair.length; at += step) {
        const repaired = crash.copy(repair.slice(0, at))
        expect(content(repaired.heirOf(handle))).toEqual(expected)
        auditCache(repaired.raw, handle.index)
      }
    }
  })
})

test.each([0, -8, 2 ** 31 - 4])('a repair keeps the order of use, when that is counted from %i on', (first) => {
  const crash = new Deathbed<ThreadSafeCache<Value>>(ThreadSafeCache, 8192)
  const cache: Cache = new ThreadSafeCache({ memory: crash.memory, maxSize: 6 })
  const nextLow = cache.toHandle().index + 1 + 135 + 12
  crash.raw[nextLow] = first
  fill(
    6,
    (n) => n,
    (n) => 100 - n * 10,
  )(cache)
  for (const key of ['k4', 'k0', 'k2']) cache.get(key)
  const heir = crash.heirOf(cache.toHandle())
  // As if somebody had died inside.
  const sequence = cache.toHandle().index + 2
  crash.raw[sequence] = (crash.raw[sequence] as number) + 1
  const gone: string[] = []
  for (let i = 0; i < 6; i++) {
    heir.put(`new ${i}`, i)
    gone.push(...keys.slice(1, 7).filter((key) => !heir.has(key) && !gone.includes(key)))
  }
  expect(gone).toEqual(['k1', 'k3', 'k5', 'k4', 'k0', 'k2'])
  auditCache(crash.raw, cache.toHandle().index)
  expect(crash.raw[nextLow + 1]).toBe(first === -8 ? 1 : 0)
})

test('dispose, cut off after any of its stores, leaves an empty cache or what was there, or one that is refused', () => {
  const crash = new Deathbed<ThreadSafeCache<Value>>(ThreadSafeCache, 8192)
  const cache: Cache = new ThreadSafeCache({ memory: crash.memory })
  const handle = cache.toHandle()
  fill(5)(cache)
  const stores = crash.copy().record(handle, (each) => each.dispose())
  const seen: unknown[] = []
  for (let cut = 0; cut <= stores.length; cut++) {
    const left = crash.copy(stores.slice(0, cut))
    const opened = outcomeOf(() => left.heirOf(handle))
    let last: unknown = opened
    const sizes: number[] = []
    if (!(opened instanceof Error)) {
      const heir = left.heirOf(handle)
      sizes.push(heir.size())
      auditCache(left.raw, handle.index)
      heir.put('new', 1).dispose()
      last = outcomeOf(() => left.heirOf(handle))
    }
    expect({ last, strange: sizes.filter((size) => size !== 0 && size !== 5) }).toEqual({
      last: badHandle,
      strange: [],
    })
    const found = opened instanceof Error ? 'refused' : 'opened'
    if (found !== seen.at(-1)) seen.push(found)
  }
  expect(seen).toEqual(['opened', 'refused'])
})

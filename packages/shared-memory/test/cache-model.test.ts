import { toBytes } from '@heddle/codec'
import { ThreadSafeCache } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fakeClock } from './support/cache-clock.js'

type Key = string | number
type Value = number | string | undefined

/** The obvious slow one. A Map keeps its entries in the order in which they were put in: that of their last use. */
class NaiveCache {
  readonly entries = new Map<Key, { value: Value; expiry: number }>()
  readonly counts = { hits: 0, misses: 0, evictions: 0, expirations: 0 }
  readonly #options: { maxSize: number; maxBytes: number; ttl: number }
  readonly #clock: { readonly now: number }

  constructor(options: { maxSize: number; maxBytes: number; ttl: number }, clock: { readonly now: number }) {
    this.#options = options
    this.#clock = clock
  }

  static bytesOf(key: Key, value: Value): number {
    const keyBytes = typeof key === 'number' ? 8 : key.length * (/^[\0-\xff]*$/.test(key) ? 1 : 2)
    return 4 * (Math.ceil(keyBytes / 4) + Math.ceil(toBytes(value).length / 4))
  }

  get bytes(): number {
    let sum = 0
    for (const [key, { value }] of this.entries) sum += NaiveCache.bytesOf(key, value)
    return sum
  }

  #find(key: Key): { value: Value; expiry: number } | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined || this.#clock.now < entry.expiry) return entry
    this.entries.delete(key)
    this.counts.expirations += 1
    return undefined
  }

  #expire(): void {
    for (const key of this.entries.keys()) this.#find(key)
  }

  has(key: Key): boolean {
    return this.#find(key) !== undefined
  }

  peek(key: Key): Value {
    return this.#find(key)?.value
  }

  get(key: Key): Value {
    const entry = this.#find(key)
    this.counts[entry === undefined ? 'misses' : 'hits'] += 1
    if (entry === undefined) return undefined
    this.entries.delete(key)
    this.entries.set(key, entry)
    return entry.value
  }

  put(key: Key, value: Value, ttl = this.#options.ttl): void {
    this.#find(key)
    const { maxSize, maxBytes } = this.#options
    if (NaiveCache.bytesOf(key, value) > maxBytes) throw new RangeError()
    this.entries.delete(key)
    const isFull = () => this.entries.size + 1 > maxSize || this.bytes + NaiveCache.bytesOf(key, value) > maxBytes
    if (isFull()) this.#expire()
    while (isFull()) {
      const [oldest] = this.entries.keys()
      this.entries.delete(oldest as Key)
      this.counts.evictions += 1
    }
    this.entries.set(key, { value, expiry: this.#clock.now + ttl })
  }

  getOrCompute(key: Key, value: Value): Value {
    if (this.entries.has(key) && this.has(key)) return this.get(key)
    this.counts.misses += 1
    this.put(key, value)
    return value
  }

  delete(key: Key): boolean {
    return this.has(key) && this.entries.delete(key)
  }

  clear(): void {
    this.entries.clear()
  }

  stats(): object {
    this.#expire()
    return { ...this.counts, size: this.entries.size, bytes: this.bytes }
  }
}

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`),
  fc.constantFrom<Key>('', '__proto__', '語', '\ud800', 0.5, Number.NaN, 'x'.repeat(70)),
)

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.constant(undefined),
  fc.integer({ min: 0, max: 400 }).map((length) => 'v'.repeat(length)),
)

const ttl = fc.option(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(Number.POSITIVE_INFINITY)), {
  nil: undefined,
})

type Operation =
  | { readonly op: 'put'; readonly key: Key; readonly value: Value; readonly ttl: number | undefined }
  | { readonly op: 'getOrCompute'; readonly key: Key; readonly value: Value }
  | { readonly op: 'get' | 'peek' | 'has' | 'delete'; readonly key: Key }
  | { readonly op: 'clear' | 'size' | 'stats' }
  | { readonly op: 'pass'; readonly milliseconds: number }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant('put' as const), key, value, ttl }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('getOrCompute' as const), key, value }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'peek' as const, 'has' as const), key }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('size' as const, 'stats' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
)

const clock = fakeClock()

function codeOr<Result>(call: () => Result): Result | string {
  try {
    return call()
  } catch (error) {
    if ((error as Error).name !== 'RangeError') throw error
    return 'refused'
  }
}

/** The statistics without what the cache was made with. */
function countsOf(cache: ThreadSafeCache<Value>): object {
  const { hits, misses, evictions, expirations, size, bytes } = cache.getStats()
  return { hits, misses, evictions, expirations, size, bytes }
}

/** Does one operation on both; returns what each gave. */
function both(naive: NaiveCache, cache: ThreadSafeCache<Value>, done: Operation): [unknown, unknown] {
  switch (done.op) {
    case 'put':
      return [
        codeOr(() => naive.put(done.key, done.value, done.ttl)),
        codeOr(() => void cache.put(done.key, done.value, { ttl: done.ttl })),
      ]
    case 'getOrCompute':
      return [
        codeOr(() => naive.getOrCompute(done.key, done.value)),
        codeOr(() => cache.getOrComputeSync(done.key, () => done.value)),
      ]
    case 'size':
      naive.stats()
      return [naive.entries.size, cache.size()]
    case 'stats':
      return [naive.stats(), countsOf(cache)]
    case 'clear':
      return [naive.clear(), cache.clear()]
    case 'pass':
      clock.now += done.milliseconds
      return [undefined, undefined]
    default:
      return [naive[done.op](done.key), cache[done.op](done.key)]
  }
}

describe.each([
  ['by number', { maxSize: 5 }],
  ['by size', { maxBytes: 900 }],
  ['by both, and entries expire', { maxSize: 8, maxBytes: 1200, ttl: 20 }],
  ['by number, and some expire', { maxSize: 9 }],
])('a cache that is limited %s', (_, options) => {
  test('does what the naive one does, after any operations, to the last counter', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const full = { maxSize: 1000, maxBytes: Number.POSITIVE_INFINITY, ttl: Number.POSITIVE_INFINITY, ...options }
        const naive = new NaiveCache(full, clock)
        const cache = new ThreadSafeCache<Value>({ ...options, bytes: 2 ** 18 })
        for (const done of operations) {
          const [expected, found] = both(naive, cache, done)
          expect(found).toEqual(expected)
        }
        for (const [key, { expiry, value }] of naive.entries)
          expect(cache.peek(key)).toEqual(clock.now < expiry ? value : undefined)
        expect(countsOf(cache)).toEqual(naive.stats())
      }),
      { numRuns: 60 },
    )
  })
})

describe('time', () => {
  test('an entry counts until its time is over, to the instant', () => {
    const cache = new ThreadSafeCache<string>({ ttl: 10 })
    cache.put('usual', 'a').put('shorter', 'b', { ttl: 3 }).put('ever', 'c', { ttl: Number.POSITIVE_INFINITY })
    clock.now += 2
    expect(['usual', 'shorter', 'ever'].map((key) => cache.get(key))).toEqual(['a', 'b', 'c'])
    clock.now += 2
    expect(['usual', 'shorter', 'ever'].map((key) => cache.get(key))).toEqual(['a', undefined, 'c'])
    expect(cache.size()).toBe(2)
    clock.now += 7
    expect(['usual', 'shorter', 'ever'].map((key) => cache.has(key))).toEqual([false, false, true])
    expect(cache.getStats()).toMatchObject({ size: 1, expirations: 2, evictions: 0, hits: 5, misses: 1 })
  })

  test('a new value begins a new time, and get does not', () => {
    const cache = new ThreadSafeCache<number>({ ttl: 10 })
    cache.put('a', 1).put('b', 1)
    clock.now += 8
    cache.put('a', 2)
    cache.get('b')
    clock.now += 8
    expect([cache.get('a'), cache.get('b')]).toEqual([2, undefined])
    expect(cache.getOrComputeSync('b', () => 3)).toBe(3)
    clock.now += 9
    expect(cache.get('b')).toBe(3)
  })

  test('what has expired goes before what has not, however long that was not used', () => {
    const cache = new ThreadSafeCache<number>({ maxSize: 3 })
    cache.put('old', 1).put('a', 1, { ttl: 5 }).put('b', 1, { ttl: 4 })
    clock.now += 6
    cache.put('c', 1).put('d', 1)
    expect(['old', 'a', 'b', 'c', 'd'].map((key) => cache.has(key))).toEqual([true, false, false, true, true])
    expect(cache.getStats()).toMatchObject({ evictions: 0, expirations: 2 })
  })

  test('thousands of entries expire in the order of their times, whatever order they were put in', () => {
    const cache = new ThreadSafeCache<number>({ maxSize: 5000 })
    const count = 4000
    for (let i = 0; i < count; i++) cache.put(i, i, { ttl: 1 + ((i * 7919) % count) })
    for (let i = 0; i < count; i += 3) cache.delete(i)
    for (let i = 1; i < count; i += 5) cache.put(i, i, { ttl: 1 + ((i * 7907) % count) })
    const ttlOf = (i: number) => (i % 5 === 1 ? 1 + ((i * 7907) % count) : i % 3 === 0 ? 0 : 1 + ((i * 7919) % count))
    const ttls = Array.from({ length: count }, (_, i) => ttlOf(i))
    for (let step = 0; step < 20; step++) {
      clock.now += count / 20
      expect(cache.size()).toBe(ttls.filter((ttl) => 1000 + ttl > clock.now).length)
    }
    expect(cache.size()).toBe(0)
  })
})

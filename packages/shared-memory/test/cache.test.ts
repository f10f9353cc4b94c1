import { Segment, SharedDict, ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadMemory, ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { Closable } from './support/closable.js'
import { homes } from './support/homes.js'
import { badHandle, invalid, outcomeOf, outOfRange } from './support/outcome.js'

const closed = expect.objectContaining({ name: 'ClosedError', code: 'ERR_CLOSED' })

/** Which of the keys are there; does not count as use. */
const present = (cache: ThreadSafeCache, keys: readonly (string | number)[]) => keys.filter((key) => cache.has(key))

describe.each(homes)('in $home', ({ memory }) => {
  const make = (options = {}) => new ThreadSafeCache<unknown>({ memory: memory(), ...options })

  test('a value that was put is what get and peek give, each time a new one', () => {
    const cache = make()
    const value = { list: [1, 'two'], map: new Map([['a', undefined]]) }
    expect(cache.put('key', value)).toBe(cache)
    expect(cache.get('key')).toEqual(value)
    expect(cache.peek('key')).toEqual(value)
    expect(cache.get('key')).not.toBe(cache.get('key'))
    expect(cache.size()).toBe(1)
  })

  test('a key that was never put, was deleted or cleared is not there', () => {
    const cache = make()
    cache.put('deleted', 1).put('cleared', 2)
    expect(cache.delete('deleted')).toBe(true)
    expect(cache.delete('deleted')).toBe(false)
    expect(cache.size()).toBe(1)
    cache.clear()
    for (const key of ['never', 'deleted', 'cleared']) {
      expect(cache.get(key)).toBeUndefined()
      expect(cache.peek(key)).toBeUndefined()
      expect(cache.has(key)).toBe(false)
    }
    expect(cache.size()).toBe(0)
  })

  test('the entry goes that was not used for the longest time, and no other', () => {
    const cache = make({ maxSize: 3 })
    cache.put('a', 1).put('b', 2).put('c', 3)
    cache.get('a')
    cache.put('d', 4)
    expect(present(cache, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd'])
    cache.put('c', 5)
    cache.put('e', 6)
    expect(present(cache, ['a', 'b', 'c', 'd', 'e'])).toEqual(['c', 'd', 'e'])
    expect(cache.getStats()).toMatchObject({ size: 3, evictions: 2, maxSize: 3 })
  })

  test('values of changing size go on for ever', () => {
    const cache = make({ maxSize: 20 })
    for (let i = 0; i < 5000; i++) cache.put(`k${i % 50}`, 'v'.repeat((i * 37) % 900))
    expect(cache.size()).toBe(20)
    expect(cache.get('k49')).toBe('v'.repeat((4999 * 37) % 900))
  })

  test('dispose makes each method throw ERR_CLOSED, and its handle is refused', () => {
    const cache = make()
    const other = ThreadSafeCache.fromHandle(cache.toHandle())
    const handle = cache.toHandle()
    cache.put('a', 1)
    cache.dispose()
    for (const each of [cache, other]) {
      expect(outcomeOf(() => each.get('a'))).toEqual(closed)
      expect(outcomeOf(() => each.put('a', 1))).toEqual(closed)
    }
    expect(outcomeOf(() => ThreadSafeCache.fromHandle(handle))).toEqual(badHandle)
  })
})

describe('keys', () => {
  test.each(['', '__proto__', 'constructor', '語', '\ud800', 'x'.repeat(5000), 0, -1.5, Number.NaN, 1e300])(
    '%p is a key',
    (key) => {
      const cache = new ThreadSafeCache()
      cache.put(key, 'value')
      expect(cache.get(key)).toBe('value')
      expect(cache.size()).toBe(1)
      expect(cache.delete(key)).toBe(true)
    },
  )

  test('1 and "1" are two keys, 0 and -0 are one', () => {
    const cache = new ThreadSafeCache()
    cache.put(1, 'number').put('1', 'string').put(0, 'zero')
    expect([cache.get(1), cache.get('1'), cache.get(-0)]).toEqual(['number', 'string', 'zero'])
  })

  test.each([undefined, null, {}, 1n, Symbol('key'), true])(
    'what is no string and no number is refused: %p',
    async (key) => {
      const cache = new ThreadSafeCache()
      const calls = [
        () => cache.get(key as never),
        () => cache.peek(key as never),
        () => cache.has(key as never),
        () => cache.put(key as never, 1),
        () => cache.delete(key as never),
        () => cache.getOrComputeSync(key as never, () => 1),
      ]
      for (const call of calls) expect(outcomeOf(call)).toEqual(invalid)
      await expect(cache.getOrCompute(key as never, () => 1)).rejects.toEqual(invalid)
      expect(cache.getStats()).toMatchObject({ size: 0, hits: 0, misses: 0 })
    },
  )
})

describe('what counts', () => {
  test('SM15: hits and misses together are the calls of get, and neither has nor peek counts', () => {
    const cache = new ThreadSafeCache({ maxSize: 10 })
    for (let i = 0; i < 100; i++) {
      cache.get(i % 15)
      cache.put(i % 15, i)
      cache.has(i)
      cache.peek(i)
    }
    const { hits, misses } = cache.getStats()
    expect(hits + misses).toBe(100)
    for (let i = 0; i < 7; i++) cache.get(99 % 15)
    expect(cache.getStats()).toMatchObject({ hits: hits + 7, misses })
  })

  test('a counter goes on beyond 32 bits', () => {
    const memory = ThreadMemory.create()
    const cache = new ThreadSafeCache({ memory })
    const hits = cache.toHandle().index + 1 + 135 + 15 + 8
    memory.words[hits] = -1
    cache.put('key', 1).get('key')
    expect(cache.getStats()).toMatchObject({ hits: 2 ** 32, misses: 0 })
  })

  test('has and peek are no use: the entry stays the next one to go', () => {
    const cache = new ThreadSafeCache({ maxSize: 2 })
    cache.put('a', 1).put('b', 2)
    cache.has('a')
    cache.peek('a')
    cache.put('c', 3)
    expect(present(cache, ['a', 'b', 'c'])).toEqual(['b', 'c'])
  })

  test('undefined is a value: it is there, and it is a hit', () => {
    const cache = new ThreadSafeCache()
    cache.put('key', undefined)
    expect(cache.get('key')).toBeUndefined()
    expect(cache.has('key')).toBe(true)
    expect(cache.getStats()).toMatchObject({ hits: 1, misses: 0 })
  })

  test('a cache without options has room for 1000 entries that live for ever', () => {
    const cache = new ThreadSafeCache()
    for (let i = 0; i < 1001; i++) cache.put(i, i)
    expect(present(cache, [0, 1, 1000])).toEqual([1, 1000])
    expect(cache.getStats()).toEqual({
      hits: 0,
      misses: 0,
      evictions: 1,
      expirations: 0,
      size: 1000,
      bytes: 1000 * 16,
      maxSize: 1000,
      maxBytes: Number.POSITIVE_INFINITY,
      ttl: Number.POSITIVE_INFINITY,
    })
  })
})

describe('room', () => {
  test('maxBytes: entries go until a value fits, the one that is replaced stays', () => {
    const cache = new ThreadSafeCache({ maxBytes: 400 })
    for (const key of ['a', 'b', 'c', 'd']) cache.put(key, 'v'.repeat(79))
    expect(cache.getStats()).toMatchObject({ size: 4, bytes: 4 * 84, maxBytes: 400 })
    cache.put('a', 'v'.repeat(150))
    expect(present(cache, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd'])
    cache.put('e', 'v'.repeat(370))
    expect(present(cache, ['a', 'b', 'c', 'd', 'e'])).toEqual(['e'])
    expect(cache.getStats()).toMatchObject({ size: 1, evictions: 4, bytes: 376 })
    cache.put('e', 1)
    expect(cache.getStats()).toMatchObject({ size: 1, bytes: 12 })
  })

  test('a value that is larger than maxBytes is refused, and nothing has changed', () => {
    const cache = new ThreadSafeCache({ maxBytes: 403 })
    cache.put('a', 1).put('b', 2)
    const before = cache.getStats()
    expect(before.maxBytes).toBe(400)
    expect(outcomeOf(() => cache.put('a', 'v'.repeat(396)))).toEqual(outOfRange)
    expect(outcomeOf(() => cache.put('k'.repeat(400), 1))).toEqual(outOfRange)
    expect(outcomeOf(() => cache.getOrComputeSync('c', () => 'v'.repeat(396)))).toEqual(outOfRange)
    expect([cache.peek('a'), cache.peek('b'), cache.has('c')]).toEqual([1, 2, false])
    expect(cache.getStats()).toEqual({ ...before, misses: 1 })
    expect(cache.put('c', 'v'.repeat(391)).size()).toBe(1)
  })

  test('a memory that is full: entries go until a value fits', () => {
    const cache = new ThreadSafeCache<string>({ memory: ThreadMemory.create({ bytes: 64 * 1024 }), maxSize: 100_000 })
    for (let i = 0; i < 1500; i++) {
      cache.put(i, 'v'.repeat(i % 500))
      expect(cache.peek(i)).toBe('v'.repeat(i % 500))
    }
    const { size, evictions } = cache.getStats()
    expect(size).toBeGreaterThan(30)
    expect(size + evictions).toBe(1500)
    // The last ones, and none of those before.
    for (let i = 0; i < 1500; i++) expect(cache.has(i)).toBe(i >= 1500 - size)
    cache.put(1499, 'w'.repeat(8_000))
    expect(cache.peek(1499)).toBe('w'.repeat(8_000))
    expect(cache.getOrComputeSync('new', () => 'computed')).toBe('computed')
  })

  test('a value that the empty memory has no room for is refused; the cache is empty then, and goes on', () => {
    const cache = new ThreadSafeCache<string>({ memory: ThreadMemory.create({ bytes: 64 * 1024 }) })
    for (const old of [false, true]) {
      for (let i = 0; i < 50; i++) cache.put(i, 'value')
      expect(outcomeOf(() => cache.put(old ? 3 : 'new', 'v'.repeat(60_000)))).toEqual(outOfRange)
      expect(cache.size()).toBe(0)
    }
    // One that the memory could not hold by itself is refused before anything goes.
    cache.put('a', 'b')
    expect(outcomeOf(() => cache.put('new', 'v'.repeat(70_000)))).toEqual(outOfRange)
    expect(cache.peek('a')).toBe('b')
    for (let i = 0; i < 50; i++) cache.put(i, 'value')
    expect(cache.size()).toBe(51)
  })
})

describe('arguments', () => {
  test.each([
    ['maxSize', [0, -1, 1.5, Number.NaN, 2 ** 27 + 1, Number.POSITIVE_INFINITY]],
    ['maxBytes', [0, 3, -1, 4.5, Number.NaN]],
    ['ttl', [0, -1, Number.NaN]],
    ['bytes', [0, -1]],
  ])('%s: a number that it cannot be is a RangeError', (name, values) => {
    for (const value of values) expect(outcomeOf(() => new ThreadSafeCache({ [name]: value }))).toEqual(outOfRange)
  })

  test('options of a wrong type are a TypeError', () => {
    for (const name of ['maxSize', 'maxBytes', 'ttl', 'bytes', 'memory'])
      for (const value of ['1', null, {}, 1n]) {
        expect(outcomeOf(() => new ThreadSafeCache({ [name]: value } as never))).toEqual(invalid)
      }
    expect(outcomeOf(() => new ThreadSafeCache(5 as never))).toEqual(invalid)
    expect(outcomeOf(() => new ThreadSafeCache({ memory: ThreadMemory.create(), bytes: 1 << 20 }))).toEqual(invalid)
    const cache = new ThreadSafeCache()
    expect(outcomeOf(() => cache.put('a', 1, 5 as never))).toEqual(invalid)
    expect(outcomeOf(() => cache.put('a', 1, { ttl: '5' as never }))).toEqual(invalid)
    expect(outcomeOf(() => cache.put('a', 1, { ttl: 0 }))).toEqual(outOfRange)
    expect(cache.size()).toBe(0)
  })

  test('a value that cannot be cloned is refused, and what its getter throws comes out; nothing has changed', () => {
    const cache = new ThreadSafeCache<unknown>({ maxSize: 1 })
    cache.put('a', 1)
    expect(outcomeOf(() => cache.put('b', { fn() {} }))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    const mine = new Error('mine')
    const value = {
      get it() {
        throw mine
      },
    }
    expect(outcomeOf(() => cache.put('b', value))).toBe(mine)
    expect([cache.has('a'), cache.has('b')]).toEqual([true, false])
  })

  test('a getter of the value may use the cache itself', () => {
    const cache = new ThreadSafeCache<unknown>()
    cache.put('outer', {
      get inner() {
        return cache.put('inner', 'value').get('inner')
      },
    })
    expect([cache.get('outer'), cache.get('inner')]).toEqual([{ inner: 'value' }, 'value'])
  })

  test('shared objects of a segment arrive as shared objects', () => {
    using memory = Segment.create({ size: 1 << 18 })
    const counter = new ThreadSafeCounter(5, { memory })
    const cache = new ThreadSafeCache<{ counter: ThreadSafeCounter }>({ memory })
    cache.put('key', { counter })
    cache.get('key')?.counter.increment()
    expect(counter.getValue()).toBe(6)
  })
})

describe('handles', () => {
  test('a cache that was opened by its handle is the same one, with the same limits', () => {
    const cache = new ThreadSafeCache<number>({ maxSize: 2, maxBytes: 1000, ttl: 60_000 })
    const opened = ThreadSafeCache.fromHandle<number>(structuredClone(cache.toHandle()))
    opened.put('a', 1).put('b', 2)
    cache.get('a')
    opened.put('c', 3)
    expect(present(cache, ['a', 'b', 'c'])).toEqual(['a', 'c'])
    expect(opened.getStats()).toEqual(cache.getStats())
    expect(opened.getStats()).toMatchObject({ maxSize: 2, maxBytes: 1000, ttl: 60_000 })
  })

  test('a handle of something else is refused', () => {
    const handle = new ThreadSafeCache().toHandle()
    for (const bad of [
      {},
      null,
      5,
      new SharedDict().toHandle(),
      { ...handle, index: handle.index + 16 },
      { ...handle, version: 2 },
    ])
      expect(outcomeOf(() => ThreadSafeCache.fromHandle(bad as never))).toEqual(badHandle)
  })

  test('a handle whose words would end behind the memory is refused', () => {
    const memory = ThreadMemory.create({ bytes: 16 * 1024, participants: 1 })
    const cache = new ThreadSafeCache({ memory })
    const handle = cache.toHandle()
    let last = -1
    for (let index = memory.allocate(1); index > 0; index = memory.allocate(1)) last = index
    memory.words[last] = memory.words[handle.index] as number
    expect(outcomeOf(() => ThreadSafeCache.fromHandle({ ...handle, index: last }))).toEqual(badHandle)
  })
})

describe('a memory that was closed', () => {
  const use: readonly [string, (cache: ThreadSafeCache) => unknown][] = [
    ['get', (cache) => cache.get('a')],
    ['peek', (cache) => cache.peek('a')],
    ['has', (cache) => cache.has('a')],
    ['put', (cache) => cache.put('a', 2)],
    ['delete', (cache) => cache.delete('a')],
    ['clear', (cache) => cache.clear()],
    ['size', (cache) => cache.size()],
    ['getStats', (cache) => cache.getStats()],
    ['getOrComputeSync', (cache) => cache.getOrComputeSync('a', () => 1)],
    ['dispose', (cache) => cache.dispose()],
  ]

  test.each(use)(
    '%s throws ERR_CLOSED when the memory was taken away, before or at any moment of the call',
    (_, call) => {
      for (let looks = 0; looks < 12; looks++) {
        const closable = new Closable(ThreadMemory.create({ bytes: 64 * 1024 }))
        const cache = new ThreadSafeCache({ memory: closable.memory })
        cache.put('a', 1)
        if (looks === 0) closable.takeAway()
        else closable.takeAwayAfterLooks(looks)
        const outcome = outcomeOf(() => call(cache))
        const isTold = looks === 0 || outcome instanceof Error
        expect(outcome).toEqual(isTold ? closed : outcomeOf(() => call(new ThreadSafeCache().put('a', 1))))
      }
    },
  )
})

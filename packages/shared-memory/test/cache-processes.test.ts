import { Segment, ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { CacheProcess } from './support/cache-processes.js'

const never = () => {
  throw new Error('it must not be called')
}

async function withProcesses(
  test: (
    cache: ThreadSafeCache<unknown>,
    counter: ThreadSafeCounter,
    one: CacheProcess,
    other: CacheProcess,
  ) => Promise<void>,
  options = {},
): Promise<void> {
  using memory = Segment.create({ size: 1 << 20 })
  const cache = new ThreadSafeCache<unknown>({ memory, ...options })
  const counter = new ThreadSafeCounter(0, { memory })
  await using one = new CacheProcess()
  await using other = new CacheProcess()
  const handles = { cache: cache.toHandle(), counter: counter.toHandle() }
  await Promise.all([one, other].map((each) => each.do('open', { handles })))
  await test(cache, counter, one, other)
}

describe('two processes', () => {
  test('use one cache: what one has put the other gets, and the oldest goes, whoever has used it', () =>
    withProcesses(
      async (cache, _, one, other) => {
        await one.call('put', 'a', { it: [1] })
        await other.call('put', 'b', 2)
        expect(await other.call('get', 'a')).toEqual({ it: [1] })
        cache.put('c', 3)
        expect([await one.call('has', 'a'), await one.call('has', 'b'), await other.call('has', 'c')]).toEqual([
          true,
          false,
          true,
        ])
        expect(await other.call('getStats')).toMatchObject({ hits: 1, misses: 0, size: 2, evictions: 1 })
        await one.call('clear')
        expect(cache.size()).toBe(0)
      },
      { maxSize: 2 },
    ))

  test('have one clock: an entry is over at the same time for both', () =>
    withProcesses(async (cache, _, one, other) => {
      await one.call('put', 'short', 1, { ttl: 1 })
      await one.call('put', 'long', 1, { ttl: 60_000 })
      // The processes began later than this one.
      cache.put('mine', 1, { ttl: 1 })
      const began = performance.now()
      while (performance.now() - began < 3) await new Promise(setImmediate)
      expect(cache.has('short')).toBe(false)
      expect(await other.call('get', 'mine')).toBeUndefined()
      expect(await other.call('get', 'short')).toBeUndefined()
      expect(await other.call('get', 'long')).toBe(1)
      expect(cache.get('long')).toBe(1)
    }))

  test.each(['computeAll', 'computeAllAwaiting'])('%s: each key is computed once, and all get the same', (command) =>
    withProcesses(async (cache, counter, one, other) => {
      const keys = Array.from({ length: 60 }, (_, key) => key)
      const [first, second] = await Promise.all([
        one.do(command, { keys }),
        other.do(command, { keys: keys.toReversed() }) as Promise<unknown[]>,
      ])
      expect(first).toEqual(second.toReversed())
      expect(counter.getValue()).toBe(keys.length)
      expect(keys.map((key) => cache.get(key))).toEqual(first)
    }),
  )

  test('whoever awaits what another process computes gets it', () =>
    withProcesses(async (cache, counter, one, other) => {
      const first = one.do('compute', { key: 'key', value: 7 })
      await one.inside
      const second = other.do('compute', { key: 'key', value: 8 })
      const third = cache.getOrCompute('key', never)
      await expect(cache.getOrCompute('key', never, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      const controller = new AbortController()
      const fourth = cache.getOrCompute('key', never, { signal: controller.signal })
      controller.abort('enough')
      await expect(fourth).rejects.toBe('enough')
      await one.do('letOut')
      expect(await Promise.all([first, second, third])).toEqual([7, 7, 7])
      expect(counter.getValue()).toBe(1)
    }))

  test.each(['compute', 'computeForEver'])(
    'one that is killed inside of its %s leaves nothing: the next one computes within a second',
    (command) =>
      withProcesses(async (cache, counter, one, other) => {
        one.do(command, { key: 'key' }).catch(() => {})
        await one.inside
        const second = other.do('compute', { key: 'key', value: 'second' })
        while (cache.getStats().misses < 2) await new Promise(setImmediate)
        const began = performance.now()
        await one.kill()
        await other.inside
        expect(performance.now() - began).toBeLessThan(1000)
        expect(cache.get('key')).toBeUndefined()
        const third = cache.getOrCompute('key', never)
        await other.do('letOut')
        expect(await Promise.all([second, third])).toEqual(['second', 'second'])
        expect(counter.getValue()).toBe(1)
      }),
  )

  test('a process that is killed while it blocks in a wait leaves no trace', () =>
    withProcesses(async (cache, counter, one, other) => {
      const first = one.do('compute', { key: 'key', value: 1 })
      await one.inside
      other.do('computeAll', { keys: ['key'] }).catch(() => {})
      while (cache.getStats().misses < 2) await new Promise(setImmediate)
      await other.kill()
      await one.do('letOut')
      expect(await first).toBe(1)
      expect(await cache.getOrCompute('key', never)).toBe(1)
      expect(counter.getValue()).toBe(1)
    }))
})

test('dispose gives the memory of a segment back', () => {
  using memory = Segment.create({ size: 1 << 20 })
  const free = () => memory.stats().freeBytes
  const before = free()
  const cache = new ThreadSafeCache({ memory })
  for (let i = 0; i < 2000; i++) cache.put(i, 'v'.repeat(i % 300))
  expect(free()).toBeLessThan(before)
  cache.dispose()
  expect(free()).toBe(before)
})

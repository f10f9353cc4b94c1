import { ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { auditCache } from './support/audit-cache.js'
import { fakeClock } from './support/cache-clock.js'
import { outcomeOf } from './support/outcome.js'

const nonsense = [-1, 1, 3, 77, 12_345_677, 2 ** 31 - 1, -(2 ** 31), 0x55555555]
const ours = ['ERR_CORRUPT', 'ERR_CLOSED', 'ERR_INTERNAL', 'ERR_ALREADY_OWNED', 'ERR_OUT_OF_RANGE']

const codeOf = (outcome: unknown) => (outcome instanceof Error ? (outcome as { code?: string }).code : undefined)

const clock = fakeClock()

function makeCache() {
  const memory = ThreadMemory.create({ bytes: 32_768, participants: 2 })
  const cache = new ThreadSafeCache<number | string>({ memory, maxSize: 12, maxBytes: 900 })
  for (let n = 0; n < 16; n++)
    cache.put(
      n % 3 === 0 ? n : `key ${n}`,
      n % 4 === 0 ? 'v'.repeat(n * 5) : n,
      n % 2 ? { ttl: 50 + ((n * 7) % 16) } : {},
    )
  cache.delete('key 8')
  cache.get('key 7')
  return { words: memory.words, cache, index: cache.toHandle().index }
}

/** The outcome of every method. */
function* everything(cache: ThreadSafeCache<number | string>) {
  for (const key of [9, 'key 7', 'key 8', 'key 14', 'not there']) {
    yield outcomeOf(() => cache.get(key))
    yield outcomeOf(() => cache.peek(key))
    yield outcomeOf(() => cache.has(key))
  }
  yield outcomeOf(() => cache.size())
  yield outcomeOf(() => cache.put('key 7', 5))
  yield outcomeOf(() => cache.put('new', 'n'.repeat(300), { ttl: 60 }))
  yield outcomeOf(() => cache.getOrComputeSync('computed', () => 7))
  yield outcomeOf(() => cache.delete('key 10'))
  clock.now += 55
  yield outcomeOf(() => cache.put('newer', 1))
  yield outcomeOf(() => cache.getStats())
  clock.now -= 55
}

test('any word of the cache and its entries holds nonsense: each call ends, with a value or one of our errors', () => {
  const { words, index } = makeCache()
  const chunk = words[index + 6] as number
  const places = new Set<number>()
  for (let at = index + 1; at < index + 170; at++) places.add(at)
  for (let at = chunk; at < chunk + 220; at++) places.add(at)
  const codes = new Set<unknown>()
  for (const place of places)
    for (const value of [nonsense[place % 3], nonsense[3 + (place % 5)]] as number[]) {
      const damaged = makeCache()
      damaged.words[place] = value
      for (let round = 0; round < 2; round++)
        for (const outcome of everything(damaged.cache))
          if (outcome instanceof Error) codes.add((outcome as { code?: string }).code ?? outcome.stack)
      const last = outcomeOf(() => damaged.cache.clear())
      if (last instanceof Error) codes.add((last as { code?: string }).code ?? last.stack)
    }
  expect([...codes].filter((code) => !ours.includes(code as string))).toEqual([])
  expect(codes).toContain('ERR_CORRUPT')
})

const cacheAt = 1 + 135 + 15

test.each([
  ['the newest', cacheAt],
  ['the oldest', cacheAt + 1],
  ['the one that expires first', cacheAt + 2],
])('a wrong word for %s is met, and repaired by the next call', (_, at) => {
  for (const value of nonsense) {
    const { words, cache, index } = makeCache()
    const keys = Array.from({ length: 16 }, (_, n) => (n % 3 === 0 ? n : `key ${n}`))
    const before = keys.filter((key) => cache.has(key))
    words[index + at] = value
    const codes = new Set<unknown>()
    clock.now += 1
    for (let i = 0; i < 3; i++) {
      for (const call of [() => cache.size(), () => cache.get('key 14'), () => cache.get(before[3] ?? 0)]) {
        const outcome = outcomeOf(call)
        if (outcome instanceof Error) codes.add(codeOf(outcome))
      }
    }
    expect([...codes].filter((code) => code !== 'ERR_CORRUPT')).toEqual([])
    // Nobody need have come across it so far.
    expect([undefined, 'ERR_CORRUPT']).toContain(codeOf(outcomeOf(() => cache.put('one more', 1).put('another', 2))))
    cache.put('one more', 1).put('another', 2)
    auditCache(words, index)
    expect(cache.size()).toBeLessThanOrEqual(12)
  }
})

import { checkLinearizable, ILLEGAL } from '@heddle/interleave'
import { ThreadSafeCache } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'
import { letOut, newDoor, startOnCache, untilInside } from './support/cache-threads.js'
import { outcomeOf } from './support/outcome.js'
import { closedGate, openGate } from './support/threads.js'

const never = () => {
  throw new Error('it must not be called')
}

test('SM15: five threads fill a cache: hits and misses are the calls, the size is never above the maximum', async () => {
  const threads = 5
  const maxSize = 40
  const cache = new ThreadSafeCache<string>({ maxSize, maxBytes: 4000 })
  const gate = closedGate()
  const running = Array.from(
    { length: threads },
    (_, seed) => startOnCache('fill', cache, { seed: seed + 1, keys: 100, times: 1200 }, gate).result,
  )
  await openGate(gate, threads)
  let isDone = false
  const all = Promise.all(running).then((results) => {
    isDone = true
    return results as { gets: number; wrong: number }[]
  })
  while (!isDone) {
    const { size, bytes } = cache.getStats()
    expect(size).toBeLessThanOrEqual(maxSize)
    expect(bytes).toBeLessThanOrEqual(4000)
    await new Promise(setImmediate)
  }
  const results = await all
  expect(results.map(({ wrong }) => wrong)).toEqual(Array(threads).fill(0))
  const { hits, misses, evictions } = cache.getStats()
  expect(hits + misses).toBe(results.reduce((sum, { gets }) => sum + gets, 0))
  expect([hits, misses, evictions].every((count) => count > 100)).toBe(true)
})

test('threads that compute the same keys compute each of them once', async () => {
  const [threads, keys] = [4, 100]
  const cache = new ThreadSafeCache<number>()
  const gate = closedGate()
  const running = Array.from(
    { length: threads },
    (_, seed) => startOnCache('computeAll', cache, { seed: seed + 1, keys }, gate).result,
  )
  await openGate(gate, threads)
  const computed = (await Promise.all(running)) as number[]
  expect(computed.reduce((sum, each) => sum + each, 0)).toBe(keys)
  expect(cache.getStats()).toMatchObject({ size: keys, misses: expect.any(Number) })
  const { hits, misses } = cache.getStats()
  expect(hits + misses).toBe(threads * keys)
})

test.each(['compute', 'computeAwaiting'])(
  'whoever waits for another thread’s %s gets its value, blocked or awaiting',
  async (job) => {
    const cache = new ThreadSafeCache<unknown>()
    const door = newDoor()
    const first = startOnCache(job, cache, { key: 'key', value: { it: 1 }, door })
    await untilInside(door)
    expect(cache.get('key')).toBeUndefined()
    expect(outcomeOf(() => cache.getOrComputeSync('key', never, { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const began = performance.now()
    expect(outcomeOf(() => cache.getOrComputeSync('key', never, { timeout: 30 }))).toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    expect(performance.now() - began).toBeGreaterThanOrEqual(30)
    const blocked = startOnCache('compute', cache, { key: 'key', value: 'wrong', door: newDoor() })
    const awaiting = cache.getOrCompute('key', never)
    // Both have come, and have found nothing.
    while (cache.getStats().misses < 6) await new Promise(setImmediate)
    letOut(door)
    expect(await Promise.all([first.result, blocked.result, awaiting])).toEqual([{ it: 1 }, { it: 1 }, { it: 1 }])
  },
)

test('SM16: what a thread’s function throws is its own; one that waits computes', async () => {
  const cache = new ThreadSafeCache<unknown>()
  const door = newDoor()
  const failing = startOnCache('compute', cache, { key: 'key', value: 'throw', door })
  await untilInside(door)
  const waiting = cache.getOrCompute('key', () => 'computed')
  letOut(door)
  await expect(failing.result).rejects.toMatchObject({ name: 'Error', message: 'mine' })
  expect(await waiting).toBe('computed')
})

test.each(['compute', 'computeAwaiting'])(
  'a thread that is terminated inside of its %s leaves nothing: who waits computes',
  async (job) => {
    const cache = new ThreadSafeCache<unknown>()
    const door = newDoor()
    const { worker, result } = startOnCache(job, cache, { key: 'key', value: 1, door })
    result.catch(() => {})
    await untilInside(door)
    const waiting = cache.getOrCompute('key', () => 'computed')
    await worker.terminate()
    const began = performance.now()
    expect(await waiting).toBe('computed')
    expect(performance.now() - began).toBeLessThan(1000)
    expect(cache.getStats()).toMatchObject({ size: 1 })
  },
)

test('a dead thread’s computation is nobody’s: delete finds nothing, put stores', async () => {
  const cache = new ThreadSafeCache<unknown>()
  const door = newDoor()
  const { worker, result } = startOnCache('compute', cache, { key: 'key', value: 1, door })
  result.catch(() => {})
  await untilInside(door)
  await worker.terminate()
  expect(cache.delete('key')).toBe(false)
  cache.put('key', 'put')
  expect(cache.get('key')).toBe('put')
})

test('put and delete do not wait for another thread that computes, and free those who do', async () => {
  const cache = new ThreadSafeCache<unknown>()
  const door = newDoor()
  const first = startOnCache('compute', cache, { key: 'key', value: 'computed', door })
  await untilInside(door)
  const awaiting = cache.getOrCompute('key', never)
  cache.put('key', 'put')
  expect(await awaiting).toBe('put')
  letOut(door)
  expect(await first.result).toBe('computed')
  expect(cache.get('key')).toBe('put')
})

test('what one thread has put, another gets, and it counts as use', async () => {
  const cache = new ThreadSafeCache<unknown>({ maxSize: 2 })
  cache.put('a', { list: [1, new Map([['a', undefined]])] }).put('b', 2)
  expect(await startOnCache('get', cache, { key: 'a' }).result).toEqual({ list: [1, new Map([['a', undefined]])] })
  cache.put('c', 3)
  expect([cache.has('a'), cache.has('b')]).toEqual([true, false])
})

interface Call {
  readonly thread: number
  readonly name: 'get' | 'put' | 'delete' | 'has' | 'compute'
  readonly key: number
  readonly value: number
  readonly result: unknown
  readonly call: number
  readonly return: number
}

/** What a cache without limits does with one key: the value, or undefined. */
function step(state: number | null, { name, value, result }: Call): number | null | typeof ILLEGAL {
  const is = (expected: unknown, next: number | null) => (result === expected ? next : ILLEGAL)
  switch (name) {
    case 'get':
      return is(state ?? undefined, state)
    case 'has':
      return is(state !== null, state)
    case 'put':
      return value
    case 'delete':
      return is(state !== null, null)
    case 'compute':
      return is(state ?? value, state ?? value)
  }
}

test('SM14: the history of each key is linearizable: get, put, has, delete and compute-if-absent by three threads', async () => {
  const [threads, rounds, length, keys] = [3, 20, 60, 3]
  const caches = Array.from({ length: rounds }, () => new ThreadSafeCache<number>({ bytes: 64 * 1024 }))
  const [clock, gate] = [closedGate(), closedGate()]
  const data = {
    caches: caches.map((cache) => cache.toHandle()),
    seed: Date.now() % 100_000,
    threads,
    clock,
    length,
    keys,
  }
  const records = (await Promise.all(
    Array.from({ length: threads }, (_, thread) => startOnCache('record', undefined, { ...data, thread }, gate).result),
  )) as Call[][][]
  for (let round = 0; round < rounds; round++) {
    const history = records.flatMap((record) => record[round] as Call[])
    const report = checkLinearizable(
      history.map((call) => ({ call: call.call, return: call.return, input: call })),
      { initial: null as number | null, step, partOf: ({ key }: Call) => key },
    )
    if (report.verdict !== 'ok') throw new Error(`seed ${data.seed}, round ${round}: ${JSON.stringify(report)}`)
    expect(report.order).toHaveLength(threads * length)
  }
})

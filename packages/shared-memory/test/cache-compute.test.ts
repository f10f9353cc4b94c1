import { getEventListeners } from 'node:events'
import { ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { Closable } from './support/closable.js'
import { invalid, outcomeOf, outOfRange } from './support/outcome.js'

const alreadyOwned = expect.objectContaining({ name: 'LockStateError', code: 'ERR_ALREADY_OWNED' })
const timedOut = expect.objectContaining({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
const never = () => {
  throw new Error('it must not be called')
}

/** A function that computes, and is done when the test says so. */
function controlled<Value>() {
  let calls = 0
  let resolve: (value: Value) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const compute = () => {
    calls += 1
    return new Promise<Value>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
  }
  return {
    compute,
    get calls() {
      return calls
    },
    resolve: (value: Value) => resolve(value),
    reject: (reason: unknown) => reject(reason),
  }
}

describe.each(['getOrCompute', 'getOrComputeSync'] as const)('%s', (method) => {
  const call = async <Value>(cache: ThreadSafeCache<Value>, compute: (key: string | number) => Value, options = {}) =>
    cache[method]('key', compute, options)

  test('computes what is not there, once, with the key, and stores it', async () => {
    const cache = new ThreadSafeCache<unknown>()
    const value = { it: 1 }
    const keys: unknown[] = []
    const compute = (key: unknown) => {
      keys.push(key)
      return value
    }
    expect(await call(cache, compute)).toBe(value)
    expect(await call(cache, compute)).toEqual(value)
    expect(keys).toEqual(['key'])
    expect(cache.get('key')).toEqual(value)
    expect(cache.getStats()).toMatchObject({ hits: 2, misses: 1, size: 1 })
  })

  test('SM16: what compute throws comes out, nothing is stored, and the next call computes', async () => {
    const cache = new ThreadSafeCache<number>()
    const mine = new Error('mine')
    const fail = () => {
      throw mine
    }
    await expect(call(cache, fail)).rejects.toBe(mine)
    expect(cache.has('key')).toBe(false)
    await expect(call(cache, fail)).rejects.toBe(mine)
    expect(await call(cache, () => 1)).toBe(1)
    expect(cache.getStats()).toMatchObject({ hits: 0, misses: 3 })
  })

  test('a value that cannot be stored is an error, nothing is stored, and the next call computes', async () => {
    const cache = new ThreadSafeCache<unknown>({ maxBytes: 64 })
    await expect(call(cache, () => never)).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    await expect(call(cache, () => 'v'.repeat(100))).rejects.toEqual(outOfRange)
    expect(cache.has('key')).toBe(false)
    expect(await call(cache, () => 2)).toBe(2)
  })

  test('computes undefined once', async () => {
    const cache = new ThreadSafeCache<undefined>()
    expect(await call(cache, () => undefined)).toBeUndefined()
    expect(await call(cache, never)).toBeUndefined()
    expect(cache.has('key')).toBe(true)
  })

  test('inside of compute other keys may be computed, and the cache used, its own key included', async () => {
    const cache = new ThreadSafeCache<number>()
    const value = await call(cache, () => {
      expect(cache.get('key')).toBeUndefined()
      expect(cache.has('key')).toBe(false)
      return cache.getOrComputeSync('other', () => 20) + 1
    })
    expect([value, cache.get('key'), cache.get('other')]).toEqual([21, 21, 20])
  })

  test('inside of compute, to compute the same key is ERR_ALREADY_OWNED at once, and nothing is stored', async () => {
    const cache = new ThreadSafeCache<unknown>()
    await expect(call(cache, () => cache.getOrComputeSync('key', never))).rejects.toEqual(alreadyOwned)
    let inner: Promise<unknown> | undefined
    await call(cache, () => {
      inner = cache.getOrCompute('key', never)
      inner.catch(() => {})
      return 1
    })
    await expect(inner).rejects.toEqual(alreadyOwned)
    expect(cache.get('key')).toBe(1)
  })

  test('what is put inside of compute stays, what compute gives is only its own', async () => {
    const cache = new ThreadSafeCache<string>()
    expect(await call(cache, () => cache.put('key', 'put').peek('key') && 'computed')).toBe('computed')
    expect(cache.peek('key')).toBe('put')
  })

  test('what is deleted or cleared inside of compute is not stored', async () => {
    const cache = new ThreadSafeCache<string>()
    expect(await call(cache, () => String(cache.delete('key')))).toBe('true')
    expect(cache.has('key')).toBe(false)
    expect(await call(cache, () => String(cache.clear()))).toBe('undefined')
    expect(cache.has('key')).toBe(false)
  })

  test('bad arguments are refused before anything is computed', async () => {
    const cache = new ThreadSafeCache<number>()
    await expect(call(cache, 5 as never)).rejects.toEqual(invalid)
    await expect(call(cache, never, { timeout: -1 })).rejects.toEqual(outOfRange)
    await expect(call(cache, never, { timeout: Number.NaN })).rejects.toEqual(outOfRange)
    await expect(call(cache, never, { timeout: '5' })).rejects.toEqual(invalid)
    await expect(call(cache, never, { ttl: 0 })).rejects.toEqual(outOfRange)
    // The other form takes no signal.
    const bad = method === 'getOrCompute' ? { signal: {} } : { timeout: null }
    await expect(call(cache, never, bad)).rejects.toEqual(invalid)
    expect(cache.getStats()).toMatchObject({ hits: 0, misses: 0 })
  })

  test('a timeout of 0 computes when nobody else does', async () => {
    expect(await call(new ThreadSafeCache<number>(), () => 1, { timeout: 0 })).toBe(1)
  })

  test('what compute throws comes out, also when the memory was closed meanwhile', async () => {
    const mine = new Error('mine')
    const closable = new Closable(ThreadMemory.create({ bytes: 64 * 1024 }))
    const cache = new ThreadSafeCache<number>({ memory: closable.memory })
    const fail = () => {
      closable.takeAway()
      throw mine
    }
    await expect(call(cache, fail)).rejects.toBe(mine)
  })

  test('a value that was computed while the memory was closed is ERR_CLOSED', async () => {
    const closable = new Closable(ThreadMemory.create({ bytes: 64 * 1024 }))
    const cache = new ThreadSafeCache<number>({ memory: closable.memory })
    const compute = () => {
      closable.takeAway()
      return 1
    }
    await expect(call(cache, compute)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

test('getOrComputeSync refuses a promise: nothing is stored, and its rejection is nobody’s', () => {
  const cache = new ThreadSafeCache<unknown>()
  expect(outcomeOf(() => cache.getOrComputeSync('key', () => Promise.reject(new Error('late'))))).toEqual(invalid)
  expect(cache.has('key')).toBe(false)
})

describe('calls of one thread at the same time', () => {
  test('share one computation; whoever waited gets a copy', async () => {
    const cache = new ThreadSafeCache<object>()
    const one = controlled<object>()
    const calls = [1, 2, 3].map(() => cache.getOrCompute('key', one.compute))
    const value = { it: 1 }
    one.resolve(value)
    const [first, second, third] = await Promise.all(calls)
    expect(one.calls).toBe(1)
    expect(first).toBe(value)
    expect([second, third]).toEqual([value, value])
    expect(second).not.toBe(value)
    expect(cache.getStats()).toMatchObject({ hits: 0, misses: 3, size: 1 })
  })

  test('SM16: when it fails, the one who waits computes; only the one whose function it was gets the error', async () => {
    const cache = new ThreadSafeCache<number>()
    const [one, other] = [controlled<number>(), controlled<number>()]
    const first = cache.getOrCompute('key', one.compute)
    const second = cache.getOrCompute('key', other.compute)
    const third = cache.getOrCompute('key', never)
    const mine = new Error('mine')
    one.reject(mine)
    await expect(first).rejects.toBe(mine)
    while (other.calls === 0) await new Promise(setImmediate)
    expect(cache.has('key')).toBe(false)
    other.resolve(2)
    expect(await Promise.all([second, third])).toEqual([2, 2])
  })

  test('different keys are computed side by side', async () => {
    const cache = new ThreadSafeCache<string>()
    const [one, other] = [controlled<string>(), controlled<string>()]
    const first = cache.getOrCompute('one', one.compute)
    const second = cache.getOrCompute('other', other.compute)
    other.resolve('b')
    expect(await second).toBe('b')
    one.resolve('a')
    expect(await first).toBe('a')
  })

  test('getOrComputeSync of what this thread computes is ERR_ALREADY_OWNED: it would wait for ever', async () => {
    const cache = new ThreadSafeCache<number>()
    const one = controlled<number>()
    const first = cache.getOrCompute('key', one.compute)
    expect(outcomeOf(() => cache.getOrComputeSync('key', never))).toEqual(alreadyOwned)
    one.resolve(1)
    expect(await first).toBe(1)
    expect(cache.getOrComputeSync('key', never)).toBe(1)
  })

  test('whoever awaits the same key in his own compute, after it has awaited something else, is helped by a timeout', async () => {
    const cache = new ThreadSafeCache<number>()
    const began = performance.now()
    const outer = cache.getOrCompute('key', async () => {
      await Promise.resolve()
      return cache.getOrCompute('key', never, { timeout: 20 })
    })
    await expect(outer).rejects.toEqual(timedOut)
    expect(performance.now() - began).toBeGreaterThanOrEqual(20)
    expect(await cache.getOrCompute('key', () => 1)).toBe(1)
  })
})

describe('somebody who waits', () => {
  test('gives up when his time is over, not before, and without a trace; the computation goes on', async () => {
    const cache = new ThreadSafeCache<number>()
    const one = controlled<number>()
    const first = cache.getOrCompute('key', one.compute)
    await expect(cache.getOrCompute('key', never, { timeout: 0 })).rejects.toEqual(timedOut)
    const began = performance.now()
    await expect(cache.getOrCompute('key', never, { timeout: 30 })).rejects.toEqual(timedOut)
    expect(performance.now() - began).toBeGreaterThanOrEqual(30)
    one.resolve(1)
    expect(await first).toBe(1)
    expect(await cache.getOrCompute('key', never)).toBe(1)
  })

  test('rejects with the reason of his signal as given, and leaves no listener', async () => {
    const cache = new ThreadSafeCache<number>()
    const one = controlled<number>()
    const first = cache.getOrCompute('key', one.compute)
    const controller = new AbortController()
    const { signal } = controller
    const waiting = [1, 2, 3].map(() => cache.getOrCompute('key', never, { signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const patient = new AbortController()
    const last = cache.getOrCompute('key', never, { signal: patient.signal, timeout: 60_000 })
    const reason = { why: 'enough' }
    controller.abort(reason)
    for (const each of waiting) await expect(each).rejects.toBe(reason)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    one.resolve(1)
    expect(await Promise.all([first, last])).toEqual([1, 1])
    expect(getEventListeners(patient.signal, 'abort')).toHaveLength(0)
    await expect(cache.getOrCompute('key', never, { signal })).rejects.toBe(reason)
  })

  test('gets what somebody has put meanwhile, at once; the one who computes gets what he computes, which is not stored', async () => {
    const cache = new ThreadSafeCache<string>()
    const one = controlled<string>()
    const first = cache.getOrCompute('key', one.compute)
    const second = cache.getOrCompute('key', never)
    cache.put('key', 'put')
    expect(await second).toBe('put')
    one.resolve('computed')
    expect(await first).toBe('computed')
    expect(cache.get('key')).toBe('put')
  })

  test.each(['delete', 'clear'] as const)(
    'computes anew after a %s, and what was computed before is not stored',
    async (method) => {
      const cache = new ThreadSafeCache<string>()
      const [one, other] = [controlled<string>(), controlled<string>()]
      const first = cache.getOrCompute('key', one.compute)
      const second = cache.getOrCompute('key', other.compute)
      const outcome = cache[method]('key')
      expect(outcome).toBe(method === 'delete' ? true : undefined)
      expect(cache.delete('nobody computes it')).toBe(false)
      while (other.calls === 0) await new Promise(setImmediate)
      // The first one is done while the second one computes, in the same thread: it must not take its place.
      one.resolve('old')
      expect(await first).toBe('old')
      expect(cache.has('key')).toBe(false)
      other.resolve('new')
      expect(await second).toBe('new')
      expect(cache.get('key')).toBe('new')
    },
  )

  test('gets ERR_CLOSED when the cache is disposed of', async () => {
    const cache = new ThreadSafeCache<string>()
    const one = controlled<string>()
    const first = cache.getOrCompute('key', one.compute)
    const second = cache.getOrCompute('key', never)
    cache.dispose()
    await expect(second).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    one.resolve('late')
    await expect(first).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test.each(['value', 'error', 'put', 'delete', 'clear', 'dispose'])(
    'is woken at once by a %s, in all threads; and where nobody waits nobody is',
    async (how) => {
      const woken: number[][] = []
      const target = ThreadMemory.create({ bytes: 64 * 1024 })
      const memory = new Proxy(target, {
        get(_, name) {
          const found: unknown = Reflect.get(target, name, target)
          if (name === 'notify') return (index: number, count: number) => woken.push([index, count])
          return typeof found === 'function' ? found.bind(target) : found
        },
      })
      const cache = new ThreadSafeCache<number>({ memory })
      const end = async (one: ReturnType<typeof controlled<number>>, first: Promise<number>) => {
        first.catch(() => {})
        if (how === 'value') one.resolve(1)
        else if (how === 'error') one.reject(new Error('mine'))
        else if (how === 'put') cache.put('key', 1)
        else if (how === 'delete') cache.delete('key')
        else if (how === 'clear') cache.clear()
        else cache.dispose()
        await Promise.resolve()
        await new Promise(setImmediate)
      }
      // There is nothing to end alone where that ends the cache.
      if (how !== 'dispose') {
        const alone = controlled<number>()
        await end(alone, cache.getOrCompute('key', alone.compute))
        alone.resolve(0)
        cache.clear()
      }
      expect(woken).toEqual([])
      const one = controlled<number>()
      const first = cache.getOrCompute('key', one.compute)
      expect(outcomeOf(() => cache.getOrComputeSync('other', () => 1))).toEqual({ returned: 1 })
      const second = cache.getOrCompute('key', () => 2)
      second.catch(() => {})
      await end(one, first)
      expect(woken).toEqual([[expect.any(Number), 2 ** 31 - 1]])
      one.resolve(1)
      await Promise.allSettled([first, second])
    },
  )

  test('a hundred keys are computed at a time, and a full cache does not lose the computations', async () => {
    const cache = new ThreadSafeCache<number>({ maxSize: 5 })
    const computing = Array.from({ length: 100 }, (_, key) => ({ key, ...controlled<number>() }))
    const calls = computing.map(({ key, compute }) => cache.getOrCompute(key, compute))
    const others = computing.map(({ key }) => cache.getOrCompute(key, () => -1))
    for (const { key, resolve } of computing) resolve(key)
    expect(await Promise.all(calls)).toEqual(computing.map(({ key }) => key))
    for (const [key, value] of (await Promise.all(others)).entries()) expect([key, -1]).toContain(value)
    expect(cache.size()).toBe(5)
  })
})

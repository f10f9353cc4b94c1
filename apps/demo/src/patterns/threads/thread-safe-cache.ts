import { ThreadSafeCache } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { sumOfCached } from './cache-tasks.js'

const threads = 2
const last = 300
const maxSize = 4

/** What was not used for the longest time makes room for what is new. */
export const threadSafeCache: Pattern = {
  name: 'thread-safe-cache',
  title: 'ThreadSafeCache',
  kind: 'class',
  packages: ['@heddle/shared-memory'],
  mends:
    'threads that miss together all compute, since looking up and putting are two steps: here one thread computes for all',
  async run({ print, signal }) {
    const cache = new ThreadSafeCache<number>({ maxSize })
    const twin = new Map<string, number>()
    const found: unknown[] = []
    const expected: unknown[] = []
    for (let step = 0; step < 200; step++) {
      const key = `key ${(step * step) % 13}`
      if (step % 3 === 0) {
        cache.put(key, step)
        putIntoTwin(twin, key, step)
      } else {
        found.push(cache.get(key))
        expected.push(getFromTwin(twin, key))
      }
    }
    const left = Object.fromEntries([...twin.keys()].map((key) => [key, cache.peek(key)]))
    const size = cache.size()
    print(`${size} entries are left: ${Object.keys(left).join(', ')}`)
    cache.clear()

    const squares = new ThreadSafeCache<number>()
    const computed = new ThreadSafeCounter()
    await using pool = new ThreadPoolManager({ maxWorkers: threads })
    const sums = await Promise.all(
      Array.from({ length: threads }, () => pool.run(sumOfCached, [squares, last, computed], { signal })),
    )
    print(`${threads} threads have asked for ${last} squares each, and computed ${computed.getValue()} together`)

    let sum = 0
    for (let n = 1; n <= last; n++) sum += n * n
    return [
      { what: 'what each get has found', actual: found, expected },
      { what: 'what is left', actual: [left, size], expected: [Object.fromEntries(twin), twin.size] },
      { what: 'the size of a cache that was cleared', actual: cache.size(), expected: 0 },
      { what: 'what threads have found', actual: sums, expected: Array.from({ length: threads }, () => sum) },
      { what: 'how often they have computed', actual: computed.getValue(), expected: last },
      { what: 'the size of their cache', actual: squares.size(), expected: last },
    ]
  },
}

/** The same with a Map: its first key was not used for the longest time. */
function getFromTwin(twin: Map<string, number>, key: string): number | undefined {
  const value = twin.get(key)
  if (value !== undefined) putIntoTwin(twin, key, value)
  return value
}

function putIntoTwin(twin: Map<string, number>, key: string, value: number): void {
  twin.delete(key)
  twin.set(key, value)
  const [oldest] = twin.keys()
  if (twin.size > maxSize && oldest !== undefined) twin.delete(oldest)
}

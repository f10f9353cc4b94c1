import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { countTo, countUpTo } from './tasks.js'

const threads = 3
const each = 20_000
const limit = 5_000

/** Threads count on one counter, up and down. */
export const threadSafeCounter: Pattern = {
  name: 'thread-safe-counter',
  title: 'ThreadSafeCounter',
  kind: 'class',
  packages: ['@heddle/sync-primitives'],
  mends:
    'to count no further than a limit takes a `get_value` and then an `increment`, and others come in between: here `compareAndSet` is one step',
  async run({ print, signal }) {
    const counter = new ThreadSafeCounter(5)
    await using pool = new ThreadPoolManager({ maxWorkers: threads })
    await Promise.all(Array.from({ length: threads }, () => pool.run(countTo, [counter, each], { signal })))
    const value = counter.getValue()
    print(`${threads} threads have counted: ${value}`)
    const decremented = counter.decrement(5)
    const beforeReset = counter.reset()

    const limited = new ThreadSafeCounter()
    const counted = await Promise.all(
      Array.from({ length: threads }, () => pool.run(countUpTo, [limited, limit], { signal })),
    )
    print(`together they have counted to a limit: ${limited.getValue()}`)

    let expected = 5
    for (let step = 0; step < threads * each; step++) expected += 1
    return [
      { what: 'the count of all threads', actual: value, expected },
      { what: 'decrement gives the new value', actual: decremented, expected: expected - 5 },
      { what: 'reset gives the value before', actual: [beforeReset, counter.getValue()], expected: [expected - 5, 0] },
      {
        what: 'a count up to a limit, and the steps of all threads',
        actual: [limited.getValue(), counted.reduce((sum, steps) => sum + steps, 0)],
        expected: [limit, limit],
      },
    ]
  },
}

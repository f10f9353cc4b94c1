import { QueueFullError, ThreadSafeQueue } from '@heddle/ipc-channels'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { type Item, putItems, takeItems } from './queue-tasks.js'

const threads = [0, 1]
const each = 500

/** Threads put into one queue, and threads take from it. */
export const threadSafeQueue: Pattern = {
  name: 'thread-safe-queue',
  title: 'ThreadSafeQueue',
  kind: 'class',
  packages: ['@heddle/ipc-channels'],
  mends:
    'it counts a put when others may have taken the item, so that more seem taken than put: here to put and to count is one step, and a queue can be closed',
  async run({ print, signal }) {
    const small = new ThreadSafeQueue<string>({ capacity: 2 })
    await small.put('first', { signal })
    small.putSync('second')
    const full = await small.put('third', { timeout: 10, signal }).catch((error: unknown) => error)
    const refused = full instanceof QueueFullError ? [full.code, full.item] : full
    const tried = small.tryPut('third')
    const size = small.size
    const taken = [await small.get({ signal }), small.getSync()]
    const empty = [small.tryGet(), await failureCode(signal, () => small.get({ timeout: 10, signal }))]
    const { putCount, getCount, errors } = small.getStats()
    print(`put ${putCount}, got ${getCount}, errors ${errors}`)

    const queue = new ThreadSafeQueue<Item>({ capacity: 10 })
    await using pool = new ThreadPoolManager({ maxWorkers: 2 * threads.length })
    const [takers] = await Promise.all([
      Promise.all(threads.map(() => pool.run(takeItems, [queue], { signal }))),
      Promise.all(threads.map((producer) => pool.run(putItems, [queue, producer, each], { signal }))).then(() =>
        queue.close(),
      ),
    ])
    const lists = takers.map(({ items }) => items)
    const all = queue.getStats()
    print(`${threads.length} threads have put ${all.putCount} items, ${lists.length} have got ${lists.flat().length}`)

    const numbers = Array.from({ length: each }, (_, n) => n)
    const takenOf = (producer: number) => lists.map((items) => items.filter((item) => item.producer === producer))
    return [
      {
        what: 'a put into a full queue, which gives its item back',
        actual: refused,
        expected: ['ERR_TIMEOUT', 'third'],
      },
      { what: 'a put that does not wait, and the size', actual: [tried, size], expected: [false, 2] },
      { what: 'what was put', actual: taken, expected: ['first', 'second'] },
      { what: 'gets of an empty queue', actual: empty, expected: [undefined, 'ERR_TIMEOUT'] },
      {
        what: 'the statistics',
        actual: { putCount, getCount, errors },
        expected: { putCount: 2, getCount: 2, errors: 4 },
      },
      ...threads.flatMap((producer) => [
        {
          what: `what the threads have got of thread ${producer}, each item once`,
          actual: takenOf(producer)
            .flat()
            .map(({ n }) => n)
            .sort((a, b) => a - b),
          expected: numbers,
        },
        {
          what: `the order in which each has got the items of thread ${producer}`,
          actual: takenOf(producer),
          expected: takenOf(producer).map((items) => items.toSorted((a, b) => a.n - b.n)),
        },
      ]),
      {
        what: 'how often more seemed taken than put',
        actual: takers.map(({ tooMany }) => tooMany),
        expected: threads.map(() => 0),
      },
      {
        what: 'the statistics of all threads',
        actual: [all.putCount, all.getCount, all.size],
        expected: [threads.length * each, threads.length * each, 0],
      },
    ]
  },
}

import { Barrier, ReadWriteLock } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { addToBoth, compareBoth, readTogether } from './lock-tasks.js'

const threads = 3
const times = 25

/** Readers are inside together, a writer alone. */
export const readWriteLock: Pattern = {
  name: 'read-write-lock',
  title: 'ReadWriteLock',
  kind: 'class',
  packages: ['@heddle/sync-primitives'],
  mends:
    'readers that keep coming keep a writer waiting for ever: here no new reader passes a writer that waits, and each wait may have an end',
  async run({ print, signal }) {
    const lock = new ReadWriteLock()
    await using pool = new ThreadPoolManager({ maxWorkers: threads })
    const meeting = new Barrier(threads)
    const places = await Promise.all(
      Array.from({ length: threads }, () => pool.run(readTogether, [lock, meeting], { signal })),
    )
    print(`${places.length} readers were inside together`)

    const pair = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
    const [unequal] = await Promise.all([
      pool.run(compareBoth, [lock, pair, times], { signal }),
      Promise.all([0, 1].map(() => pool.run(addToBoth, [lock, pair, times], { signal }))),
    ])
    print(`2 writers have counted to ${pair.join(' and ')}`)

    const reading = await lock.acquireRead({ signal })
    const gaveUp = await failureCode(signal, () => lock.acquireWrite({ timeout: 10, signal }))
    const another = lock.tryAcquireRead()
    const letIn = another?.held
    another?.release()
    const writing = lock.acquireWrite({ signal })
    const passed = lock.tryAcquireRead()
    print(`beside a writer that waits, a new reader is ${passed ? 'let in' : 'not let in'}`)
    reading.release()
    const writer = await writing
    const beside = [lock.tryAcquireRead(), lock.tryAcquireWrite()]
    writer.release()
    const sums = await lock.runRead(() => [...pair], { signal })

    let expected = 0
    for (let step = 0; step < 2 * times; step++) expected += 1
    return [
      { what: 'the places in which the readers met', actual: places.toSorted((a, b) => a - b), expected: [0, 1, 2] },
      { what: 'what the writers have counted', actual: sums, expected: [expected, expected] },
      { what: 'how often a reader found it half written', actual: unequal, expected: 0 },
      { what: 'a writer beside a reader', actual: gaveUp, expected: 'ERR_TIMEOUT' },
      { what: 'whether a reader gets in when it has given up', actual: letIn, expected: true },
      { what: 'a reader behind a writer that waits', actual: passed, expected: undefined },
      { what: 'whoever comes while somebody writes', actual: beside, expected: [undefined, undefined] },
    ]
  },
}

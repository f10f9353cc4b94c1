import { Barrier, Semaphore, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { dieInside, enter } from './lock-tasks.js'

const permits = 2
const threads = 4

/** No more threads are inside than there are permits. */
export const semaphore: Pattern = {
  name: 'semaphore',
  title: 'Semaphore',
  kind: 'class',
  packages: ['@heddle/sync-primitives'],
  mends:
    'a release too many raises the limit for good, and a thread that never releases lowers it: here `maxPermits` refuses the one, and the permits of dead threads come back',
  async run({ print, signal }) {
    const limit = new Semaphore(permits, { maxPermits: permits })
    const first = await limit.acquire({ signal })
    const second = limit.tryAcquire()
    const third = [limit.tryAcquire(), await failureCode(signal, () => limit.acquire({ timeout: 10, signal }))]
    print(`with ${limit.availablePermits} permits left, a third one is ${third[0] ? 'let in' : 'not let in'}`)
    first.release()
    // A permit that somebody else gives back, who has no guard of it.
    second?.detach()
    limit.release()
    const tooMany = await failureCode(signal, () => limit.release())

    await using pool = new ThreadPoolManager({ maxWorkers: threads })
    // Two go inside together, since one alone would wait there for ever.
    const shared = [limit, new Barrier(threads), new Barrier(permits), new ThreadSafeCounter(), 20] as const
    const most = await Promise.all(Array.from({ length: threads }, () => pool.run(enter, shared, { signal })))
    print(`of ${threads} threads ${Math.max(...most)} were inside at a time`)

    const died = await failureCode(signal, () => pool.run(dieInside, [limit], { signal }))
    {
      using all = await limit.acquire(permits, { timeout: 10_000, signal })
      print(`a thread has died inside, and ${all.permits} permits are there`)
    }

    return [
      { what: 'the second one', actual: second?.permits, expected: 1 },
      { what: 'those who come when all permits are taken', actual: third, expected: [undefined, 'ERR_TIMEOUT'] },
      { what: 'a release too many', actual: tooMany, expected: 'ERR_OVER_RELEASE' },
      { what: 'the most threads inside at a time', actual: Math.max(...most), expected: permits },
      { what: 'how a thread ended inside', actual: died, expected: 'ERR_WORKER_CRASHED' },
      { what: 'permits in the end', actual: limit.availablePermits, expected: permits },
    ]
  },
}

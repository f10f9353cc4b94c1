import { Barrier } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { workerWithBarrier as worker } from './lock-tasks.js'
import { printedLines } from './printed-lines.js'

const workers = [0, 1, 2]

/** Threads that start together, work for different times, and go on together. */
export const workerWithBarrier: Pattern = {
  name: 'worker-with-barrier',
  title: 'worker_with_barrier',
  kind: 'example',
  packages: ['@heddle/sync-primitives', '@heddle/worker-pool', '@heddle/ipc-channels'],
  mends:
    'it starts no thread, and a worker that fails at its work leaves the others at the barrier for ever: here three threads run, and their wait has an end',
  async run({ print, signal }) {
    const barrier = new Barrier(workers.length)
    // With fewer threads than parties, those that run would wait for those that never begin.
    await using pool = new ThreadPoolManager({ maxWorkers: workers.length })
    const lines = await printedLines(print, (queue) =>
      Promise.all(workers.map((workerId) => pool.run(worker, [barrier, workerId, queue, 10_000], { signal }))),
    )
    // One worker has failed at its work, and does not come.
    const codes: unknown[] = []
    const without = await printedLines(print, async (queue) => {
      const come = workers.slice(1).map((id) => pool.run(worker, [barrier, id, queue, 20], { signal }))
      codes.push(...(await Promise.all(come.map((each) => failureCode(signal, () => each)))))
    })

    const saying = (what: string) => workers.map((workerId) => `Worker ${workerId} ${what}`)
    return [
      {
        what: 'what comes before anybody has passed',
        actual: lines.slice(0, 2 * workers.length).sort(),
        expected: [...saying('starting'), ...saying('waiting at barrier')].sort(),
      },
      { what: 'what comes then', actual: lines.slice(2 * workers.length).sort(), expected: saying('passed barrier') },
      {
        what: 'who passes when one does not come',
        actual: without.filter((line) => line.endsWith('passed barrier')),
        expected: [],
      },
      {
        what: 'what the others are told then: that they have waited too long, or that one of them has',
        actual: codes.filter((code) => code !== 'ERR_BARRIER_BROKEN'),
        expected: ['ERR_TIMEOUT'],
      },
      { what: 'who still waits', actual: barrier.getState().waiting, expected: 0 },
    ]
  },
}

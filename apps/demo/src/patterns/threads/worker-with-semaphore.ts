import { Semaphore } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { workerWithSemaphore as worker } from './lock-tasks.js'
import { printedLines } from './printed-lines.js'

const workers = [0, 1, 2]
const permits = 2

/** Threads of which no more than two work at a time. */
export const workerWithSemaphore: Pattern = {
  name: 'worker-with-semaphore',
  title: 'worker_with_semaphore',
  kind: 'example',
  packages: ['@heddle/sync-primitives', '@heddle/worker-pool', '@heddle/ipc-channels'],
  mends:
    'a worker that comes late may pass one that was woken and has waited longer: here permits go to whoever asked first',
  async run({ print, signal }) {
    const semaphore = new Semaphore(permits)
    await using pool = new ThreadPoolManager({ maxWorkers: workers.length })
    const lines = await printedLines(print, (queue) =>
      Promise.all(workers.map((workerId) => pool.run(worker, [semaphore, workerId, queue], { signal }))),
    )

    // Three wait in line, and one comes late, when a permit has just been given back.
    const line = new Semaphore(1)
    const held = await line.acquire({ signal })
    const served: number[] = []
    const waiting = workers.map((id) => line.runExclusive(() => served.push(id), { signal }))
    held.release()
    const late = line.tryAcquire()
    await Promise.all(waiting)

    // A worker says that it is inside when it is, and that it is not while it still is.
    let inside = 0
    const tooMany = lines.filter((line) => {
      inside += line.endsWith('acquired semaphore') ? 1 : -1
      return inside > permits
    })
    return [
      {
        what: 'what the workers say',
        actual: lines.toSorted(),
        expected: workers.flatMap((id) => [`Worker ${id} acquired semaphore`, `Worker ${id} releasing semaphore`]),
      },
      { what: 'who was inside beside all permits', actual: tooMany, expected: [] },
      { what: 'who comes late gets no permit while others wait', actual: late, expected: undefined },
      { what: 'who is served first', actual: served, expected: workers },
      { what: 'permits in the end', actual: semaphore.availablePermits, expected: permits },
    ]
  },
}

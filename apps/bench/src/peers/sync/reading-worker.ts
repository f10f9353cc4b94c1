import { workerData } from 'node:worker_threads'
import { type GangData, serve } from './gang.js'
import { readWriteLock } from './heddle.js'
import { loadMultithreading } from './load.js'
import type { Reading } from './writer-wait.js'

const data = workerData as GangData & Reading
const { holds, count } = data
const readOnce = await readerOf(data)

serve(data, (microseconds, { stopped }) => {
  while (!stopped()) {
    readOnce(() => {
      const start = performance.now()
      let held = 0
      while (held < microseconds) held = (performance.now() - start) * 1000
      holds[Atomics.add(count, 0, 1) % holds.length] = held
    })
  }
})

async function readerOf({ contender, lock }: Reading): Promise<(hold: () => void) => void> {
  if (contender === 'heddle') {
    const shared = (await readWriteLock()).fromHandle(lock)
    return (hold) => {
      const guard = shared.acquireReadSync()
      hold()
      guard.release()
    }
  }
  const { RwLock } = (await loadMultithreading()).module
  // What its own deserializing does with the buffer of a lock.
  const shared = new RwLock(undefined, lock)
  return (hold) => {
    const guard = shared.blockingRead()
    hold()
    guard.dispose()
  }
}

import { ProcessPoolManager } from '@heddle/process-pool'
import { SharedMemoryManager } from '@heddle/shared-memory'
import { Barrier } from '@heddle/sync-primitives'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { fallWithLock, workerProcess } from './shared-tasks.js'

const workers = 3

/** Three processes count under a lock and write into one array: the document's example_multiprocessing. */
export const workerProcesses: Pattern = {
  name: 'worker-process',
  title: 'worker_process',
  aliases: ['example_multiprocessing'],
  kind: 'example',
  packages: ['@heddle/shared-memory', '@heddle/sync-primitives', '@heddle/process-pool'],
  mends:
    'a process that is killed inside `get_lock()` keeps the lock, and all others wait for ever: here the next one gets it, is told, and repairs',
  needs: 'process memory',
  async run({ print, signal }) {
    using memory = new SharedMemoryManager({ size: 1 << 20 })
    const array = memory.createSharedArray('data', 10)
    const value = memory.createSharedValue('counter', 0)
    const all = new Barrier(workers, { memory: memory.segment })

    await using pool = new ProcessPoolManager({ maxWorkers: workers })
    const options = { signal, onProgress: (line: unknown) => print(String(line)) }
    const pids = await Promise.all(
      Array.from({ length: workers }, (_, workerId) => pool.run(workerProcess, [workerId, array, value, all], options)),
    )
    const [counter, elements] = [value.value, [...array]]
    print(`Final counter value: ${counter}`)
    print(`Shared array: [${elements.join(', ')}]`)

    const end = await failureCode(signal, () => pool.run(fallWithLock, [value], { signal }))
    using guard = await value.getLock().acquire({ signal })
    const left = value.value
    if (guard.ownerDied) {
      value.value = counter
      guard.markConsistent()
    }
    print(`the next owner of the lock is told that the last one died: ${guard.ownerDied}`)

    let count = 0
    const written = Array.from({ length: 10 }, () => 0)
    for (let workerId = 0; workerId < workers; workerId++)
      for (let i = 0; i < 10; i++) {
        count += 1
        written[workerId] = workerId * 10 + i
      }
    return [
      { what: 'the count under the lock', actual: counter, expected: count },
      { what: 'the array', actual: elements, expected: written },
      { what: 'how many processes', actual: new Set([...pids, process.pid]).size, expected: workers + 1 },
      {
        what: 'a death with the lock in hand is told, and repaired',
        actual: [end, left, guard.ownerDied, value.value],
        expected: ['ERR_WORKER_CRASHED', -1, true, count],
      },
    ]
  },
}

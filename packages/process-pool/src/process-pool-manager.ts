import { fileURLToPath } from 'node:url'
import { HostedSlot, type HostKind, PoolManager, type PoolOptions } from '@heddle/pool-core'
import { Tinypool } from 'tinypool'

const processes: HostKind = {
  what: 'worker process',
  createHost: () =>
    new Tinypool({
      runtime: 'child_process',
      // Otherwise a Map, a Date or a typed array arrives as something else.
      serialization: 'advanced',
      // Otherwise a child has no environment at all, PATH and HOME included.
      env: environment(),
      filename: fileURLToPath(new URL('./process-entry.js', import.meta.url)),
      minThreads: 1,
      maxThreads: 1,
    }),
  killWorker: ({ threadId }) => {
    try {
      process.kill(threadId, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  },
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/**
 * A pool of child processes that run tasks made with {@link defineTask}: a task that crashes, leaks or blocks hurts nobody
 * else. Processes share no memory: a SharedArrayBuffer or a lock of threads in the arguments is refused.
 *
 * Workers start when tasks need them and stay until the pool ends. Fairness: tasks begin in the order of submission. No
 * method blocks the calling thread. An idle pool does not keep the process alive; a queued or running task does.
 *
 * `await using pool = new ProcessPoolManager()` lets the accepted tasks end and then ends the workers.
 *
 * @example
 * await using pool = new ProcessPoolManager({ maxWorkers: 4 })
 * const total = await pool.run(sumOfSquares, [[1, 2, 3]])
 */
export class ProcessPoolManager extends PoolManager {
  /**
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or a worker makes the pool while it
   * imports a task module; the message names the file
   */
  constructor(options?: PoolOptions) {
    super(() => new HostedSlot(processes), 'process', options)
  }
}

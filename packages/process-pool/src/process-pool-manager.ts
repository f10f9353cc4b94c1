import { hostedKind, PoolManager, type PoolOptions } from '@heddle/pool-core'
import { processes } from './process-host.js'

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
    super(hostedKind(processes), options)
  }
}

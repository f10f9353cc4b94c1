import { hostedKind, PoolManager, type PoolOptions } from '@heddle/pool-core'
import { threads } from './thread-host.js'

/**
 * A pool of worker threads that run tasks made with {@link defineTask}.
 *
 * Threads share memory: a Mutex, a counter or a SharedArrayBuffer in the arguments is the same object for all of them.
 * Workers start when tasks need them and stay until the pool ends. Fairness: tasks begin in the order of submission. No
 * method blocks the calling thread. An idle pool does not keep the process alive; a queued or running task does.
 *
 * `await using pool = new ThreadPoolManager()` lets the accepted tasks end and then ends the workers.
 *
 * @example
 * await using pool = new ThreadPoolManager({ maxWorkers: 4 })
 * const total = await pool.run(sumOfSquares, [[1, 2, 3]])
 */
export class ThreadPoolManager extends PoolManager {
  /**
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or a worker makes the pool while it
   * imports a task module; the message names the file
   */
  constructor(options?: PoolOptions) {
    super(hostedKind(threads), options)
  }
}

import type { TaskRecord } from '../tasks/task-record.js'

/** A chunk is to last about so many milliseconds: much longer than its message takes, much shorter than anybody notices. */
const chunkMs = 8
const largestChunk = 65_536

/**
 * How many items a map sends together.
 *
 * With `'auto'` it is one until an item of this map has settled, and then up to twice as many each time, until a chunk lasts some milliseconds by the measure of
 * those that have run; and never so many that the last ones leave a worker without work. (Joblib doubles likewise, towards
 * 0.2 to 2 seconds; a chunk of a quarter of what is left for each worker is the rule of Python's `multiprocessing.Pool`.)
 */
export class ChunkSizes {
  readonly #task: TaskRecord
  readonly #chunkSize: number | 'auto'
  readonly #concurrency: number | undefined
  readonly #workers: number
  #last = 1

  constructor(task: TaskRecord, chunkSize: number | 'auto', concurrency: number | undefined, workers: number) {
    this.#task = task
    this.#chunkSize = chunkSize
    this.#concurrency = concurrency
    this.#workers = workers
  }

  /**
   * How many items to pull now, 0: none.
   *
   * @param underWay - items that were pulled and not given
   * @param settled - items that have settled
   * @param jobs - chunks that have not settled
   * @param left - items that the input still has, where that is known
   */
  next(underWay: number, settled: number, jobs: number, left: number | undefined): number {
    const size = this.#size(settled, left)
    const concurrency = this.#concurrency ?? 2 * this.#workers * size
    const room = concurrency - underWay
    if (room >= size) {
      this.#last = size
      return size
    }
    // Less than a chunk is only worth it when there is nothing else.
    return jobs === 0 ? Math.max(0, room) : 0
  }

  #size(settled: number, left: number | undefined): number {
    // Whoever limits the items wants them spread over the workers.
    const most =
      this.#concurrency === undefined ? largestChunk : Math.max(1, Math.floor(this.#concurrency / (2 * this.#workers)))
    if (this.#chunkSize !== 'auto') return Math.min(this.#chunkSize, this.#concurrency ?? this.#chunkSize)
    const { meanMs } = this.#task
    // What the task has taken elsewhere says nothing about these items.
    if (meanMs === undefined || settled === 0) return 1
    const byTime = Math.floor(chunkMs / Math.max(meanMs, chunkMs / largestChunk))
    const byShare = left === undefined ? largestChunk : Math.ceil(left / (4 * this.#workers))
    return Math.max(1, Math.min(byTime, byShare, 2 * this.#last, most))
  }
}

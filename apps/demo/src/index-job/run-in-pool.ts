import { ThreadPoolManager } from '@heddle/worker-pool'
import { readAhead } from './batches.js'
import type { Batch } from './index-batch.js'
import { Job, type JobOptions } from './job.js'
import type { IndexResult } from './merge.js'
import { Slices } from './slices.js'
import { indexFiles } from './tasks.js'

/** Batches that each thread has under way or waiting, so that none is idle while this thread merges. */
const batchesPerWorker = 4
/** How far the walk may be ahead of the threads: the memory of the paths, for knowing early how much there is to do. */
const batchesAhead = 64

/**
 * Indexes a folder in a pool of threads. This thread walks and merges meanwhile; it stops walking when the threads fall
 * behind. When the signal aborts, the threads end at once.
 */
export async function indexInPool(options: JobOptions, workers: number): Promise<IndexResult> {
  const { signal } = options
  signal.throwIfAborted()
  const job = new Job(options)
  await using pool = new ThreadPoolManager({ maxWorkers: workers })
  const stop = () => void pool.terminate()
  signal.addEventListener('abort', stop, { once: true })
  // A thread takes a while to start and to load its modules: it begins before the walk has found the first batch.
  const warmUp = { root: options.root, paths: [], bytes: 0 }
  pool.broadcast(indexFiles, [warmUp]).catch(() => {})
  const underWay: Batch[] = []
  const remembered = async function* () {
    for await (const batch of readAhead(job.batches(new Slices(signal)), batchesAhead)) {
      underWay.push(batch)
      yield batch
    }
  }
  try {
    // A batch is a chunk already.
    const limits = { concurrency: workers * batchesPerWorker, chunkSize: 1 }
    for await (const result of pool.map(indexFiles, remembered(), limits)) job.add(underWay.shift() as Batch, result)
  } catch (error) {
    // Nothing of what is still queued is of use to anybody.
    await pool.terminate()
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return job.finish()
}

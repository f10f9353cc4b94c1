import { BatchIndexer } from './index-batch.js'
import { Job, type JobOptions } from './job.js'
import type { IndexResult } from './merge.js'
import { Slices } from './slices.js'

/** Indexes a folder in this thread alone: the same work as in the pool, and the judge of its results. */
export async function indexInOneThread(options: JobOptions): Promise<IndexResult> {
  const job = new Job(options)
  const slices = new Slices(options.signal)
  const indexer = new BatchIndexer()
  for await (const batch of job.batches(slices)) {
    const steps = indexer.index(batch)
    for (;;) {
      const { done, value } = steps.next()
      if (done) {
        job.add(batch, value)
        break
      }
      if (slices.over) await slices.pause()
    }
  }
  return job.finish()
}

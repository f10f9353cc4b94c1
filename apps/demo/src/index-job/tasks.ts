import { defineTask } from '@heddle/worker-pool'
import { type Batch, BatchIndexer, type BatchResult } from './index-batch.js'

let indexer: BatchIndexer | undefined

/** Indexes a batch of files in a thread of the pool, whose memory serves all its batches. */
export const indexFiles = defineTask(import.meta.url, 'indexFiles', (batch: Batch): BatchResult => {
  indexer ??= new BatchIndexer()
  const steps = indexer.index(batch)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
})

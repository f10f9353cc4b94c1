import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { defineTask } from '@heddle/worker-pool'
import { type Batch, BatchIndexer, type BatchResult } from '../index-batch.js'

/** A batch on its way to a node. */
export interface NodeBatch {
  /** Which run of the demo it is of: a node may still find batches of an earlier one, which was killed. */
  readonly run: string
  readonly number: number
  readonly batch: Batch
  /**
   * The batch that is the first to make this file waits to be killed with its node: otherwise it could be over before the signal
   * comes, and nothing would be lost. Undefined: it does not wait.
   */
  readonly fatalFile: string | undefined
}

export interface NodeBatchResult {
  /** The node that has done it. */
  readonly pid: number
  readonly result: BatchResult
}

/** What a node prints about a batch, on the output that the demo reads. */
export type NodeNews = 'begun' | 'waits'

/** If nobody kills it. */
const longestWaitMs = 60_000

let indexer: BatchIndexer | undefined

/**
 * Indexes a batch of files on a node. Idempotent: it only reads, so a batch that was lost with its node is indexed again, and
 * comes to the same.
 */
export const indexOnNode = defineTask(
  import.meta.url,
  'indexOnNode',
  async ({ run, number, batch, fatalFile }: NodeBatch): Promise<NodeBatchResult> => {
    tell('begun', run, number)
    if (fatalFile !== undefined && isFirst(fatalFile)) {
      tell('waits', run, number)
      await setTimeout(longestWaitMs)
    }
    indexer ??= new BatchIndexer()
    const steps = indexer.index(batch)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return { pid: process.pid, result: value }
    }
  },
  { idempotent: true },
)

/** At once, past the streams of the thread: what a node has told is known also of one that is killed the moment after. */
function tell(news: NodeNews, run: string, number: number): void {
  writeSync(1, `${news} ${run} ${number}\n`)
}

function isFirst(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'))
    return true
  } catch {
    // Another one was, or the run that it is of has ended.
    return false
  }
}

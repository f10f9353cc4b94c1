import { type JobOptions, newProgress } from '@heddle/demo/index-job/job.js'
import type { IndexResult } from '@heddle/demo/index-job/merge.js'
import { indexInOneThread } from '@heddle/demo/index-job/run-in-one-thread.js'

/** Indexes a folder in this thread. */
export async function indexFolder(path: string, options: Partial<JobOptions> = {}): Promise<IndexResult> {
  return await indexInOneThread({
    root: Buffer.from(path).toString('latin1'),
    selects: () => true,
    top: 1_000_000,
    signal: new AbortController().signal,
    keepFileHashes: true,
    progress: newProgress(),
    onNote: () => {},
    ...options,
  })
}

/** The notes of a result, as `kind path` or `kind path detail`. */
export function notesOf(result: IndexResult): string[] {
  return result.notes
    .summary()
    .flatMap(({ kept }) => kept.map(({ kind, path, detail }) => [kind, path, ...(detail ? [detail] : [])].join(' ')))
}

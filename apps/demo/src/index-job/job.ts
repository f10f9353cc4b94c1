import { packBatches } from './batches.js'
import type { Batch, BatchResult } from './index-batch.js'
import { type IndexResult, Merger } from './merge.js'
import { type Note, Notes } from './notes.js'
import type { Slices } from './slices.js'
import { type FoundFile, type Selects, type WalkCounts, walk } from './walk.js'

export interface JobOptions {
  /** The folder to index: its bytes as Latin-1, without a final slash. */
  readonly root: string
  readonly selects: Selects
  /** How many of the most frequent words the result lists. */
  readonly top: number
  readonly signal: AbortSignal
  readonly keepFileHashes: boolean
  /** Read it at any time to see how far the job is. */
  readonly progress: Progress
  /** Called with the first few notes of each kind, as they come. */
  readonly onNote: (note: Note) => void
}

/** How far a job is: written by the job, read by whoever shows it. */
export interface Progress extends WalkCounts {
  foundFiles: number
  foundBytes: number
  /** Whether all files are found. */
  walked: boolean
  /** Files and bytes of finished batches, as the walk counted them. */
  doneFiles: number
  doneBytes: number
}

export function newProgress(): Progress {
  return { folders: 0, links: 0, foundFiles: 0, foundBytes: 0, walked: false, doneFiles: 0, doneBytes: 0 }
}

/** The parts that a run in the pool and a run in one thread have in common: where batches come from and where results go. */
export class Job {
  readonly #options: JobOptions
  readonly #notes: Notes
  readonly #merger: Merger

  constructor(options: JobOptions) {
    this.#options = options
    this.#notes = new Notes(options.onNote)
    this.#merger = new Merger(this.#notes, options.keepFileHashes)
  }

  /** The files of the folder, in batches. */
  batches(slices: Slices): AsyncGenerator<Batch, void, void> {
    return packBatches(this.#options.root, this.#files(), slices)
  }

  /** Takes what became of a batch; batches must come in their order. */
  add(batch: Batch, result: BatchResult): void {
    this.#merger.add(batch, result)
    const { progress } = this.#options
    progress.doneFiles += batch.paths.length
    progress.doneBytes += batch.bytes
  }

  finish(): IndexResult {
    return this.#merger.finish(this.#options.top)
  }

  *#files(): Generator<FoundFile | undefined, void, void> {
    const { root, selects, progress } = this.#options
    for (const file of walk(root, selects, this.#notes, progress)) {
      if (file !== undefined) {
        progress.foundFiles++
        progress.foundBytes += file.bytes
      }
      yield file
    }
    progress.walked = true
  }
}

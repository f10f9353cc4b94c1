import type { AsyncBatchProcessor } from '@heddle/async-patterns'
import type { Batch, BatchResult } from '../index-batch.js'
import { Job, type JobOptions } from '../job.js'
import type { IndexResult } from '../merge.js'
import { Slices } from '../slices.js'
import { sortWords } from '../sort-words.js'
import { endOf, startOf } from '../word-table.js'
import { Crew, lanesOf, type NumberedBatch } from './crew.js'
import { IndexDatabase, type Row } from './database.js'
import { HASH_BYTES } from './hash-task.js'
import { SharedCounts } from './shared-counts.js'
import { noWords } from './word-lists.js'
import { WorkFolder } from './work-folder.js'

export interface FullOptions {
  readonly threads: number
  readonly processes: number
  /** How many files may be read in a second, 1 or more. */
  readonly rate: number
  /** Where the database shall stay; undefined: nowhere. */
  readonly database: string | undefined
  /** The size of the segment; see SharedCounts. */
  readonly segmentBytes?: number | undefined
}

/** What the job did beside its result. */
export interface FullFigures {
  readonly segmentBytes: number
  readonly wordsInDict: number
  /** Words that found no room in the dict, wholly or for a part of their counts. */
  readonly wordsBeside: number
  /** Files of which a process has read something else than the thread: something writes to them. The thread's reading counts. */
  readonly changed: number
  /** Processes that ended under their work, which was done again. */
  readonly crashes: number
  readonly databaseBytes: number
  readonly rows: number
}

const mostFilesPerBatch = 512
/** The part of a second's files that may be read at once: batches are no larger. */
const burstPart = 1 / 4
const rowsAhead = 2_000
const mostParticipants = 255

/**
 * Indexes a folder with the whole family. A producer walks and puts batches of paths into a queue. Each consumer takes one,
 * waits for the rate limiter, and has it tokenised by a thread and hashed by a process at the same time; threads add the counts
 * to a dict in a segment. What came of the batches goes, in their order, into the result and in lots into a database, which in
 * the end is read back and compared.
 *
 * Ends with everything that it has begun, also when `signal` aborts: no thread, process, segment or file stays.
 *
 * @throws UsageError: the database may not be where it is wanted
 * @throws Error `ERR_UNSUPPORTED_PLATFORM`: there is no memory here that processes share
 */
export async function indexInFull(
  options: JobOptions,
  full: FullOptions,
): Promise<{ result: IndexResult; figures: FullFigures }> {
  const { signal, selects } = options
  signal.throwIfAborted()
  const { threads, processes } = full
  const batchFiles = Math.max(1, Math.min(mostFilesPerBatch, Math.floor(full.rate * burstPart)))
  using folder = new WorkFolder(full.database, signal)
  using shared = new SharedCounts({
    bytes: full.segmentBytes,
    // Each of them, and one that takes its place before it is known to be gone.
    participants: Math.min(mostParticipants, 1 + 2 * (threads + processes)),
    hashes: lanesOf(threads) * batchFiles,
  })
  using database = new IndexDatabase(folder.file)
  const job = new Job({ ...options, selects: (name) => selects(name) && !name.startsWith(folder.prefix) })
  const crew = new Crew({ ...full, batchFiles }, shared)
  // What fails in it fails in the last stop as well, which is waited for.
  const stop = (reason: unknown) => void crew.stop(reason).catch(() => {})
  const abort = () => stop(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    const slices = new Slices(signal)
    const files = database.inserter('files', stop)
    await crew.run(numbered(job.batches(slices), batchFiles), async (batch, result) => {
      job.add(batch, { ...result, words: noWords })
      for (const row of fileRows(batch, result)) await store(files, row)
    })
    await files.close()
    for (const words of shared.read()) {
      job.add(noFiles, { ...noResult, words })
      if (slices.over) await slices.pause()
    }
    const result = job.finish()
    const words = database.inserter('words', stop)
    for (const row of wordRows(result)) {
      await store(words, row)
      if (slices.over) await slices.pause()
    }
    await words.close()
    crew.check()
    const databaseBytes = database.finish(result.sha256)
    await database.verify(result, slices)
    folder.keep()
    const { bytes: segmentBytes, wordsInDict, wordsBeside } = shared
    const { changed, crashes } = crew
    const rows = result.files + result.distinctWords
    return { result, figures: { segmentBytes, wordsInDict, wordsBeside, changed, crashes, databaseBytes, rows } }
  } finally {
    signal.removeEventListener('abort', abort)
    await crew.stop()
  }
}

const noFiles: Batch = { root: '', paths: [], bytes: 0 }
const noResult = { sizes: new Float64Array(), hashes: new Uint8Array(), wordCount: 0, notes: [] }

/** Numbers the batches, and cuts those that the rate limiter could never let through at once. */
async function* numbered(batches: AsyncIterable<Batch>, mostFiles: number): AsyncGenerator<NumberedBatch, void, void> {
  let number = 0
  for await (const { root, paths, bytes } of batches) {
    let left = bytes
    for (let from = 0; from < paths.length; from += mostFiles) {
      const part = paths.slice(from, from + mostFiles)
      // Whose bytes they are is known only of the whole: for progress that will do.
      const share = from + mostFiles < paths.length ? Math.floor((bytes * part.length) / paths.length) : left
      left -= share
      yield { number: number++, batch: { root, paths: part, bytes: share } }
    }
  }
}

function* fileRows({ paths }: Batch, { sizes, hashes }: BatchResult): Generator<Row, void, void> {
  let indexed = 0
  for (const [index, path] of paths.entries()) {
    const size = sizes[index] as number
    if (size < 0) continue
    yield [Buffer.from(path, 'latin1'), size, hashes.subarray(indexed * HASH_BYTES, ++indexed * HASH_BYTES)]
  }
}

/** In the order of their bytes, in which a database takes them fastest. */
function* wordRows({ table }: IndexResult): Generator<Row, void, void> {
  const words = table.view()
  const { buffer, byteOffset, byteLength } = words.bytes
  const text = Buffer.from(buffer, byteOffset, byteLength)
  for (const word of sortWords(words))
    yield [text.toString('utf8', startOf(words, word), endOf(words, word)), words.counts[word] as number]
}

/** Hands a row on, and waits when the database is behind. */
async function store(rows: AsyncBatchProcessor<Row>, row: Row): Promise<void> {
  const stored = rows.addItem(row)
  if (rows.pending >= rowsAhead) await stored
}

import { createHash, type Hash, hash as hashOnce } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { codeOf, type Note } from './notes.js'
import { Tokenizer } from './tokenizer.js'
import { type WordList, WordTable } from './word-table.js'

/** Files that one thread indexes at a time. */
export interface Batch {
  /** The folder that the paths are relative to. As in each path, every character is one byte (Latin-1): any name fits. */
  readonly root: string
  readonly paths: readonly string[]
  /** The bytes of all files as the walk saw them: for progress only. */
  readonly bytes: number
}

/** What became of a batch; the same whichever thread did it. */
export interface BatchResult {
  /** For each path its number of bytes, or -1: not indexed, and a note says why. */
  readonly sizes: Float64Array
  /** The SHA-256 of each indexed file, 32 bytes each, in the order of the paths. */
  readonly hashes: Uint8Array
  readonly wordCount: number
  readonly words: WordList
  readonly notes: readonly Note[]
}

/** How much of a file is in memory at a time. Far more than a word, and small enough for a processor's cache. */
const chunkBytes = 1 << 18
// O_NONBLOCK: a fifo that takes a file's place between the walk and here must not hang the thread. Windows knows neither.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const sliceChunks = 16

/** Reads, hashes and tokenises batches of files, one after the other, in memory that it keeps for the next. */
export class BatchIndexer {
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes)
  readonly #words = new WordTable()
  /** The words of a file that is read in chunks: only when its end is reached is it sure that they count. */
  readonly #wordsOfFile = new WordTable()
  readonly #tokenizer = new Tokenizer(this.#words);

  /**
   * Indexes a batch. Blocks: file operations are synchronous, which costs a fraction of asynchronous ones for small files.
   * Yields every few chunks of a large file and after each file, so that a caller may do other things in between.
   * Only one batch of an indexer may be under way.
   */
  *index(batch: Batch): Generator<void, BatchResult, void> {
    const { root, paths } = batch
    const sizes = new Float64Array(paths.length).fill(-1)
    const hashes = new Uint8Array(paths.length * 32)
    const notes: Note[] = []
    let indexed = 0
    let wordCount = 0
    this.#words.clear()
    for (const [index, path] of paths.entries()) {
      const read = yield* this.#indexFile(`${root}/${path}`, path, notes)
      if (read === undefined) continue
      sizes[index] = read.bytes
      hashes.set(read.sha256, indexed++ * 32)
      wordCount += this.#tokenizer.words
      if (read.bytes === 0) notes.push({ kind: 'empty', path })
      if (!this.#tokenizer.valid) notes.push({ kind: 'invalid-utf8', path })
      if (this.#tokenizer.longRuns > 0) notes.push({ kind: 'long-run', path })
      yield
    }
    return { sizes, hashes: hashes.slice(0, indexed * 32), wordCount, words: this.#words.pack(), notes }
  }

  *#indexFile(fullPath: string, path: string, notes: Note[]): Generator<void, FileRead | undefined, void> {
    let descriptor: number | undefined
    try {
      descriptor = openSync(Buffer.from(fullPath, 'latin1'), openFlags)
      const stat = fstatSync(descriptor)
      if (stat.isFile()) {
        const read = yield* this.#readFile(descriptor, stat.size)
        if (read === undefined) notes.push({ kind: 'binary', path })
        return read
      }
      notes.push({ kind: 'vanished', path, detail: 'no file any more' })
    } catch (error) {
      const detail = codeOf(error)
      notes.push({ kind: vanishedCodes.has(detail) ? 'vanished' : 'unreadable-file', path, detail })
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
    return undefined
  }

  /** @returns undefined: a binary file; none of its words are counted */
  *#readFile(descriptor: number, size: number): Generator<void, FileRead | undefined, void> {
    const buffer = this.#buffer
    const tokenizer = this.#tokenizer
    let hash: Hash | undefined
    let bytes = 0
    let carried = 0
    tokenizer.start(this.#words)
    for (let chunk = 1; ; chunk++) {
      const read = readSync(descriptor, buffer, carried, chunkBytes - carried, null)
      const end = carried + read
      bytes += read
      // The system's own files may say any size: where it is not met, only a read of nothing is the end.
      const last = read === 0 || bytes === size
      const fresh = buffer.subarray(carried, end)
      if (fresh.includes(0)) return undefined
      if (hash === undefined) {
        if (last) {
          const sha256 = hashOnce('sha256', fresh, 'buffer')
          tokenizer.push(buffer, end, true)
          return { bytes, sha256 }
        }
        hash = createHash('sha256')
        this.#wordsOfFile.clear()
        tokenizer.start(this.#wordsOfFile)
      }
      hash.update(fresh)
      const used = tokenizer.push(buffer, end, last)
      if (last) {
        this.#words.add(this.#wordsOfFile.view())
        return { bytes, sha256: hash.digest() }
      }
      buffer.copyWithin(0, used, end)
      carried = end - used
      if (chunk % sliceChunks === 0) yield
    }
  }
}

interface FileRead {
  readonly bytes: number
  readonly sha256: Uint8Array
}

/** The path is gone, or leads through something that is no folder any more, or is a link now. */
const vanishedCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'ENXIO'])

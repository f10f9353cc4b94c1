import { statfsSync } from 'node:fs'
import { AsyncBatchProcessor } from '@heddle/async-patterns'
import { Segment, SharedArray, SharedDict } from '@heddle/shared-memory'
import type { ThreadPoolManager } from '@heddle/worker-pool'
import { type WordList, WordTable } from '../word-table.js'
import { addCounts } from './count-task.js'
import { HASH_BYTES } from './hash-task.js'
import { wordLists } from './word-lists.js'

/** A dict of words takes about 70 bytes for each of them: so much is room for nearly half a million. */
const mostBytes = 1 << 25
const leastBytes = 1 << 20
/** No more than this part of what the system has left for shared memory: others need some as well. */
const partOfFree = 1 / 4
/** Lists that are added together: a word that is in all of them is one step on the dict. */
const listsAtOnce = 16
const flushMs = 5

export interface SharedCountsOptions {
  /** The size of the segment; default: beside the hashes 32 MiB, or a quarter of what the system has left. */
  readonly bytes?: number | undefined
  /** Threads and processes that take part. */
  readonly participants: number
  /** How many hashes there is room for. */
  readonly hashes: number
}

/** What threads and processes share: a segment with a dict for the counts of words and an array for the hashes of files. */
export class SharedCounts implements Disposable {
  /** Where processes leave hashes: 32 bytes each. */
  readonly hashes: SharedArray<'uint8'>
  readonly #segment: Segment
  readonly #dict: SharedDict<number>
  /** What found no room in the dict. Invariant: a word's count is the sum of what is here and there. */
  readonly #overflow = new WordTable()
  #isFull = false

  /** @throws Error `ERR_UNSUPPORTED_PLATFORM`, SegmentError `ENOSPC`: there is no such memory; nothing was made */
  constructor({ bytes, participants, hashes }: SharedCountsOptions) {
    const hashBytes = hashes * HASH_BYTES
    this.#segment = Segment.create({ size: bytes ?? hashBytes + affordableBytes(), participants })
    try {
      this.hashes = new SharedArray('uint8', hashBytes, { memory: this.#segment })
      this.#dict = new SharedDict<number>({ memory: this.#segment })
    } catch (error) {
      this.#segment.close()
      throw error
    }
  }

  get bytes(): number {
    return this.#segment.size
  }

  get wordsInDict(): number {
    return this.#dict.size
  }

  get wordsBeside(): number {
    return this.#overflow.view().size
  }

  /**
   * What adds lists of words to the counts, on the threads of a pool. An added list is settled when it is counted.
   *
   * While as many are at work as may be, lists collect, and are then added as one: the slower the dict, the less there is to do.
   */
  adder(pool: ThreadPoolManager, threads: number): AsyncBatchProcessor<WordList> {
    // Loading what the task needs takes a thread longer than most additions: it begins before there is anything to add.
    pool.broadcast(addCounts, [this.#dict, []]).catch(() => {})
    return new AsyncBatchProcessor<WordList>({
      batchSize: listsAtOnce,
      flushInterval: flushMs,
      maxConcurrentBatches: threads,
      process: async (lists) => {
        // Once the dict is full, it stays so: what comes later is counted here, as the plain job does it.
        const left = this.#isFull ? lists : [await pool.run(addCounts, [this.#dict, lists], { priority: 1 })]
        for (const words of left) {
          if (words.size > 0) this.#isFull = true
          this.#overflow.add(words)
        }
      },
    })
  }

  /** All words with their counts: those of the dict, then those beside it; a word may be in both. */
  *read(): Generator<WordList, void, void> {
    yield* wordLists(this.#dict as Iterable<[string, number]>)
    yield this.#overflow.view()
  }

  /** Takes the segment away. */
  [Symbol.dispose](): void {
    this.#segment.close()
  }
}

/** For the dict. */
function affordableBytes(): number {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return Math.max(leastBytes, Math.min(mostBytes, Math.floor(bavail * bsize * partOfFree)))
  } catch {
    // Without that folder the segment itself says what is missing.
    return leastBytes
  }
}

import { type AsyncBatchProcessor, AsyncRateLimiter } from '@heddle/async-patterns'
import { ProducerConsumer, ThreadSafeQueue } from '@heddle/ipc-channels'
import { ProcessPoolManager } from '@heddle/process-pool'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Batch, BatchResult } from '../index-batch.js'
import { indexFiles } from '../tasks.js'
import type { WordList } from '../word-table.js'
import { HASH_BYTES, hashFiles } from './hash-task.js'
import type { SharedCounts } from './shared-counts.js'
import { Turns } from './turns.js'

export interface CrewOptions {
  readonly threads: number
  readonly processes: number
  /** How many files may be read in a second, 1 or more. */
  readonly rate: number
  /** How many files a batch has at most. */
  readonly batchFiles: number
}

/** A batch on its way, and which one it is. */
export interface NumberedBatch {
  readonly number: number
  readonly batch: Batch
}

/** Batches that are under way for each thread, so that none is idle while others count or store. */
const batchesPerThread = 4
/** How far the walk may be ahead, in batches and in bytes: a batch of the longest paths that there are takes some four MiB. */
const batchesAhead = 64
const bytesAhead = 1 << 23

/** How many batches may be under way at a time. */
export function lanesOf(threads: number): number {
  return threads * batchesPerThread
}

/** The threads and processes that do the work, and the queue that they get it from. */
export class Crew {
  readonly #batchFiles: number
  readonly #lanes: number
  readonly #shared: SharedCounts
  readonly #threads: ThreadPoolManager
  readonly #processes: ProcessPoolManager
  readonly #limiter: AsyncRateLimiter
  readonly #counts: AsyncBatchProcessor<WordList>
  readonly #turns = new Turns()
  readonly #system = new ProducerConsumer<NumberedBatch>({
    queue: new ThreadSafeQueue({ capacity: batchesAhead, capacityBytes: bytesAhead }),
    closeQueue: true,
    // What fails in it fails in the last stop as well, which is waited for.
    onError: ({ error }) => void this.stop(error).catch(() => {}),
  })
  #changed = 0
  #failure: { readonly reason: unknown } | undefined

  constructor({ threads, processes, rate, batchFiles }: CrewOptions, shared: SharedCounts) {
    this.#batchFiles = batchFiles
    this.#lanes = lanesOf(threads)
    this.#shared = shared
    this.#limiter = new AsyncRateLimiter(rate, 1_000, { burst: batchFiles })
    this.#threads = new ThreadPoolManager({ maxWorkers: threads })
    this.#processes = new ProcessPoolManager({ maxWorkers: processes })
    this.#counts = shared.adder(this.#threads, threads)
    // Both take a while to start and to load their modules: they begin before the walk has found the first batch.
    const warmUp = { root: '', paths: [], bytes: 0 }
    this.#threads.broadcast(indexFiles, [warmUp]).catch(() => {})
    this.#processes.broadcast(hashFiles, [warmUp, shared.hashes, 0]).catch(() => {})
  }

  /** Files of which a process has read something else than the thread. */
  get changed(): number {
    return this.#changed
  }

  /** Processes that ended under their work. */
  get crashes(): number {
    return this.#processes.stats().crashes
  }

  /**
   * Works on batches, several at a time; when it resolves, their words are counted in what is shared.
   *
   * @param take - is called with what became of each batch, in their order, one at a time
   * @throws (rejects) the first thing that went wrong; or what {@link Crew.stop} was told
   */
  async run(
    batches: AsyncGenerator<NumberedBatch, void, void>,
    take: (batch: Batch, result: BatchResult) => Promise<void>,
  ): Promise<void> {
    this.#system.addProducer(() => batches)
    for (let lane = 0; lane < this.#lanes; lane++)
      this.#system.addConsumer(async ({ number, batch }) => {
        const result = await this.#index(batch, lane * this.#batchFiles * HASH_BYTES)
        await this.#turns.take(number)
        await take(batch, result)
        this.#turns.pass()
      })
    await this.#system.start()
    this.check()
    await this.#counts.close()
  }

  /** @throws the first thing that went wrong, or what {@link Crew.stop} was told */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }

  /**
   * Ends all threads and processes at once.
   *
   * @param reason - what {@link Crew.run} throws, if it has not ended
   */
  async stop(reason?: unknown): Promise<void> {
    this.#failure ??= { reason }
    this.#turns.fail(reason)
    this.#limiter.close(reason)
    this.#counts.terminate(reason)
    await Promise.all([
      this.#threads.terminate(),
      this.#processes.terminate(),
      this.#system.stop({ drain: false }),
      this.#counts.close(),
    ])
  }

  /** @param first - where the batch's hashes have their place in what is shared: no other batch uses it meanwhile */
  async #index(batch: Batch, first: number): Promise<BatchResult> {
    await this.#limiter.acquire({ permits: batch.paths.length })
    const [result, sizes] = await Promise.all([
      this.#threads.run(indexFiles, [batch]),
      this.#processes.run(hashFiles, [batch, this.#shared.hashes, first]),
    ])
    this.#changed += this.#countDifferences(result, sizes, first)
    await this.#counts.addItem(result.words)
    return result
  }

  /**
   * In how many files the process has not read what the thread has. Each has read the file on its own, so the thread has made a
   * hash as well: when both are the same, the words belong to the hash.
   */
  #countDifferences({ sizes, hashes }: BatchResult, processSizes: Float64Array, first: number): number {
    let different = 0
    let indexed = 0
    for (const [index, size] of sizes.entries()) {
      if (size < 0) continue
      const own = hashes.subarray(indexed * HASH_BYTES, ++indexed * HASH_BYTES)
      const at = first + index * HASH_BYTES
      const theirs = this.#shared.hashes.view.subarray(at, at + HASH_BYTES)
      if (processSizes[index] !== size || Buffer.compare(own, theirs) !== 0) different++
    }
    return different
  }
}

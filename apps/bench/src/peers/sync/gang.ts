import { once } from 'node:events'
import { parentPort, Worker } from 'node:worker_threads'

// The words of a gang: what the main thread says to its workers, and what they say to it.
const TURN = 0
const CALLS = 1
const BUSY = 2
const STOP = 3
const WHICH = 4
const WORDS = 5

/** What a worker of a gang finds in its `workerData`, beside its own data. */
export interface GangData {
  readonly gang: Int32Array
}

/**
 * Worker threads that sleep until they are told to do a batch, all at once. Between batches they use no processor time, and
 * they are told by bare atomics, so that both sides of a duel pay the same for it.
 */
export class Gang {
  readonly #words: Int32Array
  readonly #workers: readonly Worker[]
  #failure: Error | undefined

  private constructor(words: Int32Array, workers: readonly Worker[]) {
    this.#words = words
    this.#workers = workers
    for (const worker of workers)
      worker.on('error', (error) => {
        this.#failure = error
      })
  }

  /** Starts the workers; resolves when all of them wait for their first batch. */
  static async start(script: URL, size: number, data: object): Promise<Gang> {
    const words = new Int32Array(new SharedArrayBuffer(4 * WORDS))
    const workers = Array.from({ length: size }, () => new Worker(script, { workerData: { ...data, gang: words } }))
    const gang = new Gang(words, workers)
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return gang
  }

  /** Tells every worker to begin with that many calls, of which of its jobs. Does not block. */
  begin(calls: number, which = 0): void {
    Atomics.store(this.#words, CALLS, calls)
    Atomics.store(this.#words, WHICH, which)
    Atomics.store(this.#words, STOP, 0)
    Atomics.store(this.#words, BUSY, this.#workers.length)
    Atomics.add(this.#words, TURN, 1)
    Atomics.notify(this.#words, TURN)
  }

  /** Tells workers that would go on for ever to end their batch. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1)
  }

  /** Blocks until every worker is done with its batch, or has failed. */
  async finish(): Promise<void> {
    for (;;) {
      const busy = Atomics.load(this.#words, BUSY)
      if (busy === 0) return
      // A worker that failed tells it by an event, which comes only while this thread does not block.
      if (Atomics.wait(this.#words, BUSY, busy, 5000) === 'timed-out') await new Promise(setImmediate)
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

/** What a worker is told of a batch, beside the number of calls. */
export interface Batch {
  readonly which: number
  readonly stopped: () => boolean
}

/** The worker's side: does every batch that it is told to do, until the worker is terminated. */
export function serve({ gang }: GangData, batch: (calls: number, about: Batch) => void): never {
  const stopped = () => Atomics.load(gang, STOP) === 1
  parentPort?.postMessage('ready')
  for (let turn = 0; ; turn++) {
    Atomics.wait(gang, TURN, turn)
    batch(Atomics.load(gang, CALLS), { which: Atomics.load(gang, WHICH), stopped })
    Atomics.sub(gang, BUSY, 1)
    Atomics.notify(gang, BUSY)
  }
}

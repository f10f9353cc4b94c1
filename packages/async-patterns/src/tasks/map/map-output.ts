import { RingBuffer } from '../../ring-buffer.js'
import { holdProcess, letProcessGo } from '../../waiting/keep-alive.js'

export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: unknown }

interface Reader<Result> {
  readonly resolve: (result: IteratorResult<Result, undefined> | PromiseLike<never>) => void
}

interface Collection<Result> {
  readonly results: Result[]
  readonly resolve: (results: Result[] | PromiseLike<never>) => void
}

/**
 * Gives the outcomes of a map to whoever asks: one by one, or all together.
 *
 * Invariant: outcomes are given in the order of their indexes, each once; an error ends the output in its place.
 * Invariant: the process is kept alive exactly while somebody waits.
 */
export class MapOutput<Result> {
  /** Those that came before their turn. */
  readonly #early = new Map<number, Outcome<Result>>()
  readonly #readers = new RingBuffer<Reader<Result>>()
  #collection: Collection<Result> | undefined
  #given = 0
  #asked = 0
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #holds = false

  /** How many results were asked for so far. */
  get asked(): number {
    return this.#asked
  }

  /** How many results were given so far. */
  get given(): number {
    return this.#given
  }

  /** Whether all results are to be given together. */
  get isCollecting(): boolean {
    return this.#collection !== undefined
  }

  /** Behind a collection there is nothing more to read. */
  read(): Promise<IteratorResult<Result, undefined>> {
    if (this.#isOver) return this.#ending()
    if (this.isCollecting) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#asked += 1
      this.#readers.push({ resolve })
      this.#hold()
    })
  }

  collect(): Promise<Result[]> {
    if (this.#isOver) return this.#ending().then(() => [])
    if (this.isCollecting) return Promise.resolve([])
    return new Promise((resolve) => {
      this.#collection = { results: [], resolve }
      this.#asked = Number.POSITIVE_INFINITY
      this.#hold()
    })
  }

  /** @returns the error that has ended the output now, if one has */
  put(index: number, outcome: Outcome<Result>): { readonly error: unknown } | undefined {
    if (this.#collection !== undefined && outcome.ok && this.#readers.size === 0 && this.#early.size === 0) {
      // By far the most are put here: nothing has to be kept for its turn.
      this.#collection.results[index - this.#given] = outcome.value
      return undefined
    }
    this.#early.set(index, outcome)
    return this.give()
  }

  /** Gives what may be given. @returns the error that has ended the output now, if one has */
  give(): { readonly error: unknown } | undefined {
    while (this.#readers.size > 0) {
      const outcome = this.#early.get(this.#given)
      if (outcome === undefined) break
      this.#early.delete(this.#given)
      this.#given += 1
      if (!outcome.ok) return this.#endWith(outcome)
      this.#readers.shift().resolve({ done: false, value: outcome.value })
    }
    if (this.#collection !== undefined && this.#readers.size === 0)
      for (const [index, outcome] of this.#early) {
        if (!outcome.ok) return this.#endWith(outcome)
        this.#early.delete(index)
        this.#collection.results[index - this.#given] = outcome.value
      }
    this.#hold()
    return undefined
  }

  #endWith(failure: { readonly error: unknown }): { readonly error: unknown } {
    this.end(failure)
    return failure
  }

  /** Nothing more comes. One of those who ask, now or later, is told of a failure, and all others that it is over. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = failure
    this.#early.clear()
    const collection = this.#collection
    while (this.#readers.size > 0) this.#readers.shift().resolve(this.#ending() as Promise<never>)
    collection?.resolve(this.#failure === undefined ? collection.results : (this.#ending() as Promise<never>))
    this.#collection = undefined
    this.#hold()
  }

  #ending(): Promise<IteratorResult<Result, undefined>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure.error)
  }

  #hold(): void {
    const holds = this.#readers.size > 0 || this.#collection !== undefined
    if (holds === this.#holds) return
    this.#holds = holds
    if (holds) holdProcess()
    else letProcessGo()
  }
}

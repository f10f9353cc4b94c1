import { holdProcess, letProcessGo } from '../platform/keep-alive.js'

/** The place of a result that is not there yet. */
const absent = Symbol('absent')

class Failure {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

interface Reader {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void
  readonly reject: (error: unknown) => void
}

interface Collection {
  readonly resolve: (results: unknown[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gives the outcomes of a map to whoever asks: one by one, or all together.
 *
 * Invariant: outcomes are given in the order of their places, each once; an error ends the output in its place.
 * Invariant: the process is kept alive exactly while somebody waits.
 */
export class MapOutput {
  /** From `#head` on, those that were not given; before it, what is to be cut off. */
  #places: unknown[] = []
  #head = 0
  /** How many were given and cut off. */
  #base = 0
  #readers: Reader[] = []
  #collection: Collection | undefined
  #isOver = false
  #failure: Failure | undefined
  #holds = false

  get given(): number {
    return this.#base + this.#head
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether somebody waits for what is not there. */
  get isAsked(): boolean {
    return this.#readers.length > 0 || this.#collection !== undefined
  }

  get isCollecting(): boolean {
    return this.#collection !== undefined
  }

  /** Makes places for items that were pulled. */
  reserve(count: number): void {
    for (let place = 0; place < count; place += 1) this.#places.push(absent)
  }

  read(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver || this.isCollecting) return this.#ending()
    if (this.#readers.length === 0) {
      const next = this.#places[this.#head]
      if (this.#head < this.#places.length && next !== absent && !(next instanceof Failure)) {
        this.#advance()
        return Promise.resolve({ done: false, value: next })
      }
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#hold()
    })
  }

  collect(): Promise<unknown[]> {
    if (this.#isOver || this.isCollecting) return this.#ending().then(() => [])
    return new Promise((resolve, reject) => {
      this.#collection = { resolve, reject }
      this.#hold()
    })
  }

  /** Values for the places from `from` on. */
  put(from: number, values: ArrayLike<unknown>, count: number): void {
    const at = from - this.#base
    for (let index = 0; index < count; index += 1) this.#places[at + index] = values[index]
  }

  fail(from: number, count: number, error: unknown): void {
    const failure = new Failure(error)
    const at = from - this.#base
    for (let index = 0; index < count; index += 1) this.#places[at + index] = failure
  }

  /** Where an outcome of a map without order is put: behind those that came before it. */
  append(values: ArrayLike<unknown>, count: number): void {
    for (let index = 0; index < count; index += 1) this.#places.push(values[index])
  }

  appendFailure(error: unknown): void {
    this.#places.push(new Failure(error))
  }

  /** Gives what may be given. Returns the error that stands next, and ends the output, if one does. */
  give(): { readonly error: unknown } | undefined {
    let given = 0
    for (const reader of this.#readers) {
      const next = this.#places[this.#head]
      if (this.#head >= this.#places.length || next === absent) break
      if (next instanceof Failure) {
        this.#readers = this.#readers.slice(given)
        return next
      }
      given += 1
      this.#advance()
      reader.resolve({ done: false, value: next })
    }
    if (given > 0) this.#readers = this.#readers.slice(given)
    this.#hold()
    return undefined
  }

  /** Of those that are there, the first failure before which nothing is missing: for a collection, which is given at the end. */
  firstFailure(from: number): { readonly error: unknown } | undefined {
    for (let place = Math.max(this.#head, from - this.#base); place < this.#places.length; place += 1) {
      const next = this.#places[place]
      if (next === absent) return undefined
      if (next instanceof Failure) return next
    }
    return undefined
  }

  #advance(): void {
    this.#places[this.#head] = undefined
    this.#head += 1
    if (this.#head < 1024 || 2 * this.#head < this.#places.length) return
    this.#places = this.#places.slice(this.#head)
    this.#base += this.#head
    this.#head = 0
  }

  /** Nothing more comes. One of those who ask, now or later, is told of a failure, and all others that it is over. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    const readers = this.#readers
    const collection = this.#collection
    this.#readers = []
    this.#collection = undefined
    this.#failure = failure ? new Failure(failure.error) : undefined
    if (collection && readers.length === 0) {
      if (this.#failure) collection.reject(this.#takeFailure())
      else collection.resolve(this.#head === 0 ? this.#places : this.#places.slice(this.#head))
    } else {
      for (const { resolve, reject } of readers) {
        if (this.#failure) reject(this.#takeFailure())
        else resolve({ done: true, value: undefined })
      }
      collection?.resolve([])
    }
    this.#places = []
    this.#head = 0
    this.#hold()
  }

  #takeFailure(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure?.error
  }

  #ending(): Promise<IteratorResult<unknown, undefined>> {
    return this.#failure ? Promise.reject(this.#takeFailure()) : Promise.resolve({ done: true, value: undefined })
  }

  #hold(): void {
    const holds = this.isAsked
    if (holds === this.#holds) return
    this.#holds = holds
    if (holds) holdProcess()
    else letProcessGo()
  }
}

import { holdProcess, letProcessGo } from '../platform/keep-alive.js'
import type { StreamSink } from '../scheduling/job.js'

interface Reader {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void
  readonly reject: (error: unknown) => void
}

/**
 * The values of a task that is a generator, for whoever reads them. It begins with the first read.
 *
 * Invariant: at most `credits` values are on their way or wait here: the worker is told of room only as they are read.
 */
export class TaskStream<Value> implements AsyncIterableIterator<Value, undefined>, StreamSink {
  readonly credits: number
  readonly #begin: (stream: TaskStream<Value>) => void
  /** Ends the task, if it has not ended. */
  #stop: () => void = () => undefined
  #addCredits: (count: number) => void = () => undefined
  #values: unknown[] = []
  #readers: Reader[] = []
  #read = 0
  #hasBegun = false
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  /** @param begin - admits the job */
  constructor(credits: number, begin: (stream: TaskStream<Value>) => void) {
    this.credits = credits
    this.#begin = begin
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      if (!this.#isOver) this.#beginOrFail()
    }
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#shift() as Value })
    if (this.#isOver) return this.#ending()
    return new Promise((resolve, reject) => {
      if (this.#readers.length === 0) holdProcess()
      this.#readers.push({ resolve: resolve as Reader['resolve'], reject })
    })
  }

  #beginOrFail(): void {
    try {
      this.#begin(this)
    } catch (error) {
      // The arguments have been changed since they were given.
      this.end({ error })
    }
  }

  /** Nobody reads any more: the generator is closed at its next value. */
  async return(): Promise<IteratorResult<Value, undefined>> {
    this.#values = []
    this.end()
    this.#failure = undefined
    this.#stop()
    return { done: true, value: undefined }
  }

  /** For whoever admits the job. */
  onStop(stop: () => void): void {
    this.#stop = stop
  }

  onStart(addCredits: (count: number) => void): void {
    this.#addCredits = addCredits
  }

  onChunk(value: unknown): void {
    if (this.#isOver) return
    this.#values.push(value)
    const reader = this.#readers.shift()
    if (!reader) return
    if (this.#readers.length === 0) letProcessGo()
    reader.resolve({ done: false, value: this.#shift() })
  }

  #shift(): unknown {
    this.#read += 1
    // Not for each one: half of the room at a time.
    if (2 * this.#read >= this.credits) {
      this.#addCredits(this.#read)
      this.#read = 0
    }
    return this.#values.shift()
  }

  /** The task has settled. What has come before is still read, then comes the failure, if there is one. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = failure
    if (this.#readers.length > 0) letProcessGo()
    for (const { resolve, reject } of this.#readers.splice(0)) this.#ending().then(resolve, reject)
  }

  #ending(): Promise<IteratorResult<Value, undefined>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure ? Promise.reject(failure.error) : Promise.resolve({ done: true, value: undefined })
  }
}

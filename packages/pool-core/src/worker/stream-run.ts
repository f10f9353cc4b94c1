import { type Boundary, encodeValue } from '@heddle/codec'
import { invalidArgument } from '../errors.js'
import type { WorkerLane } from './worker-lane.js'

/**
 * Sends the values of a generator, never more ahead of their reader than it has room for.
 *
 * Invariant: `#credits` is how many more values may be sent before the reader says so.
 */
export class StreamRun {
  readonly #id: number
  readonly #lane: WorkerLane
  readonly #boundary: Boundary
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>
  #credits: number
  #goOn: (() => void) | undefined
  #isAborted = false

  /** @throws TypeError `ERR_INVALID_ARG`: the task has returned nothing that can be iterated */
  constructor(id: number, result: unknown, credits: number, lane: WorkerLane, boundary: Boundary) {
    this.#id = id
    this.#lane = lane
    this.#boundary = boundary
    this.#credits = credits
    const candidate = result as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
    const iterator =
      typeof candidate === 'object'
        ? (candidate?.[Symbol.asyncIterator]?.() ?? candidate?.[Symbol.iterator]?.())
        : undefined
    if (!iterator) throw invalidArgument('stream() needs a task that is a generator, or that returns an iterable')
    this.#iterator = iterator
  }

  /** Resolves with what the generator returns at its end. Rejects with what it throws, or with what cannot be sent. */
  async run(): Promise<unknown> {
    try {
      while (!this.#isAborted) {
        // Before the value is made: it would be one ahead more.
        while (this.#credits === 0 && !this.#isAborted)
          await new Promise<void>((resolve) => {
            this.#goOn = resolve
          })
        if (this.#isAborted) break
        const next = await this.#iterator.next()
        if (next.done) return next.value
        if (this.#isAborted) break
        this.#credits -= 1
        this.#lane.send({ type: 'chunk', id: this.#id, value: encodeValue(next.value, this.#boundary) })
      }
    } catch (error) {
      await this.#close()
      throw error
    }
    await this.#close()
    return undefined
  }

  addCredits(count: number): void {
    this.#credits += count
    this.#goOn?.()
  }

  /** Nobody reads any more: the generator is closed at its next value. */
  abort(): void {
    this.#isAborted = true
    this.#goOn?.()
  }

  /** After a failure of its own a generator is closed already, and this does nothing. */
  async #close(): Promise<void> {
    await this.#iterator.return?.()
  }
}

import { invalidArgument } from '../../errors.js'
import { describe } from '../../options.js'
import { isPromiseLike } from '../promise-like.js'

/**
 * What a map reads: an iterable or an async one, item by item.
 *
 * Invariant: of an async input at most one item is asked for at a time, and at most one that has come is kept.
 * Invariant: the input is closed at most once, and not if it has ended or failed by itself.
 */
export class MapInput<Item> {
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>
  readonly #onArrival: () => void
  #isAsking = false
  #arrived: { readonly value: Item } | undefined
  #pulled = 0
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  /**
   * @param onArrival - called when something came of an async input: an item, its end, or an error
   * @throws TypeError `ERR_INVALID_ARG`: it cannot be iterated
   */
  constructor(items: Iterable<Item> | AsyncIterable<Item>, onArrival: () => void) {
    const candidate = items as Partial<Iterable<Item> & AsyncIterable<Item>> | null | undefined
    const iterator = candidate?.[Symbol.asyncIterator]?.() ?? candidate?.[Symbol.iterator]?.()
    if (iterator === undefined)
      throw invalidArgument(`map needs an iterable or an async iterable, not ${describe(items)}`)
    this.#iterator = iterator
    this.#onArrival = onArrival
  }

  /** How many items were pulled so far. */
  get pulled(): number {
    return this.#pulled
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#isOver && this.#arrived === undefined
  }

  /** Whether a call of `take` has to wait for what was asked for before. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  /** Whether an item has come that was asked for, and was not taken yet. */
  get hasArrived(): boolean {
    return this.#arrived !== undefined
  }

  /** What the input failed with, behind all its items. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Pulls an item. Undefined: there is none now, and `onArrival` tells when there may be, or there will be none. */
  take(): { readonly value: Item } | undefined {
    if (this.#arrived !== undefined) {
      const arrived = this.#arrived
      this.#arrived = undefined
      return arrived
    }
    if (this.#isOver || this.#isAsking) return undefined
    try {
      const next = this.#iterator.next()
      // The input may have ended the map itself: what it gives then comes too late.
      if (this.#isOver) return undefined
      if (!isPromiseLike(next)) return this.#accept(next)
      this.#isAsking = true
      Promise.resolve(next).then(
        (result) => {
          this.#isAsking = false
          this.#receive(result)
          this.#onArrival()
        },
        (error: unknown) => {
          this.#isAsking = false
          this.#fail(error)
          this.#onArrival()
        },
      )
    } catch (error) {
      this.#fail(error)
    }
    return undefined
  }

  #receive(result: IteratorResult<Item>): void {
    if (this.#isOver) return
    try {
      this.#arrived = this.#accept(result)
    } catch (error) {
      // It was no result of an iterator.
      this.#fail(error)
    }
  }

  #accept(result: IteratorResult<Item>): { readonly value: Item } | undefined {
    if (result.done) {
      this.#isOver = true
      return undefined
    }
    this.#pulled += 1
    return result
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = { error }
  }

  /** Asks for nothing more: the input is closed, and fails with `error` behind what it has given. */
  stop(error: unknown): void {
    if (this.#isOver) return
    this.#failure = { error }
    this.#closeNow().catch(() => undefined)
  }

  /**
   * Ends the input before its time. What is being asked for just then cannot be waited for, it may never come: the input is
   * closed when it does.
   */
  async close(): Promise<void> {
    this.#arrived = undefined
    if (!this.#isOver) await this.#closeNow()
  }

  async #closeNow(): Promise<void> {
    this.#isOver = true
    const closing = Promise.resolve(this.#iterator.return?.())
    if (this.#isAsking) closing.catch(() => undefined)
    else await closing
  }
}

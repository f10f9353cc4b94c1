import { AsyncResource } from 'node:async_hooks'
import { types } from 'node:util'
import { invalidArgument } from '../errors.js'
import { describe } from '../options.js'

/** Items that were pulled together. */
export type Pulled = readonly unknown[] | Float64Array

/**
 * What a map reads: an array, an iterable or an async one.
 *
 * Invariant: of an async input at most one item is asked for at a time.
 * Invariant: the input is closed at most once, and not if it has ended or failed by itself.
 */
export class MapSource {
  readonly #list: (readonly unknown[] & { subarray?: undefined }) | NumberArray | undefined
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  /** In the context of whoever has made the map: it is pulled when a worker answers. */
  readonly #next: () => ReturnType<(Iterator<unknown> | AsyncIterator<unknown>)['next']>
  readonly #onArrival: () => void
  #at = 0
  #isAsking = false
  /** Those that came of an async input and were not taken yet. */
  #arrived: unknown[] = []
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  /**
   * @param onArrival - called when something came of an async input: an item, its end, or an error
   * @throws TypeError `ERR_INVALID_ARG`: it cannot be iterated
   */
  constructor(items: Iterable<unknown> | AsyncIterable<unknown>, onArrival: () => void) {
    this.#onArrival = onArrival
    if (isPlainArray(items) || isNumberArray(items)) {
      this.#list = items
      this.#next = () => ({ done: true, value: undefined })
      return
    }
    const candidate = items as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
    this.#iterator = candidate?.[Symbol.asyncIterator]?.() ?? candidate?.[Symbol.iterator]?.()
    if (this.#iterator === undefined)
      throw invalidArgument(`map needs an iterable or an async iterable, not ${describe(items)}`)
    const iterator = this.#iterator
    this.#next = AsyncResource.bind(() => iterator.next())
  }

  /** How many items are left, where that is known. */
  get left(): number | undefined {
    return this.#list === undefined ? undefined : this.#list.length - this.#at
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#isOver && this.#arrived.length === 0
  }

  /** Whether an async input was asked, and has not answered. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  /** How many items came of an async input and were not taken. */
  get arrived(): number {
    return this.#arrived.length
  }

  /** What the input failed with, behind all its items. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Up to `most` items, none if there are none now: then `onArrival` tells when there may be, or there will be none. */
  take(most: number): Pulled {
    if (this.#list) {
      if (this.#isOver) return []
      const from = this.#at
      this.#at = Math.min(this.#list.length, from + most)
      if (this.#at === this.#list.length) this.#isOver = true
      return this.#list.subarray
        ? (this.#list.subarray(from, this.#at) as Float64Array)
        : this.#list.slice(from, this.#at)
    }
    const taken = this.#arrived.splice(0, most)
    while (taken.length < most && !this.#isOver && !this.#isAsking) this.#pull(taken)
    return taken
  }

  /** Asks an async input for its next item, if it was not asked already. */
  ask(): void {
    if (!this.#isOver && !this.#isAsking) this.#pull(this.#arrived)
  }

  #pull(into: unknown[]): void {
    try {
      const next = this.#next()
      // The input may have ended the map itself: what it gives then comes too late.
      if (this.#isOver) return
      if (!isPromiseLike(next)) {
        this.#accept(next, into)
        return
      }
      this.#isAsking = true
      Promise.resolve(next).then(
        (result) => this.#arrives(() => this.#accept(result, this.#arrived)),
        (error: unknown) => this.#arrives(() => this.#fail(error)),
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  #arrives(receive: () => void): void {
    this.#isAsking = false
    if (this.#isOver) return
    try {
      receive()
    } catch (error) {
      // It was no result of an iterator.
      this.#fail(error)
    }
    this.#onArrival()
  }

  #accept(result: IteratorResult<unknown>, into: unknown[]): void {
    if (result.done) this.#isOver = true
    else into.push(result.value)
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
    this.#arrived = []
    if (!this.#isOver) await this.#closeNow()
  }

  async #closeNow(): Promise<void> {
    this.#isOver = true
    const closing = Promise.resolve(this.#iterator?.return?.())
    if (this.#isAsking) closing.catch(() => undefined)
    else await closing
  }
}

/** The typed arrays of numbers, which a Float64Array takes exactly. */
type NumberArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

function isNumberArray(items: unknown): items is NumberArray {
  return types.isTypedArray(items) && !types.isBigInt64Array(items) && !types.isBigUint64Array(items)
}

/** An array whose iterator is the built-in one, and so gives its elements. */
function isPlainArray(items: unknown): items is readonly unknown[] & { subarray?: undefined } {
  return Array.isArray(items) && items[Symbol.iterator] === Array.prototype[Symbol.iterator]
}

function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** What {@link BareRing.tryGet} gives when there is nothing. */
export const EMPTY: unique symbol = Symbol('empty')

const kept = Promise.resolve()

/**
 * The least that a bounded queue can be: a ring, and two lines of waiters to whom an item or a free place is handed directly.
 * No abort, no timeout, no closing, no statistics.
 */
export class BareRing<T> {
  readonly #items: (T | undefined)[]
  readonly #mask: number
  readonly #capacity: number
  #head = 0
  #size = 0
  #getters: ((item: T) => void)[] = []
  #putters: { item: T; resolve: () => void }[] = []

  constructor(capacity: number) {
    const length = 2 ** Math.ceil(Math.log2(capacity))
    this.#items = Array.from({ length }, () => undefined)
    this.#mask = length - 1
    this.#capacity = capacity
  }

  put(item: T): Promise<void> {
    if (this.tryPut(item)) return kept
    return new Promise((resolve) => this.#putters.push({ item, resolve }))
  }

  get(): Promise<T> {
    if (this.#size > 0) return Promise.resolve(this.#take())
    return new Promise((resolve) => this.#getters.push(resolve))
  }

  tryPut(item: T): boolean {
    // One producer and one consumer: the lines are at most one long, so that a shift costs nothing.
    if (this.#getters.length > 0) this.#getters.shift()?.(item)
    else if (this.#size < this.#capacity) this.#items[(this.#head + this.#size++) & this.#mask] = item
    else return false
    return true
  }

  tryGet(): T | typeof EMPTY {
    return this.#size > 0 ? this.#take() : EMPTY
  }

  #take(): T {
    const item = this.#items[this.#head] as T
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#size -= 1
    if (this.#putters.length > 0) {
      const putter = this.#putters.shift()
      if (putter !== undefined && this.tryPut(putter.item)) putter.resolve()
    }
    return item
  }
}

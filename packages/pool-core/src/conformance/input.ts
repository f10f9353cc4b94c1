import { turnsOfTheLoop } from './observe.js'

/** What a map reads: counts what is pulled from it, and notes that it was closed. */
export class Input<Item> {
  pulled = 0
  isClosed = false
  readonly #itemAt: (index: number) => Item | undefined

  /** @param itemAt - the item of that index; undefined: the input ends before it */
  constructor(itemAt: (index: number) => Item | undefined) {
    this.#itemAt = itemAt
  }

  *[Symbol.iterator](): Generator<Item, void, void> {
    try {
      for (;;) {
        const item = this.#itemAt(this.pulled)
        if (item === undefined) return
        this.pulled += 1
        yield item
      }
    } finally {
      this.isClosed = true
    }
  }

  /** The same, a turn of the event loop before each item. */
  async *later(): AsyncGenerator<Item, void, void> {
    for (const item of this) {
      await turnsOfTheLoop(1)
      yield item
    }
  }

  /** Both ways to read such an input. */
  static kinds<Item>(itemAt: (index: number) => Item | undefined): readonly InputKind<Item>[] {
    const [sync, async] = [new Input(itemAt), new Input(itemAt)]
    return [
      { input: sync, items: sync },
      { input: async, items: async.later() },
    ]
  }
}

export interface InputKind<Item> {
  readonly input: Input<Item>
  readonly items: Iterable<Item> | AsyncIterable<Item>
}

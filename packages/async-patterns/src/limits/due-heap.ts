/** One that is due at a time. */
export interface Due {
  due: number
}

/** A binary heap: the earliest is at the top. Adding one and moving the top take as many steps as the number has digits. */
export class DueHeap<Item extends Due> {
  readonly #items: Item[] = []

  get top(): Item | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  push(item: Item): void {
    const items = this.#items
    let place = items.length
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = items[parent] as Item
      if (above.due <= item.due) break
      items[place] = above
      place = parent
    }
    items[place] = item
  }

  /** Takes the top out. There must be one. */
  pop(): void {
    const last = this.#items.pop() as Item
    if (this.#items.length === 0) return
    this.#items[0] = last
    this.sinkTop()
  }

  /** Puts the top to its place after it became due later. */
  sinkTop(): void {
    const items = this.#items
    const { length } = items
    const item = items[0] as Item
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= length) break
      if (child + 1 < length && (items[child + 1] as Item).due < (items[child] as Item).due) child += 1
      const below = items[child] as Item
      if (below.due >= item.due) break
      items[place] = below
      place = child
    }
    items[place] = item
  }

  clear(): void {
    this.#items.length = 0
  }
}

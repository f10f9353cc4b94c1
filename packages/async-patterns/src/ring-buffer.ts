const smallest = 16

/**
 * A first-in-first-out store that grows as it fills, by doubling, and never shrinks below what it has needed.
 *
 * Invariant: the items are at the `size` places from `#head` on, modulo the number of places, which is a power of two; all
 * other places are undefined, so that nothing taken out is kept from collection.
 */
export class RingBuffer<Item> {
  #places: (Item | undefined)[] = Array.from({ length: smallest })
  #mask = smallest - 1
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item): void {
    if (this.#size > this.#mask) this.#grow()
    this.#places[(this.#head + this.#size) & this.#mask] = item
    this.#size += 1
  }

  /** Takes the oldest item out. There must be one. */
  shift(): Item {
    const item = this.#places[this.#head] as Item
    this.#places[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#size -= 1
    return item
  }

  /** Takes the `count` oldest items out, or all if there are fewer. */
  shiftMany(count: number): Item[] {
    const items: Item[] = []
    for (let left = Math.min(count, this.#size); left > 0; left--) items.push(this.shift())
    return items
  }

  #grow(): void {
    const { length } = this.#places
    const places = Array.from<Item | undefined>({ length: 2 * length })
    for (let i = 0; i < length; i++) places[i] = this.#places[(this.#head + i) & this.#mask]
    this.#places = places
    this.#mask = 2 * length - 1
    this.#head = 0
  }
}

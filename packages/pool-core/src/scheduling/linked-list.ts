/** Something that can stand in one {@link LinkedList} at a time; the fields belong to the list. */
export interface Linked {
  previous?: Linked | undefined
  next?: Linked | undefined
  list?: object | undefined
}

/** A first-in first-out list that anything can leave at any time, all in constant time. */
export class LinkedList<Item extends Linked> {
  #first: Item | undefined
  #last: Item | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    return this.#first
  }

  push(item: Item): void {
    item.list = this
    item.previous = this.#last
    if (this.#last) this.#last.next = item
    else this.#first = item
    this.#last = item
    this.#size += 1
  }

  unshift(item: Item): void {
    item.list = this
    item.next = this.#first
    if (this.#first) this.#first.previous = item
    else this.#last = item
    this.#first = item
    this.#size += 1
  }

  shift(): Item | undefined {
    const item = this.#first
    if (item) this.delete(item)
    return item
  }

  *[Symbol.iterator](): Generator<Item, void, void> {
    for (let item = this.#first; item; item = item.next as Item | undefined) yield item
  }

  /** @returns whether the item was in this list */
  delete(item: Item): boolean {
    if (item.list !== this) return false
    if (item.previous) item.previous.next = item.next
    else this.#first = item.next as Item | undefined
    if (item.next) item.next.previous = item.previous
    else this.#last = item.previous as Item | undefined
    item.list = undefined
    item.previous = undefined
    item.next = undefined
    this.#size -= 1
    return true
  }
}

/** What can be in one {@link LinkedList} at a time. */
export interface Linked<Node> {
  previous: Node | undefined
  next: Node | undefined
}

/** A first-in-first-out store from which any node leaves at once: the links are in the nodes themselves. */
export class LinkedList<Node extends Linked<Node>> {
  #head: Node | undefined
  #tail: Node | undefined
  #size = 0

  get head(): Node | undefined {
    return this.#head
  }

  get size(): number {
    return this.#size
  }

  /** Puts a node behind all others. It must be in no list. */
  push(node: Node): void {
    node.previous = this.#tail
    if (this.#tail === undefined) this.#head = node
    else this.#tail.next = node
    this.#tail = node
    this.#size += 1
  }

  /** Takes a node out. It must be in this list. */
  remove(node: Node): void {
    const { previous, next } = node
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    // An old node that still pointed to younger ones would keep them from an early collection.
    node.previous = undefined
    node.next = undefined
    this.#size -= 1
  }
}

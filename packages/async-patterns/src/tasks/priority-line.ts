import { type Linked, LinkedList } from '../linked-list.js'

/** What stands in a {@link PriorityLine}. */
export interface Prioritized<Node> extends Linked<Node> {
  /** The higher, the earlier. */
  readonly priority: number
}

interface Level<Node extends Prioritized<Node>> {
  readonly priority: number
  readonly nodes: LinkedList<Node>
}

/**
 * A line in which those of higher priority stand before those of lower, and those of one priority in the order they came.
 *
 * Invariant: the levels are sorted, the highest priority first, and none is empty.
 */
export class PriorityLine<Node extends Prioritized<Node>> {
  readonly #levels: Level<Node>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The one whose turn is next. */
  get head(): Node | undefined {
    return this.#levels[0]?.nodes.head
  }

  /** The one that has waited longest among those of the lowest priority. */
  get oldestOfLowest(): Node | undefined {
    return this.#levels.at(-1)?.nodes.head
  }

  push(node: Node): void {
    const at = this.#find(node.priority)
    let level = this.#levels[at]
    if (level?.priority !== node.priority) {
      level = { priority: node.priority, nodes: new LinkedList() }
      this.#levels.splice(at, 0, level)
    }
    level.nodes.push(node)
    this.#size += 1
  }

  /** The node must be in this line. */
  remove(node: Node): void {
    const at = this.#find(node.priority)
    const { nodes } = this.#levels[at] as Level<Node>
    nodes.remove(node)
    if (nodes.size === 0) this.#levels.splice(at, 1)
    this.#size -= 1
  }

  /** Where the level of this priority is, or would have to be. */
  #find(priority: number): number {
    // By far the most lines have one level.
    let low = 0
    let high = this.#levels[0]?.priority === priority ? 0 : this.#levels.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#levels[middle] as Level<Node>).priority > priority) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * Finds traps while a depth-first search goes on: sets of states that no step leads out of, and none of which is an end. A
 * system in one runs for ever, whatever the scheduler does, and nothing ever comes of it.
 *
 * A trap is a strongly connected component of the graph of states that has no edge to another one. Events that a budget
 * counts are no way out, as nobody can rely on them; they are never within a component, because no step gives a budget back.
 *
 * Source: Robert Tarjan, "Depth-First Search and Linear Graph Algorithms", SIAM J. Comput. 1 (1972) 146–160
 * Differs: states are numbered in the order they are found, so that the number is the depth-first index.
 */
export class Traps {
  /** For each state the lowest number that is known to be in its component. */
  readonly #low: number[] = []
  /** Whether a step leads from the state out of its component, or nobody looked where its steps lead. */
  readonly #leaves: boolean[] = []
  readonly #closed: boolean[] = []
  /** The states whose component is not complete yet. */
  readonly #open: number[] = []

  /** The search goes into a new state; states come in the order of their numbers. */
  enter(state: number): void {
    this.#low[state] = state
    this.#leaves[state] = false
    this.#closed[state] = false
    this.#open.push(state)
  }

  /** The state is an end, or not all of its steps are followed. */
  escape(state: number): void {
    this.#leaves[state] = true
  }

  /** A choice leads from a state to one that was found before. */
  meet(from: number, to: number, isWayOut: boolean): void {
    if (this.#closed[to]) {
      if (isWayOut) this.#leaves[from] = true
    } else if ((this.#low[to] as number) < (this.#low[from] as number)) this.#low[from] = this.#low[to] as number
  }

  /** The search leaves a state for good. Returns whether it was the entrance of a trap. */
  leave(state: number): boolean {
    if (this.#low[state] !== state) return false
    let isTrap = true
    let member: number
    do {
      member = this.#open.pop() as number
      this.#closed[member] = true
      if (this.#leaves[member]) isTrap = false
    } while (member !== state)
    return isTrap
  }
}

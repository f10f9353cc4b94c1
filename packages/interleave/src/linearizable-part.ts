import type { LinearizabilityReport } from './linearizable.js'
import { ILLEGAL, type Operation, type SequentialModel } from './sequential-model.js'

/** An operation that was put into the order, and the state before it. */
interface Placed<State> {
  readonly operation: number
  readonly before: State
}

/**
 * Looks for an order of the operations of one part.
 *
 * The calls and returns of the operations that are not placed yet form a list, by time. Only an operation that was called
 * before the first return in the list can come next. When that return is reached, none of them could: the last one that was
 * placed is taken back. Positions from which no order was found are remembered, as the set of placed operations and the
 * state; the way to them does not matter.
 *
 * Numbers: operation i is called in event i and returns in event n + i; event 2n is the head of the list and its end.
 */
export class PartSearch<State, Input, Output> {
  readonly #operations: readonly Operation<Input, Output>[]
  readonly #model: SequentialModel<State, Input, Output>
  readonly #maxStates: number
  readonly #next: Int32Array
  readonly #before: Int32Array
  readonly #isPlaced: Uint32Array
  readonly #seen = new Set<string>()
  readonly #placed: Placed<State>[] = []
  #returnsLeft: number
  #longest: readonly number[] | undefined
  #stuckAt: number[] = []

  constructor(
    operations: readonly Operation<Input, Output>[],
    model: SequentialModel<State, Input, Output>,
    maxStates: number,
  ) {
    const count = operations.length
    this.#operations = operations
    this.#model = model
    this.#maxStates = maxStates
    this.#next = new Int32Array(2 * count + 1)
    this.#before = new Int32Array(2 * count + 1)
    this.#isPlaced = new Uint32Array(Math.ceil(count / 32))
    const returned = operations.flatMap(({ return: end }, operation) => (end === undefined ? [] : [operation]))
    this.#returnsLeft = returned.length
    const events = [...operations.keys(), ...returned.map((operation) => count + operation)]
    // At the same time calls come first, so that the operations overlap.
    events.sort((one, other) => this.#time(one) - this.#time(other) || Number(one >= count) - Number(other >= count))
    let last = 2 * count
    for (const event of [...events, 2 * count]) {
      this.#link(last, event)
      last = event
    }
  }

  run(): Pick<LinearizabilityReport<Input, Output>, 'verdict' | 'states' | 'order' | 'stuckAt'> {
    const head = this.#operations.length * 2
    let state = this.#model.initial
    let event = this.#next[head] as number
    while (this.#returnsLeft > 0) {
      if (event < this.#operations.length) {
        const after = this.#stepped(state, event)
        if (after !== ILLEGAL && this.#isNew(event, after)) {
          if (this.#seen.size > this.#maxStates) {
            this.#remember()
            return this.#report('bound hit')
          }
          this.#placed.push({ operation: event, before: state })
          this.#take(event)
          state = after
          event = this.#next[head] as number
        } else event = this.#next[event] as number
        continue
      }
      this.#remember()
      const undone = this.#placed.pop()
      if (undone === undefined) return this.#report('illegal')
      this.#putBack(undone.operation)
      state = undone.before
      event = this.#next[undone.operation] as number
    }
    this.#longest = this.#order()
    return this.#report('ok')
  }

  #report(verdict: 'ok' | 'illegal' | 'bound hit') {
    const named = (operations: readonly number[]) =>
      operations.map((operation) => this.#operations[operation] as Operation<Input, Output>)
    const stuckAt = verdict === 'illegal' ? named(this.#stuckAt) : []
    return { verdict, states: this.#seen.size, order: named(this.#longest ?? []), stuckAt }
  }

  #stepped(state: State, operation: number): State | typeof ILLEGAL {
    const { input, output, return: end } = this.#operations[operation] as Operation<Input, Output>
    return end === undefined
      ? this.#model.step(state, input, undefined, true)
      : this.#model.step(state, input, output, false)
  }

  /** Whether nobody was at the position yet that placing the operation leads to. */
  #isNew(operation: number, state: State): boolean {
    this.#flip(operation)
    // Those before the first one that is not placed need not be listed.
    let from = 0
    while (this.#isPlaced[from] === 0xffff_ffff) from++
    let to = this.#isPlaced.length
    while (to > from && this.#isPlaced[to - 1] === 0) to--
    const stateKey = this.#model.keyOf ? this.#model.keyOf(state) : JSON.stringify(state)
    const key = `${from}:${this.#isPlaced.subarray(from, to).join()}:${stateKey}`
    this.#flip(operation)
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  /** Keeps the order if it is the longest so far. */
  #remember(): void {
    if (this.#longest !== undefined && this.#placed.length <= this.#longest.length) return
    this.#longest = this.#order()
    this.#stuckAt = []
    const count = this.#operations.length
    for (let event = this.#next[count * 2] as number; event < count; event = this.#next[event] as number)
      this.#stuckAt.push(event)
  }

  #order(): readonly number[] {
    return this.#placed.map(({ operation }) => operation)
  }

  #take(operation: number): void {
    this.#flip(operation)
    for (const event of this.#eventsOf(operation))
      this.#link(this.#before[event] as number, this.#next[event] as number)
    if (this.#hasReturned(operation)) this.#returnsLeft--
  }

  /** The opposite of `take`, in the opposite order: each event still knows its old neighbours. */
  #putBack(operation: number): void {
    this.#flip(operation)
    for (const event of this.#eventsOf(operation).reverse()) {
      this.#next[this.#before[event] as number] = event
      this.#before[this.#next[event] as number] = event
    }
    if (this.#hasReturned(operation)) this.#returnsLeft++
  }

  #eventsOf(operation: number): number[] {
    return this.#hasReturned(operation) ? [operation, this.#operations.length + operation] : [operation]
  }

  #hasReturned(operation: number): boolean {
    return this.#operations[operation]?.return !== undefined
  }

  #time(event: number): number {
    const count = this.#operations.length
    if (event < count) return this.#operations[event]?.call as number
    return this.#operations[event - count]?.return as number
  }

  #link(one: number, other: number): void {
    this.#next[one] = other
    this.#before[other] = one
  }

  #flip(operation: number): void {
    ;(this.#isPlaced[operation >> 5] as number) ^= 1 << (operation & 31)
  }
}

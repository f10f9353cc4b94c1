/** One call of an operation, as it was seen from outside. */
export interface Operation<Input, Output> {
  readonly input: Input
  /** When it was called, on the clock of the whole history. */
  readonly call: number
  /** When it returned; left out: it never did, so that it may have taken effect at any time since, or not at all. */
  readonly return?: number | undefined
  /** What it returned; not looked at without `return`. */
  readonly output?: Output | undefined
}

/** What the object would do if one operation came after the other. It must not change a state that it is given. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State
  /**
   * The state after the operation, or `ILLEGAL` if the operation cannot have that output in this state. An operation that
   * never returned is `pending`: any output is right for it.
   */
  step(state: State, input: Input, output: Output | undefined, pending: boolean): State | typeof ILLEGAL
  /** A text that is equal for equal states only. Default: JSON, for which maps, sets and class instances are all `{}`. */
  keyOf?(state: State): string
  /**
   * The part of the object that the operation works on, if the object is made of parts that know nothing of each other, such
   * as the keys of a map: each part is then checked by itself, from `initial`.
   */
  partOf?(input: Input): string | number
}

/** Says that an operation cannot have had its output. */
export const ILLEGAL: unique symbol = Symbol('illegal')

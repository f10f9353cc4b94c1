/** What became of a batch that was processed, by the numbers of its items. */
export class Outcome {
  readonly #results: readonly unknown[]
  readonly #errors: ReadonlyMap<number, Error> | undefined

  constructor(results: readonly unknown[], errors: ReadonlyMap<number, Error> | undefined) {
    this.#results = results
    this.#errors = errors
  }

  /** The result of an item; throws the error that it got instead. */
  take(number: number): unknown {
    const error = this.#errors?.get(number)
    if (error !== undefined) throw error
    return this.#results[number]
  }
}

const mostKept = 1_024
const kept: ((outcome: Outcome) => unknown)[] = []

/**
 * The function that takes the result of item `number`. All batches share them: one promise of the whole outcome, and of
 * that one `then` per item, is a third less work than a promise with two settlers per item.
 */
export function takerOf(number: number): (outcome: Outcome) => unknown {
  const taker = kept[number]
  if (taker !== undefined) return taker
  const made = (outcome: Outcome): unknown => outcome.take(number)
  // Without a gap, so that it stays a plain array.
  if (number === kept.length && number < mostKept) kept.push(made)
  return made
}

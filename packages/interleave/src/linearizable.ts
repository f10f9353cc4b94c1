import { invalidArgument, outOfRange } from './errors.js'
import { PartSearch } from './linearizable-part.js'
import { wholeNumber } from './plan.js'
import type { Operation, SequentialModel } from './sequential-model.js'

export interface LinearizabilityReport<Input, Output> {
  /**
   * `ok`: there is an order of the operations in which each takes effect between its call and its return. `illegal`: there
   * is none. `bound hit`: it took more than `maxStates` to find out.
   */
  readonly verdict: 'ok' | 'illegal' | 'bound hit'
  /** Positions of the history and states of the model that were looked at. */
  readonly states: number
  /** If it is not ok, the part that is not. */
  readonly part: string | number | undefined
  /**
   * The order that was found, part after part; of a part that is not ok, the longest order that has no operation in it that
   * cannot be. An operation that never returned is left out if it had no effect.
   */
  readonly order: readonly Operation<Input, Output>[]
  /** If it is illegal, the operations that could have come next in that order, none of which can have its output. */
  readonly stuckAt: readonly Operation<Input, Output>[]
}

/**
 * Checks whether a history of operations that overlap is linearizable: whether it can be explained by the operations taking
 * effect one after the other, each at some moment between its call and its return. Blocks until it is done.
 *
 * An operation comes before another one only if it returned at an earlier time than the other was called at. With a clock
 * that gives the same time twice, that may let a wrong history pass, and never refuses a right one.
 *
 * Source: Wing & Gong, "Testing and Verifying Concurrent Objects", J. Parallel Distrib. Comput. 17 (1993) 164–182, with the
 * memory of dead ends by Lowe, "Testing for linearizability", Concurrency Computat.: Pract. Exper. 29 (2017)
 *
 * @param options.maxStates - whole number, 1 or more, for each part; default: 1,000,000
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad history or options
 * @throws what the model throws
 */
export function checkLinearizable<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  options: { readonly maxStates?: number | undefined } = {},
): LinearizabilityReport<Input, Output> {
  const maxStates = wholeNumber('maxStates', options.maxStates ?? 1_000_000, 1)
  const parts = new Map<string | number | undefined, Operation<Input, Output>[]>()
  for (const operation of history) {
    checkTimes(operation)
    const part = model.partOf?.(operation.input)
    const operations = parts.get(part)
    if (operations) operations.push(operation)
    else parts.set(part, [operation])
  }
  let states = 0
  const order: Operation<Input, Output>[] = []
  for (const [part, operations] of parts) {
    const result = new PartSearch(operations, model, maxStates).run()
    states += result.states
    order.push(...result.order)
    if (result.verdict !== 'ok') return { ...result, states, part, order }
  }
  return { verdict: 'ok', states, part: undefined, order, stuckAt: [] }
}

function checkTimes({ call, return: end }: Operation<unknown, unknown>): void {
  if (typeof call !== 'number' || (end !== undefined && typeof end !== 'number'))
    throw invalidArgument('call and return of an operation must be numbers')
  if (Number.isNaN(call) || (end !== undefined && !(end >= call)))
    throw outOfRange(`an operation must not return before it is called: ${call} to ${end}`)
}

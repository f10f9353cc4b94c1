/**
 * The contended path of every primitive is one generator that yields each atomic step and each wait. The blocking driver
 * runs it with a real wait, the async driver with an awaited one: both run the same lines.
 *
 * A generator gets back what the step found: the old value of `load`, `compareExchange` and `exchange`; `GAVE_UP` or
 * `WOKEN` for `wait`. After `WOKEN` it must look again, since a wait may end for no reason; after `GAVE_UP` it must end,
 * leave no trace, and wake another waiter if a wake-up that it got may have been meant for that one.
 */
export type Step =
  | { readonly op: 'load'; readonly index: number }
  | { readonly op: 'compareExchange'; readonly index: number; readonly expected: number; readonly value: number }
  | { readonly op: 'exchange'; readonly index: number; readonly value: number }
  | { readonly op: 'wait'; readonly index: number; readonly expected: number }
  | { readonly op: 'notify'; readonly index: number; readonly count: number }

export type Steps<Result> = Generator<Step, Result, number>

export const WOKEN = 0
export const GAVE_UP = 1

/** What a generator of an acquisition returns when it ended with `GAVE_UP`. */
export const NOT_ACQUIRED = false
export const ACQUIRED = true

export const load = (index: number): Step => ({ op: 'load', index })
export const compareExchange = (index: number, expected: number, value: number): Step => ({
  op: 'compareExchange',
  index,
  expected,
  value,
})
export const exchange = (index: number, value: number): Step => ({ op: 'exchange', index, value })
export const wait = (index: number, expected: number): Step => ({ op: 'wait', index, expected })
export const notify = (index: number, count: number): Step => ({ op: 'notify', index, count })

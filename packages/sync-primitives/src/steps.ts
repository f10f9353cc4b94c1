/**
 * The contended path of every primitive is one generator that yields each atomic step and each wait. The blocking driver
 * runs it with a real wait, the awaiting driver with an awaited one, the model checker with a scheduler of its own: the proof
 * is about the lines that run.
 *
 * A generator gets back what the step found: the old value of `load`, `compareExchange`, `exchange` and `add`; 1 or 0 for
 * `isDead`; `GAVE_UP` or `WOKEN` for `wait`. After `WOKEN` it must look again, since a wait may end for no reason. After
 * `GAVE_UP` it must end without another wait that is not brief, leave no trace, and wake another waiter if a wake-up that it
 * got may have been meant for that one.
 */
export type Step =
  | { readonly op: 'load'; readonly index: number }
  | { readonly op: 'store'; readonly index: number; readonly value: number }
  | { readonly op: 'compareExchange'; readonly index: number; readonly expected: number; readonly value: number }
  | { readonly op: 'exchange'; readonly index: number; readonly value: number }
  | { readonly op: 'add'; readonly index: number; readonly value: number }
  /** `brief`: for an internal lock that is held for some steps only. It blocks in every driver, and nobody gives it up. */
  | { readonly op: 'wait'; readonly index: number; readonly expected: number; readonly brief?: true }
  | { readonly op: 'notify'; readonly index: number; readonly count: number }
  | { readonly op: 'isDead'; readonly participant: number }
  /** Does nothing. It tells the model checker that `state` is all of this thread's past that still matters. */
  | { readonly op: 'checkpoint'; readonly state: CheckpointState }

export type CheckpointValue = string | number | boolean | undefined
export type CheckpointState = CheckpointValue | readonly CheckpointValue[]

export type Steps<Result> = Generator<Step, Result, number>

export const WOKEN = 0
export const GAVE_UP = 1

/** A count for `notify`: everybody. */
export const EVERYBODY = 2 ** 31 - 1

export const load = (index: number): Step => ({ op: 'load', index })
export const store = (index: number, value: number): Step => ({ op: 'store', index, value })
export const compareExchange = (index: number, expected: number, value: number): Step => ({
  op: 'compareExchange',
  index,
  expected,
  value,
})
export const exchange = (index: number, value: number): Step => ({ op: 'exchange', index, value })
export const add = (index: number, value: number): Step => ({ op: 'add', index, value })
export const wait = (index: number, expected: number): Step => ({ op: 'wait', index, expected })
export const waitBriefly = (index: number, expected: number): Step => ({ op: 'wait', index, expected, brief: true })
export const notify = (index: number, count: number): Step => ({ op: 'notify', index, count })
export const isDead = (participant: number): Step => ({ op: 'isDead', participant })
export const checkpoint = (state: CheckpointState): Step => ({ op: 'checkpoint', state })

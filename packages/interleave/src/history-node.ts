import { describe } from './errors.js'
import type { CheckpointState, CheckpointValue, Steps } from './steps.js'

/** What a thread does next: one of the steps that take part in the search, or nothing more. */
export type NodeOp =
  | 'load'
  | 'store'
  | 'compareExchange'
  | 'exchange'
  | 'add'
  | 'wait'
  | 'notify'
  | 'isDead'
  | 'yield'
  | 'finished'
  | 'threw'
  | 'killed'

/** The next step with its numbers in fixed places: `first` is `expected` if there is one, `second` is then `value`. */
export interface NextStep {
  readonly op: NodeOp
  readonly index: number
  readonly first: number
  readonly second: number
}

/** A local state of one thread: the step that comes next, and how the thread got here. */
export interface HistoryNode extends NextStep {
  readonly id: number
  /** The local state before, whose step had `result`. None at the start. */
  readonly parent: HistoryNode | undefined
  readonly result: number
  /** Steps since the start or the last checkpoint. */
  readonly depth: number
  readonly checkpoint: CheckpointState
  /** What the thread returned or threw. */
  readonly outcome: unknown
  readonly children: Map<number, HistoryNode>
  /** A generator that stands here, as long as nobody has led it on. */
  generator: Steps<unknown> | undefined
}

/**
 * The step that a thread has yielded, if memory of that many words allows it.
 *
 * @throws TypeError, RangeError: it does not; that is a failure of the thread
 */
export function nextStep(yielded: unknown, words: number): NextStep {
  if (typeof yielded !== 'object' || yielded === null)
    throw new TypeError(`a thread must yield steps, not ${describe(yielded)}`)
  const step = yielded as Readonly<Record<string, unknown>>
  const number = (name: string): number => {
    const value = step[name]
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new TypeError(`${name} of a ${describe(step.op)} must be a whole number, not ${describe(value)}`)
    return value | 0
  }
  const index = (): number => {
    const place = step.index
    if (typeof place !== 'number' || !Number.isInteger(place) || place < 0 || place >= words)
      throw new RangeError(`there is no word ${describe(place)} for a ${describe(step.op)}: memory has ${words}`)
    return place
  }
  switch (step.op) {
    case 'load':
      return { op: 'load', index: index(), first: 0, second: 0 }
    case 'store':
    case 'exchange':
    case 'add':
      return { op: step.op, index: index(), first: number('value'), second: 0 }
    case 'compareExchange':
      return { op: 'compareExchange', index: index(), first: number('expected'), second: number('value') }
    case 'wait':
      return { op: 'wait', index: index(), first: number('expected'), second: 0 }
    case 'notify':
      return { op: 'notify', index: index(), first: countOf(step.count), second: 0 }
    case 'isDead':
      return { op: 'isDead', index: 0, first: number('participant'), second: 0 }
    case 'yield':
      return { op: 'yield', index: 0, first: 0, second: 0 }
    default:
      throw new TypeError(`there is no step ${describe(step.op)}`)
  }
}

function countOf(count: unknown): number {
  if (typeof count !== 'number' || Number.isNaN(count))
    throw new TypeError(`count of a notify must be a number, not ${describe(count)}`)
  // As Atomics.notify: less than 0 is 0, and there is no more than everybody.
  return Math.max(0, Math.min(Math.trunc(count), 2 ** 31 - 1))
}

/**
 * Equal for checkpoints that promise the same, different for all others.
 *
 * @throws TypeError: the state is more than plain values; that is a failure of the thread
 */
export function checkpointKey(state: CheckpointState): string {
  const values: readonly CheckpointValue[] = isList(state) ? state : [state]
  const keys = values.map((value) => {
    const key = valueKey(value)
    if (key === undefined) throw new TypeError(`a checkpoint remembers plain values, not ${describe(value)}`)
    return key
  })
  return isList(state) ? `[${keys.join()}]` : keys.join()
}

function isList(state: CheckpointState): state is readonly CheckpointValue[] {
  return Array.isArray(state)
}

/** Equal for the same plain value, undefined for what is compared by identity. */
export function valueKey(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : `${value}`
    case 'boolean':
    case 'undefined':
      return `${value}`
    default:
      return value === null ? 'null' : undefined
  }
}

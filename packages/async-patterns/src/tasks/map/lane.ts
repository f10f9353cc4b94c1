import type { Deadline } from '../../waiting/deadline.js'
import type { TaskScope } from '../task-scope.js'
import type { Outcome } from './map-output.js'

/** The map that a lane works for. */
interface LaneOwner<Result> {
  onSettled(lane: Lane<Result>, outcome: Outcome<Result>): void
  /** Goes on with the next item. */
  advance(lane: Lane<Result>): void
}

/** Takes item after item. */
export class Lane<Result> {
  state: 'idle' | 'in line' | 'inside' = 'idle'
  /** Whether it has begun an item in the place that it has. */
  hasWorked = false
  /** Whether an item is under way on it. `aborted`: that was counted and settled, and its body goes on. */
  work: 'none' | 'under way' | 'aborted' = 'none'
  /** Of the item that it works on, or worked on last. */
  index = -1
  /** Bounds the item that it works on, if that has a time limit. */
  scope: TaskScope | undefined = undefined
  /** How long an item whose time is over keeps its place. */
  grace: Deadline | undefined = undefined
  leaveLine: (() => void) | undefined = undefined
  readonly onValue: (value: Result) => void
  readonly onError: (error: unknown) => void

  /** The callbacks are made once: one lane settles thousands of items. */
  constructor(map: LaneOwner<Result>) {
    this.onValue = (value) => {
      map.onSettled(this, { ok: true, value })
      map.advance(this)
    }
    this.onError = (error) => {
      map.onSettled(this, { ok: false, error })
      map.advance(this)
    }
  }
}

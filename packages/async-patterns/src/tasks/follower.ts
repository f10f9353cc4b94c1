import type { ManagedTask } from './managed-task.js'

/** Waits for the body of one task after another: callbacks that are made for each task are most of what a small one costs. */
export class Follower {
  task: ManagedTask | undefined
  readonly onValue: (value: unknown) => void
  readonly onError: (error: unknown) => void

  constructor(onFollowed: (follower: Follower, ok: boolean, outcome: unknown) => void) {
    this.onValue = (value) => onFollowed(this, true, value)
    this.onError = (error) => onFollowed(this, false, error)
  }
}

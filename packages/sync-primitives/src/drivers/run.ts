import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { type Step, type Steps, WOKEN } from '../steps.js'
import { onWake } from './address-waiter.js'
import { giveUp } from './blocking.js'
import { perform, waitBriefly } from './perform.js'

/**
 * One algorithm under way in this thread's event loop.
 *
 * Invariant: between two turns of the event loop it is at a wait that may be long, and `#stopWaiting` is set; or it is done.
 */
export class Run<Result> {
  readonly #memory: Memory
  readonly #steps: Steps<Result>
  readonly #onDone: (result: Result) => void
  readonly #onFailed: (error: unknown) => void
  #stopWaiting: (() => void) | undefined

  /**
   * @param onDone - called when the algorithm ends, during `start` or later, and not after `giveUp`
   * @param onFailed - called instead when a step throws: the memory was closed, or something else has written to its words
   */
  constructor(
    memory: Memory,
    steps: Steps<Result>,
    onDone: (result: Result) => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#memory = memory
    this.#steps = steps
    this.#onDone = onDone
    this.#onFailed = onFailed
  }

  start(): void {
    this.#goOn(undefined)
  }

  /** Ends a wait at once. Returns what the algorithm makes of it. */
  giveUp(): Result {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    return giveUp(this.#memory, this.#steps)
  }

  /** Looks now whether it can go on, and not when it is woken. Nothing happens while it is not at a wait. */
  lookAgain(): void {
    if (!this.#stopWaiting) return
    this.#stopWaiting()
    this.#wake()
  }

  readonly #wake = (): void => {
    this.#stopWaiting = undefined
    this.#goOn(WOKEN)
  }

  #goOn(found: number | undefined): void {
    let result: Result
    try {
      throwIfClosed(this.#memory)
      let next = found === undefined ? this.#steps.next() : this.#steps.next(found)
      while (!next.done) {
        const step: Step = next.value
        if (step.op !== 'wait') next = this.#steps.next(perform(this.#memory, step))
        else if (step.brief) next = this.#steps.next(waitBriefly(this.#memory, step))
        else {
          this.#stopWaiting = onWake(this.#memory, step.index, step.expected, this.#wake)
          if (this.#stopWaiting) return
          next = this.#steps.next(WOKEN)
        }
      }
      result = next.value
    } catch (error) {
      this.#onFailed(error)
      return
    }
    this.#onDone(result)
  }
}

import type { TaskContext } from './managed-task.js'
import type { TaskSignal } from './task-signal.js'

/** Shows a piece of work its signal and nothing else: it cannot abort that. */
export class ShownSignal implements TaskContext {
  readonly #own: TaskSignal

  constructor(own: TaskSignal) {
    this.#own = own
  }

  get signal(): AbortSignal {
    return this.#own.signal
  }
}

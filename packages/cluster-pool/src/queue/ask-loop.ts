import { inRootContext, startTimer } from '@heddle/pool-core/building-blocks'

/**
 * Asks the server for those who wait: one question at a time, another one when something has changed meanwhile, and then after
 * a pause.
 *
 * Invariant: after a call of `ask` a question begins that was not under way before.
 */
export class AskLoop {
  readonly #step: () => Promise<void>
  readonly #pause: () => number | undefined
  #isAsking = false
  #mustAsk = false
  #stopTimer: (() => void) | undefined

  /**
   * @param step - one question; does not reject
   * @param pause - called when nothing is to be asked: after how many milliseconds to ask again; undefined: nobody waits
   */
  constructor(step: () => Promise<void>, pause: () => number | undefined) {
    this.#step = step
    this.#pause = pause
  }

  ask(): void {
    this.#mustAsk = true
    // It goes on for others when its first caller has long ended.
    if (!this.#isAsking) inRootContext(() => void this.#run())
  }

  /** Nobody waits any more. */
  endPause(): void {
    this.#stopTimer?.()
  }

  async #run(): Promise<void> {
    this.#isAsking = true
    this.#stopTimer?.()
    while (this.#mustAsk) {
      this.#mustAsk = false
      await this.#step()
    }
    this.#isAsking = false
    const pause = this.#pause()
    // Those who wait keep the process alive, not the timer.
    if (pause !== undefined) this.#stopTimer = startTimer(pause, () => this.ask(), { unref: true })
  }
}

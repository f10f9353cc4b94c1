import {
  addAbortCallback,
  holdProcess,
  letProcessGo,
  removeAbortCallback,
  startTimer,
  type WaitLimits,
} from '@heddle/pool-core/building-blocks'

/**
 * A call that waits: it ends with a result, with an error, with its time or with its signal, whatever comes first. Keeps the
 * process alive until then.
 *
 * Invariant: it ends once, and then no timer and no listener is left.
 * Invariant: while it is held, only a result or an error ends it; a time or a signal that came meanwhile ends it afterwards.
 */
export class Waiter<Result> {
  readonly promise: Promise<Result>
  /** It is asked for once, and not waited for: its time is over as soon as the answer is no. */
  readonly isOnce: boolean
  readonly #signal: AbortSignal | undefined
  readonly #onGivenUp: () => void
  readonly #timedOut: () => Error
  readonly #stopTimer: (() => void) | undefined
  #settle: { resolve(result: Result): void; reject(reason: unknown): void } | undefined
  #isHeld = false
  #giveUp: (() => void) | undefined

  /**
   * @param limits - whose signal has not aborted
   * @param onGivenUp - called when its time or its signal has ended it
   * @param timedOut - what it then rejects with
   */
  constructor({ timeout, signal }: WaitLimits, onGivenUp: () => void, timedOut: () => Error) {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.isOnce = timeout === 0
    this.#signal = signal
    this.#onGivenUp = onGivenUp
    this.#timedOut = timedOut
    this.#stopTimer =
      timeout === undefined || this.isOnce ? undefined : startTimer(timeout, () => this.#end(() => this.#timedOut()))
    if (signal) addAbortCallback(signal, this.#onAbort)
    holdProcess()
  }

  get isOver(): boolean {
    return this.#settle === undefined
  }

  resolve(result: Result): void {
    this.#over()?.resolve(result)
  }

  reject(reason: unknown): void {
    this.#over()?.reject(reason)
  }

  /** As when its time is over. */
  timeOut(): void {
    this.#end(() => this.#timedOut())
  }

  /** From now on what happens to it is decided already, only not known yet. */
  hold(): void {
    this.#isHeld = true
  }

  letGo(): void {
    this.#isHeld = false
    this.#giveUp?.()
  }

  readonly #onAbort = (): void => this.#end(() => this.#signal?.reason)

  #end(reasonOf: () => unknown): void {
    const giveUp = () => {
      const settle = this.#over()
      if (!settle) return
      settle.reject(reasonOf())
      this.#onGivenUp()
    }
    if (this.#isHeld) this.#giveUp ??= giveUp
    else giveUp()
  }

  #over(): { resolve(result: Result): void; reject(reason: unknown): void } | undefined {
    const settle = this.#settle
    if (!settle) return undefined
    this.#settle = undefined
    this.#stopTimer?.()
    if (this.#signal) removeAbortCallback(this.#signal, this.#onAbort)
    letProcessGo()
    return settle
  }
}

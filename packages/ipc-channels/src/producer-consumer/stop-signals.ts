import { ClosedError } from '../errors.js'
import { Rests } from './time.js'

/** How one side of a system, its producers or its consumers, is told to stop; each method does something once. */
export class StopSignals {
  /** Pauses of this side, which a stop ends. */
  readonly rests = new Rests()
  readonly #stop = new AbortController()
  readonly #giveUp = new AbortController()

  /** For functions: the system stops. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** For executors: nobody waits any more for what runs. */
  get givenUp(): AbortSignal {
    return this.#giveUp.signal
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  stop(): void {
    this.rests.endAll()
    // Last: a listener may stop the system again, and finds it stopped.
    this.#stop.abort(stopped())
  }

  giveUp(): void {
    this.#giveUp.abort(stopped())
  }

  /** Whether somebody who threw this has only done what the signal told him to do. */
  isCancellation(error: unknown): boolean {
    if (!this.isStopped) return false
    return error === this.signal.reason || (error as { name?: unknown } | null | undefined)?.name === 'AbortError'
  }
}

function stopped(): ClosedError {
  return new ClosedError('the system was stopped')
}

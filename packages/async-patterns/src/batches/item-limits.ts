import type { Clock } from '../platform/clock.js'
import type { Settler } from '../settler.js'
import { type Abortable, type AbortWatch, watchAbort } from '../waiting/abort-registry.js'
import { Deadline, type Timed } from '../waiting/deadline.js'

/** Where an item is that somebody may give up. */
export interface GivingUp {
  /** Its caller gives an item up, for `reason`; undefined: since its time is over. */
  giveUp(limits: ItemLimits, reason: { readonly ofSignal: unknown } | undefined): void
}

/** Whose limits they are. */
export interface Place {
  /** The item's place in its batch. */
  readonly index: number
  readonly bytes: number
  readonly settler: Settler<unknown>
  /** Whether the caller is given the result, or only told. */
  readonly givesResult: boolean
}

/** What may end the wait of one item's caller: a signal, a deadline, or both. Begins to count when it is made. */
export class ItemLimits implements Abortable, Timed, Place {
  index: number
  readonly bytes: number
  readonly settler: Settler<unknown>
  readonly givesResult: boolean
  readonly #batch: GivingUp
  readonly #signal: AbortSignal | undefined
  readonly #watch: AbortWatch | undefined
  readonly #deadline: Deadline | undefined
  #isLifted = false

  constructor(batch: GivingUp, place: Place, timeout: number, signal: AbortSignal | undefined, clock: Clock) {
    this.index = place.index
    this.bytes = place.bytes
    this.settler = place.settler
    this.givesResult = place.givesResult
    this.#batch = batch
    this.#signal = signal
    this.#watch = signal === undefined ? undefined : watchAbort(signal, this)
    this.#deadline = timeout === Number.POSITIVE_INFINITY ? undefined : new Deadline(timeout, this, clock)
  }

  onAbort(): void {
    this.#batch.giveUp(this, { ofSignal: this.#signal?.reason })
  }

  onDeadline(): void {
    this.#batch.giveUp(this, undefined)
  }

  /** Gives up if the signal has aborted, and tells its listeners one after another, and our turn has not come. */
  giveUpIfAborting(): void {
    if (this.#signal?.aborted === true && !this.#isLifted) this.onAbort()
  }

  /** Settles the caller, unless it has given up: with its own error, or else with its own one of the results. */
  settle(results: readonly unknown[], error: Error | undefined): void {
    if (this.#isLifted) return
    this.lift()
    if (error !== undefined) this.settler.reject(error)
    else this.settler.resolve(this.givesResult ? results[this.index] : undefined)
  }

  /** Rejects the caller, unless it has given up. */
  refuse(error: unknown): void {
    if (this.#isLifted) return
    this.lift()
    this.settler.reject(error)
  }

  /** Leaves neither a timer nor a listener. */
  lift(): void {
    this.#isLifted = true
    this.#watch?.remove(this)
    this.#deadline?.cancel()
  }
}

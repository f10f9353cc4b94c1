import { isMarkedAborted } from '../slots/claim-words.js'
import type { TaskContext } from '../tasks/task-context.js'

/** What a run knows that shares its message with others: nobody listens to its progress. */
export class BatchContext implements TaskContext {
  readonly id: string | undefined
  readonly attempt: number
  readonly #words: Int32Array | undefined
  readonly #envelope: number
  #controller: AbortController | undefined
  #abort: { readonly reason: unknown } | undefined

  constructor(id: string | undefined, attempt: number, words: Int32Array | undefined, envelope: number) {
    this.id = id
    this.attempt = attempt
    this.#words = words
    this.#envelope = envelope
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#abort) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#abort !== undefined || (this.#words !== undefined && isMarkedAborted(this.#words, this.#envelope))
  }

  readonly progress = (): void => undefined

  /** For the batch: nobody waits for this run any longer. */
  abort(reason: unknown): void {
    if (this.#abort) return
    this.#abort = { reason }
    this.#controller?.abort(reason)
  }
}

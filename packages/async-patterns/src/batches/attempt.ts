import type { BatchContext } from './batch-options.js'

/** One attempt at a batch, as its processing sees it. A signal costs more than a small batch: it is made when it is asked for. */
export class Attempt implements BatchContext {
  readonly attempt: number
  #controller: AbortController | undefined
  #abortion: { readonly reason: unknown } | undefined

  constructor(attempt: number) {
    this.attempt = attempt
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortion !== undefined) this.#controller.abort(this.#abortion.reason)
    }
    return this.#controller.signal
  }

  /** Runs the listeners of the signal. */
  abort(reason: unknown): void {
    this.#abortion = { reason }
    this.#controller?.abort(reason)
  }
}

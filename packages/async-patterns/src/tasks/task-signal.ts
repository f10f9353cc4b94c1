/**
 * The AbortSignal of one piece of work, made when somebody first looks at it: an AbortController costs more than most tasks
 * do, and most never look.
 */
export class TaskSignal {
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.#aborted !== undefined
  }

  /** Only the first call has an effect. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.markAborted(reason)
    this.tellListeners(reason)
  }

  protected markAborted(reason: unknown): void {
    this.#aborted = { reason }
  }

  /** Runs code that is not ours. */
  protected tellListeners(reason: unknown): void {
    this.#controller?.abort(reason)
  }
}

/** Lets tasks that end in any order go on one after the other, by their numbers from 0 on. */
export class Turns {
  readonly #waiting = new Map<number, { go: () => void; fail: (reason: unknown) => void }>()
  #next = 0
  #failure: { reason: unknown } | undefined

  /** Waits until all smaller numbers have passed. @throws (rejects) the reason of {@link Turns.fail} */
  async take(number: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason
    if (number === this.#next) return
    await new Promise<void>((go, fail) => this.#waiting.set(number, { go, fail }))
  }

  /** Lets the next one go on. */
  pass(): void {
    const next = ++this.#next
    this.#waiting.get(next)?.go()
    this.#waiting.delete(next)
  }

  /** Nobody goes on any more. */
  fail(reason: unknown): void {
    this.#failure ??= { reason }
    for (const { fail } of this.#waiting.values()) fail(reason)
    this.#waiting.clear()
  }
}

/** Tasks of this thread that wait until a word of the segment has another value. */
export class Waits {
  readonly #words: Int32Array
  readonly #pending = new Map<
    number,
    { readonly expected: number; readonly promise: Promise<void>; wake: () => void }
  >()

  constructor(words: Int32Array) {
    this.#words = words
  }

  get size(): number {
    return this.#pending.size
  }

  /** The word, if there is only one. */
  get onlyIndex(): number | undefined {
    if (this.#pending.size !== 1) return undefined
    for (const index of this.#pending.keys()) return index
    return undefined
  }

  add(index: number, expected: number): Promise<void> {
    const known = this.#pending.get(index)
    if (known?.expected === expected) return known.promise
    known?.wake()
    let wake = (): void => {}
    const promise = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#pending.set(index, { expected, promise, wake })
    return promise
  }

  /** Wakes one that waits for this word, whatever its value. */
  wake(index: number): void {
    this.#pending.get(index)?.wake()
    this.#pending.delete(index)
  }

  /** Wakes all whose words have changed. @returns how many go on waiting */
  wakeChanged(): number {
    for (const [index, { expected, wake }] of this.#pending) {
      if (Atomics.load(this.#words, index) === expected) continue
      this.#pending.delete(index)
      wake()
    }
    return this.#pending.size
  }

  wakeAll(): void {
    for (const { wake } of this.#pending.values()) wake()
    this.#pending.clear()
  }
}

import type { Side } from './ring/records.js'

/** That a thread is a producer or a consumer of a queue, until it ends or takes it back. */
export class Registration {
  readonly #queue: { register(side: Side): void; unregister(side: Side): void }
  readonly #side: Side
  #isOver = false

  /** @internal */
  constructor(queue: { register(side: Side): void; unregister(side: Side): void }, side: Side) {
    this.#queue = queue
    this.#side = side
    queue.register(side)
  }

  /** Takes it back: this thread has left by itself. A second call does nothing, nor one in a closed segment. Does not block. */
  unregister(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#queue.unregister(this.#side)
  }

  [Symbol.dispose](): void {
    this.unregister()
  }
}
